//! The SELECT statement of a list: filters, order, page. It is written as SQL text,
//! because the databases search a word by different functions, and because their
//! query planners need different texts for an owner with very many tasks.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Bool, Date, Nullable, SmallInt, Text, Timestamp};

use super::cursor::{Position, SortValue};
use super::fields::Priority;
use super::model::TaskRow;
use super::query::{Filter, ListQuery, SortKey};
use super::tags::Tags;
use crate::auth::OwnerId;
use crate::db::connection::{DbConnection, MultiBackend};
use crate::db::id::{DbId, Id};
use crate::db::statement::{Pass, dynamic_query};
use crate::db::table::Table;
use crate::primitives::folded::Words;

/// The sort key of titles, which cursors also contain: the stored value, even for
/// a row that is not folded yet.
const TITLE: &str = "coalesce(title_folded, title_lower)";

/// The subset of the owner's tasks that one statement reads. A list by due date or
/// by priority consists of two parts, one after the other, because their indexes are
/// partial: an index of all tasks would slow down every insert, a partial one only
/// those with a due date or a priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All tasks.
    Whole,
    /// Tasks with a due date. Index `tasks_due`.
    Dated,
    /// Tasks without a due date, sorted by id.
    Undated,
    /// Tasks with a priority above none. Index `tasks_ranked`.
    Ranked,
    /// Tasks without a priority, sorted by id.
    Unranked,
}

impl Part {
    /// The parts of a list in order, without those before its cursor and those that its
    /// filters exclude.
    pub fn of(query: &ListQuery) -> impl Iterator<Item = Self> {
        let Filter {
            priorities,
            due_before,
            due_after,
            ..
        } = &query.filter;
        let parts = match (query.sort.key, query.sort.descending) {
            (SortKey::DueDate, _) => [Self::Dated, Self::Undated],
            (SortKey::Priority, true) => [Self::Ranked, Self::Unranked],
            (SortKey::Priority, false) => [Self::Unranked, Self::Ranked],
            (SortKey::CreatedAt | SortKey::UpdatedAt | SortKey::Title, _) => [Self::Whole; 2],
        };
        let begin = query.after.as_ref().map(|position| match position.key {
            SortValue::DueDate(Some(_)) => Self::Dated,
            SortValue::DueDate(None) => Self::Undated,
            SortValue::Priority(Priority::None) => Self::Unranked,
            SortValue::Priority(_) => Self::Ranked,
            SortValue::CreatedAt | SortValue::UpdatedAt(_) | SortValue::Title(_) => Self::Whole,
        });
        let has_some = |part: &Self| match part {
            Self::Whole | Self::Dated => true,
            Self::Undated => due_before.is_none() && due_after.is_none(),
            Self::Ranked => {
                priorities.is_empty() || priorities.iter().any(|p| *p != Priority::None)
            }
            Self::Unranked => priorities.is_empty() || priorities.contains(&Priority::None),
        };
        let max = if parts == [Self::Whole; 2] { 1 } else { 2 };
        let parts: Vec<Self> = parts
            .into_iter()
            .take(max)
            .skip_while(|part| begin.is_some_and(|begin| begin != *part))
            .filter(has_some)
            .collect();
        parts.into_iter()
    }
}

/// Selects the rows of one part of a list, in order; in a list by title each with
/// its sort key.
pub(super) struct SelectPage<'a> {
    owner: &'a OwnerId,
    query: &'a ListQuery,
    part: Part,
    max: i64,
    is_postgres: bool,
    needles: Vec<String>,
    after: Option<After<'a>>,
}

/// A cursor's position, in the types of the columns.
struct After<'a> {
    key: Key<'a>,
    id: DbId,
}

enum Key<'a> {
    /// Sorted by id only.
    None,
    Instant(NaiveDateTime),
    Day(NaiveDate),
    Rank(i16),
    Text(&'a str),
}

impl<'a> After<'a> {
    /// The position within a part; none, for the beginning of the part, if the position
    /// is in the part before it.
    fn of(position: &'a Position, part: Part) -> Option<Self> {
        let key = match (&position.key, part) {
            (SortValue::DueDate(Some(_)), Part::Undated) => return None,
            (SortValue::Priority(Priority::None), Part::Ranked) => return None,
            (SortValue::Priority(rank), Part::Unranked) if *rank != Priority::None => return None,
            (
                SortValue::CreatedAt
                | SortValue::DueDate(None)
                | SortValue::Priority(Priority::None),
                _,
            ) => Key::None,
            (SortValue::UpdatedAt(at), _) => Key::Instant(at.utc().naive_utc()),
            (SortValue::DueDate(Some(day)), _) => Key::Day(*day),
            (SortValue::Priority(priority), _) => Key::Rank(priority.rank()),
            (SortValue::Title(title), _) => Key::Text(title),
        };
        let id = DbId(position.id);
        Some(Self { key, id })
    }
}

