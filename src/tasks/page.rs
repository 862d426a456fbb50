//! Loading one page of a list, and writing it.

use diesel::prelude::*;

use super::cursor::Position;
use super::model::{TaskFields, TaskRow};
use super::query::ListQuery;
use super::repository::ListTasks;
use super::select_page::{SelectPage, sections};
use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
#[cfg(feature = "postgres")]
use crate::db::pipelines::{self, Session};
use crate::db::table::Newest;
use crate::http::resource::page_body;
use crate::http::response_budget::BudgetedBody;
use crate::primitives::problem::ApiError;

/// A page of a list.
pub struct Page {
    /// The response.
    pub body: BudgetedBody,
    /// The query string of the next page, if there is one.
    pub next: Option<String>,
}

/// Loads the rows of a page and one more, which tells whether there is a next page.
/// In a list sorted by title each row comes with its folded title.
pub(super) fn load(
    connection: &mut DbConnection,
    owner: &OwnerId,
    query: &ListQuery,
) -> QueryResult<Vec<(TaskRow, Option<String>)>> {
    let max = usize::from(query.limit) + 1;
    if query.is_newest() {
        let rows: Vec<TaskRow> = Newest::<TaskRow>::new(owner, max as i64).load(connection)?;
        return Ok(rows.into_iter().map(|row| (row, None)).collect());
    }
    let mut rows = Vec::new();
    for section in sections(query) {
        let missing = max.saturating_sub(rows.len());
        if missing > 0 {
            let statement = SelectPage::on(connection, owner, query, section, missing as i64);
            rows.append(&mut statement.load(connection)?);
        }
    }
    Ok(rows)
}

/// Loads the same rows of the default list over a pipeline.
#[cfg(feature = "postgres")]
pub(super) async fn load_pipelined(
    session: &Session,
    owner: &OwnerId,
    query: &ListQuery,
) -> Result<Vec<tokio_postgres::Row>, pipelines::Failure> {
    let max = i64::from(query.limit) + 1;
    session.query(&Newest::<TaskRow>::new(owner, max)).await
}

/// Writes a page of these tasks, or says that too many are being read. `next` is the
/// position of the last task, if there are more.
///
/// # Errors
///
/// Those of [`page_body`].
pub(super) fn write(
    tasks: &[TaskFields<'_>],
    next: Option<&Position>,
    owner: &OwnerId,
    list: &ListTasks,
) -> QueryResult<Result<Page, ApiError>> {
    let ListTasks { query, budget } = list;
    let cursor = next.map(|next| query.cursor_after(owner, next));
    let body = page_body::<TaskRow>(tasks, cursor.as_deref(), owner, budget)?;
    let next = cursor.map(|cursor| query.next_page(&cursor));
    Ok(body.map(|body| Page { body, next }))
}

/// Removes the extra row and returns whether there was one.
pub(super) fn cut<T>(rows: &mut Vec<T>, query: &ListQuery) -> bool {
    let limit = usize::from(query.limit);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    has_more
}
