//! What a task is, and what clients may ask for: parsed types, so that handlers
//! and the repository hold nothing unparsed. No HTTP framework, no SQL.

mod cursor;
mod fault;
mod fields;
mod folded;
mod idempotency;
mod list;
mod parameters;
mod patch;
mod precondition;
mod tags;
mod task;
mod task_json;

pub use cursor::{Cursor, Position};
pub use fault::Fault;
pub use fields::{Description, Priority, Title};
pub use folded::{FoldedTexts, Texts, Words, fold};
pub use idempotency::IdempotencyKey;
pub use list::{Filter, ListError, ListQuery, SORTS, Sort, SortKey};
pub use parameters::{clear_completed, none as no_parameters};
pub use patch::{Completion, Draft, Patch, WRITTEN_BY_THE_SERVER};
pub use precondition::{EntityTag, IfMatch, IfNoneMatch};
pub use tags::Tags;
pub use task::{Moment, Task, TaskId};
pub use task_json::{Content, TaskJson};
