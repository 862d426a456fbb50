//! The tasks beside each other in one list below one parent.

use super::model::Task;
use crate::db::id::DbId;
use crate::db::order::{Arranged, Order};
use crate::primitives::id::ResourceId;
use crate::primitives::timestamp::Timestamp;

/// Which tasks are beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Siblings {
    /// The list; none is the inbox.
    pub list: Option<ResourceId>,
    /// The task above them; none is the top level.
    pub parent: Option<ResourceId>,
}

impl Order for Siblings {
    type Row = Task;

    fn shared(self) -> Vec<(&'static str, Option<DbId>)> {
        vec![
            ("list_id", self.list.map(DbId)),
            ("parent_id", self.parent.map(DbId)),
        ]
    }
}

impl Arranged for Task {
    fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    fn moved_to(&self, position: String, now: Timestamp) -> Self {
        Self {
            position: Some(position),
            ..self.changed(now)
        }
    }
}
