//! The statements on the tags of an owner's tasks.

use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
use crate::db::owner_lock::lock_owner;
use crate::db::statement::{Access, Failure, Statement, in_transaction};
use crate::tasks::tagged::{self, TagCount};

/// Lists the tags of the owner's tasks, by name.
pub(super) struct ListTags;

impl Statement for ListTags {
    type Output = Vec<TagCount>;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Vec<TagCount>, Failure> {
        Ok(tagged::counts(conn, owner)?)
    }
}

/// Puts a tag in the place of another one on all of the owner's tasks, or takes it off,
/// and says how many tasks were changed.
pub(super) struct ReplaceTag {
    pub from: String,
    /// None: it is taken off.
    pub to: Option<String>,
}

impl Statement for ReplaceTag {
    type Output = usize;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<usize, Failure> {
        if self.to.as_ref() == Some(&self.from) {
            return Ok(0);
        }
        in_transaction(conn, |conn| {
            lock_owner(conn, owner)?;
            tagged::replace(conn, owner, &self.from, self.to.as_deref())
        })
    }
}
