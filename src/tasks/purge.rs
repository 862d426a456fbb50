//! Ends tasks that have been in the trash for long enough.

use diesel::QueryResult;

use super::trash::leave_parents;
use crate::db::connection::DbConnection;
use crate::db::purge::{self, Expired, Step};
use crate::primitives::timestamp::Timestamp;

/// Subtasks before the tasks above them: so few are ever left without a parent.
const WITHOUT_SUBTASKS: &str = " AND NOT EXISTS (SELECT 1 FROM tasks below \
     WHERE below.owner_id = it.owner_id AND below.parent_id = it.id \
     AND below.deleted_at <= it.deleted_at)";

/// Ends some tasks that went to the trash before an instant. What is in the trash below
/// them, on its own, goes to the top level.
///
/// # Errors
///
/// The database failed, and nothing has ended.
pub fn step(conn: &mut DbConnection, before: Timestamp) -> QueryResult<Step> {
    let expired = Expired {
        table: "tasks",
        condition: WITHOUT_SUBTASKS,
        before: before.column(),
    };
    purge::step(conn, expired, |conn, change, owner, ended| {
        leave_parents(conn, change, owner, ended, None)
    })
}
