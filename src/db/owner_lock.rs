//! The lock of an owner: one change of where tasks are at a time.

use diesel::QueryResult;
use diesel::RunQueryDsl as _;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::Text;

use super::connection::{DbConnection, MultiBackend};
use super::statement::{Pass, dynamic_query};
use crate::auth::OwnerId;

/// Keeps whoever else asks for the same owner's lock waiting until the transaction
/// ends. So a list, a parent or a chain of parents that was checked is still as it was
/// when the row that depends on it is written. Taken before anything is read.
pub fn lock_owner(conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<()> {
    let owner = owner.as_str();
    LockOwner { owner }.execute(conn).map(drop)
}

/// The same for a background job, which has found the owner in a row and not in a token.
pub fn lock_stored_owner(conn: &mut DbConnection, owner: &str) -> QueryResult<()> {
    LockOwner { owner }.execute(conn).map(drop)
}

struct LockOwner<'a> {
    owner: &'a str,
}

impl QueryFragment<MultiBackend> for LockOwner<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("INSERT INTO owners (owner_id, last_change) VALUES (");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(
            ", 1) ON CONFLICT (owner_id) DO UPDATE SET last_change = owners.last_change + 1",
        );
        Ok(())
    }
}

dynamic_query!([] LockOwner<'_>);
