//! Loading one page of a list.

use diesel::prelude::*;

#[cfg(feature = "postgres")]
use super::cursor::Position;
use super::model::TaskRow;
use super::query::ListQuery;
#[cfg(feature = "postgres")]
use super::repository::Page;
use super::select_page::{SelectPage, sections};
use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
#[cfg(feature = "postgres")]
use crate::db::pipelines::{self, Session};
#[cfg(feature = "postgres")]
use crate::db::row_json::RowJson;
use crate::db::table::Newest;
#[cfg(feature = "postgres")]
use crate::db::table::Table as _;

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

/// Loads the first page of the default list over a pipeline. None if a row cannot be
/// written as JSON: the statement is run again on the pool, which reports the error.
#[cfg(feature = "postgres")]
pub(super) async fn newest_pipelined(
    session: &Session,
    owner: &OwnerId,
    query: &ListQuery,
) -> Result<Option<Page>, pipelines::Failure> {
    let max = i64::from(query.limit) + 1;
    let statement = Newest::<TaskRow>::new(owner, max);
    let mut rows = session.query(&statement).await?;
    let has_more = cut(&mut rows, query);
    let json = |row| TaskRow::from_pipeline(row).ok()?.to_json().ok();
    let items: Option<Vec<RowJson>> = rows.iter().map(json).collect();
    Ok(items.map(|items| Page {
        next: items.last().filter(|_| has_more).map(|last| Position {
            values: Vec::new(),
            id: last.id(),
        }),
        items,
    }))
}

/// Removes the extra row and returns whether there was one.
pub(super) fn cut<T>(rows: &mut Vec<T>, query: &ListQuery) -> bool {
    let limit = usize::from(query.limit);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    has_more
}
