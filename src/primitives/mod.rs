//! Primitives that every module may use. They know no owner, no table and no endpoint.

pub mod cursor;
pub mod deadline;
pub mod entity_tag;
pub mod field_error;
pub mod folded;
pub mod id;
pub mod idempotency_key;
pub mod json;
pub mod json_writer;
pub mod parameters;
pub mod position;
pub mod problem;
pub mod spot;
pub mod text;
pub mod timestamp;
