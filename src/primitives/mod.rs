//! What every room may use, and what uses none: no owner, no table, no endpoint.

pub mod deadline;
pub mod entity_tag;
pub mod field_error;
pub mod folded;
pub mod id;
pub mod idempotency_key;
pub mod json;
pub mod json_writer;
pub mod parameters;
pub mod problem;
pub mod text;
pub mod timestamp;
