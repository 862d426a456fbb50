//! Reading rows: the columns of a task, and the pages of a list.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;

use super::connection::DbConnection;
use super::id::DbId;
use super::list_statement::{ListTasks, Part};
use super::schema::tasks;
use super::statements::NewestTasks;
use crate::auth::OwnerId;
use crate::domain::{Content, Description, ListQuery, Moment, Priority, Tags, Task, Title};

/// What a [`Row`] is read from. The owner is not among them: it is the one who
/// was asked for.
pub(super) type Columns = (
    tasks::id,
    tasks::title,
    tasks::description,
    tasks::completed,
    tasks::completed_at,
    tasks::priority,
    tasks::due_date,
    tasks::tags,
    tasks::version,
    tasks::updated_at,
);

pub(super) const COLUMNS: Columns = (
    tasks::id,
    tasks::title,
    tasks::description,
    tasks::completed,
    tasks::completed_at,
    tasks::priority,
    tasks::due_date,
    tasks::tags,
    tasks::version,
    tasks::updated_at,
);

/// [`COLUMNS`] for statements that are written as text.
pub(super) const COLUMNS_SQL: &str = "id, title, description, completed, completed_at, priority, due_date, tags, version, updated_at";

pub(super) type RowSqlType = SqlTypeOf<Columns>;

/// A task as it lies in the table.
#[derive(Queryable)]
pub(super) struct Row {
    id: DbId,
    title: String,
    description: Option<String>,
    completed: bool,
    completed_at: Option<NaiveDateTime>,
    priority: i16,
    due_date: Option<NaiveDate>,
    tags: String,
    version: i64,
    updated_at: NaiveDateTime,
}

impl Row {
    pub fn into_task(self, owner: &OwnerId) -> Task {
        Task {
            id: self.id.0,
            owner_id: owner.clone(),
            title: Title::from_column(self.title),
            description: self.description.map(Description::from_column),
            completed: self.completed,
            completed_at: self.completed_at.map(moment),
            priority: Priority::from_rank(self.priority),
            due_date: self.due_date,
            tags: Tags::from_column(self.tags),
            version: self.version,
            updated_at: moment(self.updated_at),
        }
    }

    pub fn content(&self) -> Content<'_> {
        Content {
            id: self.id.0,
            title: &self.title,
            description: self.description.as_deref(),
            completed: self.completed,
            completed_at: self.completed_at.map(moment),
            priority: Priority::from_rank(self.priority),
            due_date: self.due_date,
            tags: &self.tags,
            version: self.version,
            updated_at: moment(self.updated_at),
        }
    }
}

pub(super) fn moment(column: NaiveDateTime) -> Moment {
    Moment::new(column.and_utc())
}

/// The rows of a page, and one more if there is one; of a list by title with what
/// each is sorted by.
pub(super) fn load(
    connection: &mut DbConnection,
    owner: &OwnerId,
    query: &ListQuery,
) -> QueryResult<Vec<(Row, Option<String>)>> {
    let most = usize::from(query.limit) + 1;
    if query.is_newest() {
        let most = most as i64;
        let rows: Vec<Row> = NewestTasks { owner, most }.load(connection)?;
        return Ok(rows.into_iter().map(|row| (row, None)).collect());
    }
    let mut rows = Vec::new();
    for part in Part::of(query) {
        let missing = most.saturating_sub(rows.len());
        if missing > 0 {
            let statement = ListTasks::on(connection, owner, query, part, missing as i64);
            rows.append(&mut statement.load(connection)?);
        }
    }
    Ok(rows)
}

/// Takes off the one more, and says whether it was there.
pub(super) fn cut<T>(rows: &mut Vec<T>, query: &ListQuery) -> bool {
    let limit = usize::from(query.limit);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    has_more
}
