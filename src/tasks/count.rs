//! Counting tasks, altogether and in groups.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use serde::Serialize;
use uuid::Uuid;

use super::conditions::Conditions;
use super::fields::Priority;
use super::filter::Filter;
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
        let is_unfiltered = *filter == Filter::default();
        let statement = SelectCounts {
            conditions: Conditions::new(conn, owner, filter),
            is_unfiltered,
            by: *by,
        };
        let rows: Vec<(i32, Option<String>, i64)> = statement.load(conn)?;
        let mut total = 0;
        let mut counts: HashMap<Option<String>, i64> = HashMap::new();
        for (kind, raw, count) in rows {
            match kind {
                TOTAL => total += count,
                _ => *counts.entry(raw).or_default() += count,
            }
        }
        // But for tags, each task is in one group.
        let grouped: i64 = counts.values().sum();
        match by {
            None | Some(GroupBy::Tag) => {}
            Some(GroupBy::List) if is_unfiltered => {
                *counts.entry(None).or_default() += total - grouped;
            }
            Some(_) => total = grouped,
        }
        let group = |(raw, count), by: GroupBy| Group {
            key: by.key(raw),
            count,
        };
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let mut groups: Vec<Group> = match by {
            Some(by) => counts.map(|of| group(of, *by)).collect(),
            None => Vec::new(),
        };
        let count = total;
        groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        groups.truncate(MAX_GROUPS);
        Ok(Count {
            count,
            groups: by.map(|_| groups),
        })
    }
}

/// The first column of a row that counts all tasks, and not a group.
const TOTAL: i32 = 0;

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

/// Yields rows of a kind, a key and a number; the numbers of rows with equal kinds and
/// keys are to be added.
struct SelectCounts<'a> {
    conditions: Conditions<'a>,
    is_unfiltered: bool,
    by: Option<GroupBy>,
}

impl Query for SelectCounts<'_> {
    type SqlType = (Integer, Nullable<Text>, BigInt);
}

dynamic_query!([] SelectCounts<'_>);

impl<'a> SelectCounts<'a> {
    /// Counts all of the owner's tasks, and those of each list, where the indexes suffice:
    /// the trash counted, and then taken off. The inbox is what is in no list.
    fn push_by_index<'b>(&'b self, by_list: bool, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        let mut push = |select: &str, condition: &str| {
            out.push_sql(select);
            out.push_sql(" FROM tasks WHERE ");
            self.conditions.push_owner(false, out)?;
            out.push_sql(condition);
            QueryResult::Ok(())
        };
        push("SELECT 0, CAST(NULL AS TEXT), COUNT(*)", "")?;
        push(
            " UNION ALL SELECT 0, CAST(NULL AS TEXT), -COUNT(*)",
            " AND deleted_at IS NOT NULL",
        )?;
        if !by_list {
            return Ok(());
        }
        let (column, text) = GroupBy::List.column(self.conditions.is_postgres);
        for (count, condition) in [
            ("COUNT(*)", " AND list_id IS NOT NULL"),
            // Those of the inbox too: with a condition on the list SQLite would read all
            // tasks of lists. They are taken off the lists' sum, and so come back.
            ("-COUNT(*)", " AND deleted_at IS NOT NULL"),
        ] {
            let select =
                format!(" UNION ALL SELECT 1, {text}, n FROM (SELECT {column} AS k, {count} AS n");
            let rest = format!("{condition} GROUP BY {column}) AS grouped");
            push(&select, &rest)?;
        }
        Ok(())
    }

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
        let is_postgres = self.conditions.is_postgres;
        match self.by {
            None if self.is_unfiltered => return self.push_by_index(false, &mut out),
            Some(GroupBy::List) if self.is_unfiltered => {
                return self.push_by_index(true, &mut out);
            }
            Some(_) | None => out.unsafe_to_cache_prepared(),
        }
        let Some(by) = self.by else {
            return self.push_matched("0, CAST(NULL AS TEXT), COUNT(*)", &mut out);
        };
        if by == GroupBy::Tag {
            out.push_sql("WITH matched AS (");
            // Most tasks share their tags with others.
            self.push_matched("tags, COUNT(*) AS n", &mut out)?;
            out.push_sql(&format!(
                " GROUP BY tags) SELECT 0, CAST(NULL AS TEXT), \
                 CAST(coalesce(SUM(n), 0) AS BIGINT) FROM matched \
                 UNION ALL SELECT 1, name, n FROM \
                 (SELECT {} AS name, CAST(SUM(n) AS BIGINT) AS n FROM matched CROSS JOIN {} \
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
