//! Tasks and lists as files: exported and imported, in the formats of other programs and
//! in one that keeps everything.

pub mod document;
pub mod format;
pub mod readers;
pub mod writers;
