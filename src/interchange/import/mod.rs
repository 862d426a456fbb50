//! From a file to rows: what it holds, what of that is there already, and one transaction.

mod identity;
pub mod plan;
pub mod snapshot;
pub mod write;
