//! Counting tasks, altogether and in groups.

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use serde::Serialize;
use uuid::Uuid;

use super::conditions::Conditions;
use super::fields::Priority;
use super::query::{CountQuery, GroupBy};
use crate::auth::OwnerId;
use crate::db::connection::{DbConnection, MultiBackend};
use crate::db::statement::{Access, Failure, Pass, Statement, dynamic_query};

/// The most groups of a count.
pub(super) const MAX_GROUPS: usize = 1000;

/// How many tasks there are.
#[derive(Debug, Serialize)]
pub struct Count {
    /// Altogether.
    count: i64,
    /// In each group, the largest first, if groups were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<Group>>,
}

/// How many tasks a group has.
#[derive(Debug, Serialize)]
struct Group {
    /// What the filter of the group takes.
    key: String,
    count: i64,
}

/// Counts the owner's tasks that match a query.
pub struct CountTasks(pub CountQuery);

impl Statement for CountTasks {
    type Output = Count;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Count, Failure> {
        let Self(CountQuery { filter, by }) = self;
        let statement = SelectCounts {
            conditions: Conditions::new(conn, owner, filter),
            by: *by,
        };
        let rows: Vec<(i32, Option<String>, i64)> = statement.load(conn)?;
        let mut total = None;
        let mut groups = Vec::new();
        for (kind, raw, count) in rows {
            match by {
                Some(by) if kind == GROUP => groups.push(Group {
                    key: by.key(raw),
                    count,
                }),
                _ => total = Some(count),
            }
        }
        // But for tags, each task is in one group.
        let sum = || groups.iter().map(|group| group.count).sum();
        let count = total.unwrap_or_else(sum);
        groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        groups.truncate(MAX_GROUPS);
        Ok(Count {
            count,
            groups: by.map(|_| groups),
        })
    }
}

/// The first column of a row: the count of a group, and not of all tasks.
const GROUP: i32 = 1;

impl GroupBy {
    /// What the filter takes, of a column as text.
    fn key(self, raw: Option<String>) -> String {
        match (self, raw) {
            (Self::List, None) => "inbox".to_owned(),
            (_, None) => "none".to_owned(),
            // SQLite gives the digits only.
            (Self::List | Self::Parent, Some(id)) => match Uuid::try_parse(&id) {
                Ok(id) => id.hyphenated().to_string(),
                Err(_) => id,
            },
            (Self::Priority, Some(rank)) => {
                let rank = rank.parse().unwrap_or_default();
                Priority::from_rank(rank).name().to_owned()
            }
            (Self::Completed, Some(flag)) => {
                let is_true = ["1", "true"].contains(&flag.as_str());
                is_true.to_string()
            }
            (Self::Tag | Self::DueDate, Some(text)) => text,
        }
    }

    /// The column, and an expression that makes a text of its value `k`.
    fn column(self, is_postgres: bool) -> (&'static str, &'static str) {
        match (self, is_postgres) {
            (Self::List, true) => ("list_id", "CAST(k AS TEXT)"),
            (Self::List, false) => ("list_id", "CASE WHEN k IS NOT NULL THEN lower(hex(k)) END"),
            (Self::Parent, true) => ("parent_id", "CAST(k AS TEXT)"),
            (Self::Parent, false) => (
                "parent_id",
                "CASE WHEN k IS NOT NULL THEN lower(hex(k)) END",
            ),
            (Self::Priority, _) => ("priority", "CAST(k AS TEXT)"),
            // Whatever the server's DateStyle is.
            (Self::DueDate, true) => ("due_date", "to_char(k, 'YYYY-MM-DD')"),
            (Self::DueDate, false) => ("due_date", "k"),
            (Self::Completed, _) => ("completed", "CAST(k AS TEXT)"),
            (Self::Tag, _) => ("tags", "k"),
        }
    }
}

/// Expands the tags of a row of `matched` to rows with a `value` each.
pub(super) fn each_tag(is_postgres: bool) -> &'static str {
    match is_postgres {
        true => "json_array_elements_text(CAST(matched.tags AS JSON)) AS each_tag(value)",
        false => "json_each(matched.tags) AS each_tag",
    }
}

/// A tag of [`each_tag`], compared by bytes.
pub(super) fn tag(is_postgres: bool) -> &'static str {
    match is_postgres {
        true => "each_tag.value COLLATE \"C\"",
        false => "each_tag.value",
    }
}

struct SelectCounts<'a> {
    conditions: Conditions<'a>,
    by: Option<GroupBy>,
}

impl Query for SelectCounts<'_> {
    type SqlType = (Integer, Nullable<Text>, BigInt);
}

dynamic_query!([] SelectCounts<'_>);

impl<'a> SelectCounts<'a> {
    fn push_matched<'b>(&'b self, what: &str, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(what);
        out.push_sql(" FROM tasks WHERE ");
        self.conditions.push_owner(false, out)?;
        self.conditions.push_filter(out)
    }
}

impl QueryFragment<MultiBackend> for SelectCounts<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        const TOTAL: &str = "0, CAST(NULL AS TEXT), COUNT(*)";
        out.unsafe_to_cache_prepared();
        let is_postgres = self.conditions.is_postgres;
        let Some(by) = self.by else {
            return self.push_matched(TOTAL, &mut out);
        };
        if by == GroupBy::Tag {
            out.push_sql("WITH matched AS (");
            self.push_matched("tags", &mut out)?;
            out.push_sql(&format!(
                ") SELECT {TOTAL} FROM matched UNION ALL SELECT 1, name, n FROM \
                 (SELECT {} AS name, COUNT(*) AS n FROM matched CROSS JOIN {} \
                 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MAX_GROUPS}) AS by_tag",
                tag(is_postgres),
                each_tag(is_postgres),
            ));
            return Ok(());
        }
        let (column, text) = by.column(is_postgres);
        out.push_sql(&format!("SELECT 1, {text}, n FROM ("));
        self.push_matched(&format!("{column} AS k, COUNT(*) AS n"), &mut out)?;
        out.push_sql(&format!(" GROUP BY {column}) AS grouped"));
        Ok(())
    }
}