dynamic_query!([] SelectPage<'_>);

impl Query for SelectPage<'_> {
    type SqlType = (<TaskRow as Table>::Sql, Nullable<Text>);
}

impl<'a> SelectPage<'a> {
    pub fn on(
        connection: &DbConnection,
        owner: &'a OwnerId,
        query: &'a ListQuery,
        part: Part,
        max: i64,
    ) -> Self {
        Self {
            owner,
            query,
            part,
            max,
            needles: query
                .filter
                .tags
                .iter()
                .map(|tag| Tags::needle(tag))
                .collect(),
            after: query
                .after
                .as_ref()
                .and_then(|after| After::of(after, part)),
            is_postgres: match connection {
                DbConnection::Sqlite(_) => false,
                #[cfg(feature = "postgres")]
                DbConnection::Postgres(_) => true,
            },
        }
    }

    /// Whether no index has this order, so that the database sorts all of the owner's
    /// tasks. Then a subquery selects only the ids, which is a third faster, and the
    /// rows of the page are read afterwards.
    fn is_sorted(&self) -> bool {
        matches!(self.query.sort.key, SortKey::UpdatedAt | SortKey::Title)
    }

    /// The SQL expression that the part is sorted by, before the id.
    fn key(&self) -> Option<&'static str> {
        match (self.part, self.query.sort.key) {
            (Part::Undated | Part::Unranked, _) | (_, SortKey::CreatedAt) => None,
            (_, SortKey::UpdatedAt) => Some("updated_at"),
            (_, SortKey::DueDate) => Some("due_date"),
            (_, SortKey::Priority) => Some("priority"),
            (_, SortKey::Title) => Some(TITLE),
        }
    }

    fn push_order(&self, out: &mut Pass<'_, '_>) {
        let direction = if self.query.sort.descending {
            " DESC"
        } else {
            " ASC"
        };
        out.push_sql(" ORDER BY ");
        let by_primary_key = self.key().is_none().then_some("owner_id");
        if let Some(first) = self.key().or(by_primary_key) {
            out.push_sql(first);
            out.push_sql(direction);
            out.push_sql(", ");
        }
        out.push_sql("id");
        out.push_sql(direction);
    }

    /// Appends the filter by owner. For an order by id with further filters, PostgreSQL's
    /// planner tends to scan the index `tasks_id`, through the tasks of all owners. With
    /// `= ANY` it does not conclude that the owner is constant, so that only the primary
    /// key gives the order `owner_id, id`.
    fn push_owner<'b>(&'b self, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        let hides_constant = self.is_postgres && self.key().is_none();
        out.push_sql(if hides_constant {
            "owner_id = ANY(ARRAY["
        } else {
            "owner_id = "
        });
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(if hides_constant { "])" } else { "" });
        Ok(())
    }

    fn push_conditions<'b>(&'b self, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        self.push_owner(out)?;
        out.push_sql(" AND deleted_at IS NULL");
        out.push_sql(match self.part {
            Part::Whole => "",
            Part::Dated => " AND due_date IS NOT NULL",
            Part::Undated => " AND due_date IS NULL",
            Part::Ranked => " AND priority > 0",
            Part::Unranked => " AND priority = 0",
        });
        self.push_filter(out)?;
        match &self.after {
            Some(after) => self.push_after(after, out),
            None => Ok(()),
        }
    }

    fn push_filter<'b>(&'b self, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        let filter = &self.query.filter;
        if let Some(completed) = &filter.completed {
            out.push_sql(" AND completed = ");
            out.push_bind_param::<Bool, _>(completed)?;
        }
        for (at, priority) in filter.priorities.iter().enumerate() {
            // One of four constants, never the client's text.
            out.push_sql(if at == 0 { " AND priority IN (" } else { ", " });
            out.push_sql(match priority {
                Priority::None => "0",
                Priority::Low => "1",
                Priority::Medium => "2",
                Priority::High => "3",
            });
        }
        if !filter.priorities.is_empty() {
            out.push_sql(")");
        }
        for needle in &self.needles {
            out.push_sql(" AND ");
            self.push_contains("tags", needle, out)?;
        }
        if let Some(day) = &filter.due_before {
            out.push_sql(" AND due_date < ");
            out.push_bind_param::<Date, _>(day)?;
        }
        if let Some(day) = &filter.due_after {
            out.push_sql(" AND due_date >= ");
            out.push_bind_param::<Date, _>(day)?;
        }
        match &filter.q {
            Some(words) => self.push_words(words, out),
            None => Ok(()),
        }
    }

    /// Appends a substring condition. Both databases have a function that compares
    /// bytes, under different names. For NULL the condition is not true.
    fn push_contains<'b>(
        &'b self,
        text: &str,
        what: &'b str,
        out: &mut Pass<'_, 'b>,
    ) -> QueryResult<()> {
        out.push_sql(if self.is_postgres {
            "strpos("
        } else {
            "instr("
        });
        out.push_sql(text);
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(what)?;
        out.push_sql(") > 0");
        Ok(())
    }

    /// Appends the search. The folded columns are valid if they were written for this
    /// version of the task. The previous release does not write them, so a task that it
    /// has created or changed is searched as that release does until `refold` has
    /// processed it. Searching `description_lower` beside `rest_folded` adds no wrong
    /// match: a folded word in the lower-cased description is also in the folded one.
    fn push_words<'b>(&'b self, words: &'b Words, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql(" AND CASE WHEN folded_version = version THEN ");
        self.push_contains_all(
            [TITLE, "description_lower", "rest_folded"],
            &words.folded,
            out,
        )?;
        out.push_sql(" ELSE ");
        self.push_contains_all(
            ["title_lower", "description_lower", "NULL"],
            &words.lower,
            out,
        )?;
        out.push_sql(" END");
        Ok(())
    }

    fn push_contains_all<'b>(
        &'b self,
        texts: [&str; 3],
        words: &'b str,
        out: &mut Pass<'_, 'b>,
    ) -> QueryResult<()> {
        if !self.is_postgres {
            out.push_sql("words_stand_in(");
            out.push_bind_param::<Text, _>(words)?;
            out.push_sql(&format!(", {})", texts.join(", ")));
            return Ok(());
        }
        for (at, word) in words.split(' ').enumerate() {
            out.push_sql(if at == 0 { "(" } else { " AND (" });
            let texts = texts.iter().filter(|text| **text != "NULL");
            for (at, text) in texts.enumerate() {
                out.push_sql(if at == 0 { "" } else { " OR " });
                self.push_contains(text, word, out)?;
            }
            out.push_sql(")");
        }
        Ok(())
    }

    /// Appends the condition of a cursor: a greater key, or the same key and a greater
    /// id; in a descending order a smaller one.
    fn push_after<'b>(&'b self, after: &'b After<'a>, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql(" AND (");
        if let Some(key) = self.key() {
            out.push_sql(key);
            out.push_sql(", ");
        }
        out.push_sql(if self.query.sort.descending {
            "id) < ("
        } else {
            "id) > ("
        });
        match &after.key {
            Key::None => {}
            Key::Instant(at) => out.push_bind_param::<Timestamp, _>(at)?,
            Key::Day(day) => out.push_bind_param::<Date, _>(day)?,
            Key::Rank(rank) => out.push_bind_param::<SmallInt, _>(rank)?,
            Key::Text(text) => out.push_bind_param::<Text, _>(*text)?,
        }
        out.push_sql(if matches!(after.key, Key::None) {
            ""
        } else {
            ", "
        });
        out.push_bind_param::<Id, _>(&after.id)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for SelectPage<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        let only_completion = Filter {
            completed: self.query.filter.completed,
            ..Filter::default()
        };
        if self.query.sort.key != SortKey::CreatedAt || self.query.filter != only_completion {
            // There are more combinations than a connection should keep prepared. And a
            // generic plan for all owners would be wrong for one with very many tasks.
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("SELECT ");
        out.push_sql(TaskRow::READ);
        out.push_sql(", ");
        out.push_sql(match self.query.sort.key {
            SortKey::Title => TITLE,
            SortKey::CreatedAt | SortKey::UpdatedAt | SortKey::DueDate | SortKey::Priority => {
                "CAST(NULL AS TEXT)"
            }
        });
        out.push_sql(" FROM tasks WHERE ");
        if self.is_sorted() {
            out.push_sql("owner_id = ");
            out.push_bind_param::<Text, _>(self.owner.as_str())?;
            out.push_sql(" AND id IN (SELECT id FROM tasks WHERE ");
        }
        self.push_conditions(&mut out)?;
        self.push_order(&mut out);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.max)?;
        if self.is_sorted() {
            out.push_sql(")");
            self.push_order(&mut out);
        }
        Ok(())
    }
}
