//! From a file to rows: what it holds, what of that is there already, and one transaction.

mod identity;
mod places;
pub mod plan;
#[cfg(test)]
mod races;
mod rows;
pub mod snapshot;
mod times;
pub mod write;
