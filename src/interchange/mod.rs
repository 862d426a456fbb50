//! Tasks and lists as files: exported and imported, in the formats of other programs and
//! in one that keeps everything.

mod columns;
pub mod document;
pub mod format;
pub mod import;
mod marks;
pub mod media;
pub mod readers;
#[cfg(test)]
mod round_trips;
mod rrule;
pub mod writers;
