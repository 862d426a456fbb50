//! Ends lists that have been in the trash for long enough.

use diesel::QueryResult;

use crate::db::connection::DbConnection;
use crate::db::purge::{self, Expired, Step};
use crate::primitives::timestamp::Timestamp;
use crate::tasks::trash::{WITHOUT_TASKS_THAT_WENT_WITH_IT, leave_list};

/// Ends some lists that went to the trash before an instant, once the tasks that went
/// there with them have ended. What is in the trash on its own loses its list.
///
/// # Errors
///
/// The database failed, and nothing has ended.
pub fn step(conn: &mut DbConnection, before: Timestamp) -> QueryResult<Step> {
    let expired = Expired {
        table: "lists",
        condition: WITHOUT_TASKS_THAT_WENT_WITH_IT,
        before: before.column(),
    };
    purge::step(conn, expired, |conn, change, owner, ended| {
        for list in ended {
            leave_list(conn, change, owner, *list)?;
        }
        Ok(())
    })
}
