//! The statements on the tags of an owner's tasks.

use crate::auth::OwnerId;
use crate::db::change::change_all;
use crate::db::connection::DbConnection;
use crate::db::statement::{Access, Failure, Statement};
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
        change_all(conn, owner, |conn, change| {
            tagged::replace(conn, change, owner, &self.from, self.to.as_deref())
        })
    }
}
