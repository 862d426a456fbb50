//! The statement of one page of a list.
//!
//! Invariant: every statement filters by the owner in its WHERE clause.

use diesel::prelude::*;

use super::columns::SortedRow;
use super::cursor::Position;
use super::model::{TaskFields, TaskRow};
use super::query::ListQuery;
use super::select_page::{SelectPage, sections};
use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
#[cfg(feature = "postgres")]
use crate::db::pipelines::{self, MAX_BEFORE_PAGE, Session};
use crate::db::statement::{Access, Failure, Statement};
use crate::db::table::{Newest, Table as _};
use crate::http::resource::page_body;
use crate::http::response_budget::{BudgetedBody, ResponseBudget};
use crate::primitives::problem::ApiError;

/// A page of a list.
pub struct Page {
    /// The response.
    pub body: BudgetedBody,
    /// The query string of the next page, if there is one.
    pub next: Option<String>,
}

/// The largest page size that may go over a pipeline: the statements behind it wait.
#[cfg(feature = "postgres")]
const LARGEST_PAGE: u16 = 50;

/// Lists the owner's tasks that match a query.
pub struct ListTasks {
    /// The query.
    pub query: ListQuery,
    /// What counts the bytes of the page.
    pub budget: ResponseBudget,
}

impl Statement for ListTasks {
    /// The page, or its refusal while too many large ones are held.
    type Output = Result<Page, ApiError>;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Self::Output, Failure> {
        let query = &self.query;
        let mut rows = load(conn, owner, query)?;
        let has_more = cut(&mut rows, query);
        let last = rows.last().filter(|_| has_more);
        let next = last.map(|(last, title)| {
            let row = SortedRow {
                fields: last.fields(),
                title: title.as_deref(),
            };
            Position::of(&row, &query.sort)
        });
        let fields: Vec<_> = rows.iter().map(|(row, _)| row.fields()).collect();
        Ok(write(&fields, next.as_ref(), owner, self)?)
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        let query = &self.query;
        (query.is_newest() && query.limit <= LARGEST_PAGE).then_some(MAX_BEFORE_PAGE)
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined(
        &self,
        session: &Session,
        owner: &OwnerId,
    ) -> Result<Option<Self::Output>, pipelines::Failure> {
        let rows = load_pipelined(session, owner, &self.query).await?;
        let fields = rows.iter().map(|row| TaskRow::from_pipeline(row).ok());
        // A row that cannot be read or written: the statement is run again on the pool,
        // which reports the error.
        let Some(mut fields) = fields.collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let has_more = cut(&mut fields, &self.query);
        let last = fields.last().filter(|_| has_more);
        let next = last.map(|last| Position {
            values: Vec::new(),
            id: last.id.0,
        });
        Ok(write(&fields, next.as_ref(), owner, self).ok())
    }
}

/// Loads the rows of a page and one more, which tells whether there is a next page.
/// In a list sorted by title each row comes with its folded title.
fn load(
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
async fn load_pipelined(
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
fn write(
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
fn cut<T>(rows: &mut Vec<T>, query: &ListQuery) -> bool {
    let limit = usize::from(query.limit);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    has_more
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;
    use crate::tasks::filter::Filter;
    use crate::tasks::sort::Sort;

    fn newest(limit: u16) -> ListQuery {
        ListQuery {
            filter: Filter::default(),
            sort: Sort::default_of(false),
            limit,
            after: None,
        }
    }

    #[test]
    fn only_a_first_page_of_at_most_50_goes_over_a_pipeline() {
        let budget = ResponseBudget::default;
        let limit = |query| {
            ListTasks {
                query,
                budget: budget(),
            }
            .pipeline_limit()
        };
        assert_eq!(limit(newest(LARGEST_PAGE)), Some(MAX_BEFORE_PAGE));
        assert_eq!(limit(newest(LARGEST_PAGE + 1)), None);
        let mut filtered = newest(1);
        filtered.filter.completed = Some(true);
        assert_eq!(limit(filtered), None);
    }
}
