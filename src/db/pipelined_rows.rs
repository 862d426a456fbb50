//! Rows that come over a pipeline, read where they lie.
//!
//! Most of what a page costs is its rows. A [`Row`](super::page::Row) copies each
//! text out of the answer; here the texts are looked at and written, once.

use chrono::NaiveDateTime;
use tokio_postgres::{Error, Row};

use super::id::DbId;
use super::page::moment;
use crate::auth::OwnerId;
use crate::domain::{Content, Description, Priority, Tags, Task, TaskJson, Title};

/// What a row of [`COLUMNS_SQL`](super::page::COLUMNS_SQL) says.
fn content_of(row: &Row) -> Result<Content<'_>, Error> {
    let completed_at: Option<NaiveDateTime> = row.try_get(4)?;
    Ok(Content {
        id: row.try_get::<_, DbId>(0)?.0,
        title: row.try_get(1)?,
        description: row.try_get(2)?,
        completed: row.try_get(3)?,
        completed_at: completed_at.map(moment),
        priority: Priority::from_rank(row.try_get(5)?),
        due_date: row.try_get(6)?,
        tags: row.try_get(7)?,
        version: row.try_get(8)?,
        updated_at: moment(row.try_get(9)?),
    })
}

/// A task of a page, if nobody else has spoiled its row.
pub(super) fn json_of(row: &Row) -> Option<TaskJson> {
    TaskJson::of(&content_of(row).ok()?).ok()
}

/// A task of the owner's.
pub(super) fn task_of(row: &Row, owner: &OwnerId) -> Result<Task, Error> {
    let content = content_of(row)?;
    let description = content.description.map(str::to_owned);
    Ok(Task {
        id: content.id,
        owner_id: owner.clone(),
        title: Title::from_column(content.title.to_owned()),
        description: description.map(Description::from_column),
        completed: content.completed,
        completed_at: content.completed_at,
        priority: content.priority,
        due_date: content.due_date,
        tags: Tags::from_column(content.tags.to_owned()),
        version: content.version,
        updated_at: content.updated_at,
    })
}
