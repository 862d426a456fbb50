//! Tasks: the fields, what clients may ask for, the statements, the endpoints.

pub mod cursor;
mod errors;
pub mod fields;
mod folding;
pub mod handlers;
pub mod input;
pub mod model;
mod page;
pub mod query;
pub mod refold;
pub mod repository;
mod select_page;
mod tags;
