//! Reading rows: the columns of a task, and the statement of a list.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::{SqlTypeOf, sql};
use diesel::expression::BoxableExpression;
use diesel::helper_types::IntoBoxed;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::connection::{DbConnection, MultiBackend};
use super::id::DbId;
use super::schema::tasks;
use super::statements::NewestTasks;
use crate::auth::OwnerId;
use crate::domain::{
    Content, Cursor, Description, Filter, ListQuery, Moment, Position, Priority, Sort, SortKey,
    Tags, Task, Title,
};

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

type Boxed<'q> = IntoBoxed<'q, diesel::dsl::Select<tasks::table, Columns>, MultiBackend>;

/// The rows of a page, and one more if there is one.
pub(super) fn load(
    connection: &mut DbConnection,
    owner: &OwnerId,
    query: &ListQuery,
) -> QueryResult<Vec<Row>> {
    let most = i64::from(query.limit) + 1;
    if query.is_newest() {
        return NewestTasks { owner, most }.load(connection);
    }
    let mut statement: Boxed<'_> = tasks::table.select(COLUMNS).into_boxed();
    statement = statement.filter(tasks::owner_id.eq(owner.as_str()));
    statement = filtered(statement, &query.filter);
    if let Some(position) = &query.after {
        statement = statement.filter(behind(position, query.sort));
    }
    sorted(statement, query.sort).limit(most).load(connection)
}

/// Takes off the one more, and says whether it was there.
pub(super) fn cut<T>(rows: &mut Vec<T>, query: &ListQuery) -> bool {
    let limit = usize::from(query.limit);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    has_more
}

// The only substring search that both databases have and that compares bytes:
// take the needle out and see whether anything is missing.
diesel::define_sql_function! {
    fn replace(text: Text, needle: Text, with: Text) -> Text;
}

fn filtered<'q>(mut statement: Boxed<'q>, filter: &'q Filter) -> Boxed<'q> {
    if let Some(completed) = filter.completed {
        statement = statement.filter(tasks::completed.eq(completed));
    }
    let only_completion = Filter {
        completed: filter.completed,
        ..Filter::default()
    };
    if *filter == only_completion {
        return statement;
    }
    // A client could ask for more combinations than a connection should keep
    // prepared. A literal is never kept, and so neither is what it stands in.
    statement = statement.filter(sql::<Bool>("1 = 1"));
    if !filter.priorities.is_empty() {
        let ranks: Vec<i16> = filter.priorities.iter().map(|one| one.rank()).collect();
        statement = statement.filter(tasks::priority.eq_any(ranks));
    }
    for tag in &filter.tags {
        statement = statement.filter(replace(tasks::tags, Tags::needle(tag), "").ne(tasks::tags));
    }
    if let Some(day) = filter.due_before {
        statement = statement.filter(tasks::due_date.lt(day));
    }
    if let Some(day) = filter.due_after {
        statement = statement.filter(tasks::due_date.ge(day));
    }
    if let Some(q) = &filter.q {
        let in_title = replace(tasks::title_lower, q, "").ne(tasks::title_lower);
        // Without a description this is null, which no row is selected by.
        let description = tasks::description_lower.assume_not_null();
        let in_description = replace(description, q, "").ne(description);
        statement = statement.filter(in_title.or(in_description));
    }
    statement
}

type Condition<'q> = Box<
    dyn BoxableExpression<tasks::table, MultiBackend, SqlType = diesel::sql_types::Nullable<Bool>>
        + 'q,
>;

/// The rows behind a position: a greater key, or the same key and a greater id.
/// Greater means less where the order descends; no day is behind all days.
fn behind<'q>(position: &'q Position, sort: Sort) -> Condition<'q> {
    /// Both comparisons of a column that is never null.
    macro_rules! behind {
        ($column:path, $key:expr) => {{
            let id = DbId(position.id);
            if sort.descending {
                Box::new(($column.lt($key).or($column.eq($key).and(tasks::id.lt(id)))).nullable())
            } else {
                Box::new(($column.gt($key).or($column.eq($key).and(tasks::id.gt(id)))).nullable())
            }
        }};
    }
    let id = DbId(position.id);
    match &position.key {
        Cursor::CreatedAt if sort.descending => Box::new(tasks::id.lt(id).nullable()),
        Cursor::CreatedAt => Box::new(tasks::id.gt(id).nullable()),
        Cursor::UpdatedAt(at) => behind!(tasks::updated_at, at.utc().naive_utc()),
        Cursor::Priority(priority) => behind!(tasks::priority, priority.rank()),
        Cursor::Title(title) => behind!(tasks::title_lower, title),
        Cursor::DueDate(None) if sort.descending => {
            Box::new((tasks::due_date.is_null().and(tasks::id.lt(id))).nullable())
        }
        Cursor::DueDate(None) => {
            Box::new((tasks::due_date.is_null().and(tasks::id.gt(id))).nullable())
        }
        Cursor::DueDate(Some(day)) if sort.descending => Box::new(
            tasks::due_date
                .lt(day)
                .or(tasks::due_date.eq(day).and(tasks::id.lt(id)))
                .or(tasks::due_date.is_null()),
        ),
        Cursor::DueDate(Some(day)) => Box::new(
            tasks::due_date
                .gt(day)
                .or(tasks::due_date.eq(day).and(tasks::id.gt(id)))
                .or(tasks::due_date.is_null()),
        ),
    }
}

fn sorted(statement: Boxed<'_>, sort: Sort) -> Boxed<'_> {
    use tasks::{due_date, id, priority, title_lower, updated_at};
    match (sort.key, sort.descending) {
        (SortKey::CreatedAt, false) => statement.order(id.asc()),
        (SortKey::CreatedAt, true) => statement.order(id.desc()),
        (SortKey::UpdatedAt, false) => statement.order((updated_at.asc(), id.asc())),
        (SortKey::UpdatedAt, true) => statement.order((updated_at.desc(), id.desc())),
        (SortKey::Priority, false) => statement.order((priority.asc(), id.asc())),
        (SortKey::Priority, true) => statement.order((priority.desc(), id.desc())),
        (SortKey::Title, false) => statement.order((title_lower.asc(), id.asc())),
        (SortKey::Title, true) => statement.order((title_lower.desc(), id.desc())),
        // The databases disagree about where null sorts; this says it.
        (SortKey::DueDate, false) => {
            statement.order((due_date.is_null().asc(), due_date.asc(), id.asc()))
        }
        (SortKey::DueDate, true) => {
            statement.order((due_date.is_null().asc(), due_date.desc(), id.desc()))
        }
    }
}
