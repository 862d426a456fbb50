//! The SELECT statement of a page of a list. It is written as SQL text, because the
//! databases' query planners need different texts for an owner with very many tasks.

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Nullable, Text};

use super::columns::{ColumnValue, POSITION_OF_ID, SortKey, TITLE};
use super::conditions::Conditions;
use super::fields::Priority;
use super::filter::Filter;
use super::model::TaskRow;
use super::query::ListQuery;
use crate::auth::OwnerId;
use crate::db::connection::{DbConnection, MultiBackend};
use crate::db::id::{DbId, Id};
use crate::db::statement::{Pass, dynamic_query};
use crate::db::table::Table;
use crate::primitives::position::nearest_id;

/// The subset of the owner's tasks that one SELECT reads. A list by due date or by
/// priority consists of two parts, one after the other, because their indexes are
/// partial: an index of all tasks would slow down every insert, a partial one only
/// those with a due date or a priority. A list by position consists of two parts that
/// are merged.
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
    /// Tasks that were moved, by their position. Index `tasks_moved`.
    Moved,
    /// Tasks that were never moved: their ids are their positions.
    Unmoved,
}

/// Parts that one statement reads, merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    parts: &'static [Part],
    /// Whether the cursor, if there is one, is in this section and not before it.
    has_cursor: bool,
}

/// The sections of a list in order, without those before its cursor and those that its
/// filters exclude.
pub(super) fn sections(query: &ListQuery) -> Vec<Section> {
    let sections: &[&'static [Part]] = match (query.sort.only_key(), query.sort.ids_descend()) {
        (Some(SortKey::DueDate), _) => &[&[Part::Dated], &[Part::Undated]],
        (Some(SortKey::Priority), true) => &[&[Part::Ranked], &[Part::Unranked]],
        (Some(SortKey::Priority), false) => &[&[Part::Unranked], &[Part::Ranked]],
        (Some(SortKey::Position), _) => &[&[Part::Moved, Part::Unmoved]],
        _ => &[&[Part::Whole]],
    };
    let first = query.after.as_ref().and_then(|after| after.values.first());
    let begin = match (query.sort.only_key(), first) {
        (Some(SortKey::DueDate), Some(Some(_))) => Some(Part::Dated),
        (Some(SortKey::DueDate), Some(None)) => Some(Part::Undated),
        (Some(SortKey::Priority), Some(Some(ColumnValue::Number(..=0)))) => Some(Part::Unranked),
        (Some(SortKey::Priority), Some(_)) => Some(Part::Ranked),
        _ => None,
    };
    let section = |parts: &&'static [Part]| Section {
        parts,
        has_cursor: begin.is_none_or(|begin| **parts == [begin]),
    };
    let sections = sections.iter().map(section);
    sections
        .skip_while(|section| !section.has_cursor)
        .filter(|section| {
            section
                .parts
                .iter()
                .any(|part| part.has_some(&query.filter))
        })
        .collect()
}

impl Part {
    /// Whether a filter lets through some tasks of the part.
    fn has_some(self, filter: &Filter) -> bool {
        let priorities = &filter.priorities;
        match self {
            Self::Whole | Self::Moved | Self::Unmoved => true,
            Self::Dated => filter.lets_through("due_date", true),
            Self::Undated => filter.lets_through("due_date", false),
            Self::Ranked => {
                priorities.is_empty() || priorities.iter().any(|p| *p != Priority::None)
            }
            Self::Unranked => priorities.is_empty() || priorities.contains(&Priority::None),
        }
    }

    /// What its rows are sorted by, before the id.
    fn keys(self, query: &ListQuery, is_postgres: bool) -> Vec<Key<'_>> {
        // All of its rows have the same values.
        if matches!(self, Self::Undated | Self::Unranked) {
            return Vec::new();
        }
        let [of_id_on_postgres, of_id_on_sqlite] = POSITION_OF_ID;
        let values = query.after.iter().flat_map(|after| &after.values);
        let mut values = values.map(Option::as_ref);
        let columns = query.sort.columns().into_iter();
        let keys = columns.enumerate().map(|(at, by)| Key {
            sql: match self {
                Self::Moved => "position",
                Self::Unmoved if is_postgres => of_id_on_postgres,
                Self::Unmoved => of_id_on_sqlite,
                Self::Whole | Self::Dated | Self::Undated | Self::Ranked | Self::Unranked => {
                    by.column.sql(is_postgres)
                }
            },
            descending: by.descending,
            is_nullable: by.column.is_nullable && !(self == Self::Dated && at == 0),
            after: values.next().flatten(),
        });
        keys.collect()
    }

    fn condition(self) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Dated => " AND due_date IS NOT NULL",
            Self::Undated => " AND due_date IS NULL",
            Self::Ranked => " AND priority > 0",
            Self::Unranked => " AND priority = 0",
            Self::Moved => " AND position IS NOT NULL",
            Self::Unmoved => " AND position IS NULL",
        }
    }
}

/// Selects the rows of a section, in order; in a list by title each with its sort key.
pub(super) struct SelectPage<'a> {
    conditions: Conditions<'a>,
    query: &'a ListQuery,
    parts: Vec<(Part, Vec<Key<'a>>)>,
    /// What merged parts are sorted by.
    merged_by: Vec<Key<'a>>,
    max: i64,
    after: Option<DbId>,
    nearest: Option<DbId>,
}

/// An expression that rows are sorted by before the id, and the cursor's value of it.
#[derive(Clone, Copy)]
struct Key<'a> {
    sql: &'static str,
    descending: bool,
    is_nullable: bool,
    after: Option<&'a ColumnValue>,
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
        section: Section,
        max: i64,
    ) -> Self {
        let conditions = Conditions::new(connection, owner, &query.filter);
        let is_postgres = conditions.is_postgres;
        let after = query.after.as_ref().filter(|_| section.has_cursor);
        let keys = |part: &Part| (*part, part.keys(query, is_postgres));
        let nearest = match after.and_then(|after| after.values.first()) {
            Some(Some(ColumnValue::Text(position))) => {
                Some(DbId(nearest_id(position, !query.sort.ids_descend())))
            }
            _ => None,
        };
        Self {
            parts: section.parts.iter().map(keys).collect(),
            merged_by: Part::Whole.keys(query, is_postgres),
            conditions,
            query,
            max,
            after: after.map(|after| DbId(after.id)),
            nearest,
        }
    }

    /// Whether no index has this order, so that the database sorts all of the owner's
    /// tasks. Then a subquery selects only the ids, which is a third faster, and the
    /// rows of the page are read afterwards.
    fn is_sorted(&self, part: Part, keys: &[Key<'_>]) -> bool {
        part == Part::Whole
            && !keys.is_empty()
            && self.query.sort.only_key() != Some(SortKey::DeletedAt)
    }

    /// Whether the statement is one of those that are asked for most: all tasks by id, or
    /// those of one list by position, at all levels or below one parent; with or without a
    /// filter by completion.
    fn is_frequent(&self) -> bool {
        let filter = &self.query.filter;
        let by_position = self.query.sort.only_key() == Some(SortKey::Position);
        let of_list = filter.lists.len() == 1 && filter.parents.len() <= 1;
        let of_list = Some(filter).filter(|_| by_position && of_list);
        let frequent = Filter {
            completed: filter.completed,
            lists: of_list.map_or_else(Vec::new, |filter| filter.lists.clone()),
            parents: of_list.map_or_else(Vec::new, |filter| filter.parents.clone()),
            ..Filter::default()
        };
        let by_id = self.query.sort.only_key() == Some(SortKey::CreatedAt);
        (by_id || of_list.is_some()) && *filter == frequent
    }

    fn push_part<'b>(
        &'b self,
        part: Part,
        keys: &'b [Key<'a>],
        out: &mut Pass<'_, 'b>,
    ) -> QueryResult<()> {
        let is_sorted = self.is_sorted(part, keys);
        out.push_sql(" FROM tasks WHERE ");
        if is_sorted {
            self.conditions.push_owner(false, out)?;
            out.push_sql(" AND id IN (SELECT id FROM tasks WHERE ");
        }
        let is_by_id = keys.is_empty() || part == Part::Unmoved;
        self.conditions.push_owner(is_by_id, out)?;
        out.push_sql(part.condition());
        self.conditions.push_filter(out)?;
        if let Some(after) = &self.after {
            out.push_sql(" AND ");
            self.push_behind(keys, after, out)?;
        }
        if let (Part::Unmoved, Some(nearest)) = (part, &self.nearest) {
            out.push_sql(match self.query.sort.ids_descend() {
                true => " AND id <= ",
                false => " AND id >= ",
            });
            out.push_bind_param::<Id, _>(nearest)?;
        }
        self.push_order(part, keys, out);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.max)?;
        if is_sorted {
            out.push_sql(")");
            self.push_order(part, keys, out);
        }
        Ok(())
    }

    fn push_order(&self, part: Part, keys: &[Key<'_>], out: &mut Pass<'_, '_>) {
        let direction = direction(self.query.sort.ids_descend());
        // The columns of the index before those of the order. PostgreSQL does not
        // conclude from `IS NULL` that a column is constant.
        let (leading, keys): (&[&str], _) = match part {
            Part::Moved if self.query.filter.is_of_siblings() => (&["list_id", "parent_id"], keys),
            // Their ids have the order of their positions.
            Part::Unmoved => (&["owner_id"], &[][..]),
            _ if keys.is_empty() => (&["owner_id"], keys),
            Part::Whole
            | Part::Dated
            | Part::Undated
            | Part::Ranked
            | Part::Unranked
            | Part::Moved => (&[], keys),
        };
        out.push_sql(" ORDER BY ");
        for column in leading {
            out.push_sql(column);
            out.push_sql(direction);
            out.push_sql(", ");
        }
        for key in keys {
            out.push_sql(key.sql);
            out.push_sql(self::direction(key.descending));
            out.push_sql(if key.is_nullable {
                " NULLS LAST, "
            } else {
                ", "
            });
        }
        out.push_sql("id");
        out.push_sql(direction);
    }

    /// Appends the condition that a row is behind the cursor: that it is by the first
    /// key, or has the same value of it and is by the others.
    fn push_behind<'b>(
        &'b self,
        keys: &'b [Key<'a>],
        after: &'b DbId,
        out: &mut Pass<'_, 'b>,
    ) -> QueryResult<()> {
        let descending = self.query.sort.ids_descend();
        let is_alike = |key: &Key<'_>| key.descending == descending && !key.is_nullable;
        let (first, rest) = match keys.split_first() {
            Some(split) if !keys.iter().all(is_alike) => split,
            _ => return push_row_behind(keys, after, descending, out),
        };
        out.push_sql("(");
        out.push_sql(first.sql);
        match first.after {
            None => out.push_sql(" IS NULL AND "),
            Some(value) if first.is_nullable => {
                push_compared(beyond(first.descending), value, out)?;
                out.push_sql(" OR ");
                out.push_sql(first.sql);
                out.push_sql(" IS NULL OR ");
                out.push_sql(first.sql);
                push_compared(" = ", value, out)?;
                out.push_sql(" AND ");
            }
            // Where an index can begin.
            Some(value) => {
                push_compared(if first.descending { " <= " } else { " >= " }, value, out)?;
                out.push_sql(" AND (");
                out.push_sql(first.sql);
                push_compared(beyond(first.descending), value, out)?;
                out.push_sql(" OR ");
                self.push_behind(rest, after, out)?;
                out.push_sql("))");
                return Ok(());
            }
        }
        self.push_behind(rest, after, out)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Appends [`SelectPage::push_behind`] for keys of one direction without NULL: one
/// comparison of rows, where an index on all of them can begin.
fn push_row_behind<'b>(
    keys: &'b [Key<'_>],
    after: &'b DbId,
    descending: bool,
    out: &mut Pass<'_, 'b>,
) -> QueryResult<()> {
    out.push_sql("(");
    for key in keys {
        out.push_sql(key.sql);
        out.push_sql(", ");
    }
    out.push_sql("id)");
    let mut before = beyond(descending);
    out.push_sql(before);
    before = "(";
    for key in keys {
        if let Some(value) = key.after {
            push_compared(before, value, out)?;
            before = ", ";
        }
    }
    out.push_sql(before);
    out.push_bind_param::<Id, _>(after)?;
    out.push_sql(")");
    Ok(())
}

fn push_compared<'b>(
    before: &str,
    value: &'b ColumnValue,
    out: &mut Pass<'_, 'b>,
) -> QueryResult<()> {
    out.push_sql(before);
    value.push(out)
}

fn direction(descending: bool) -> &'static str {
    if descending { " DESC" } else { " ASC" }
}

fn beyond(descending: bool) -> &'static str {
    if descending { " < " } else { " > " }
}

impl QueryFragment<MultiBackend> for SelectPage<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        if !self.is_frequent() {
            // There are more combinations than a connection should keep prepared. And a
            // generic plan for all owners would be wrong for one with very many tasks.
            out.unsafe_to_cache_prepared();
        }
        let title = match self
            .query
            .sort
            .columns()
            .iter()
            .any(|by| by.column.sql(false) == TITLE)
        {
            true => TITLE,
            false => "CAST(NULL AS TEXT)",
        };
        out.push_sql("SELECT ");
        out.push_sql(TaskRow::READ);
        out.push_sql(", ");
        out.push_sql(title);
        if let [(part, keys)] = self.parts.as_slice() {
            return self.push_part(*part, keys, &mut out);
        }
        for (at, (part, keys)) in self.parts.iter().enumerate() {
            out.push_sql(match at {
                0 => " FROM (SELECT * FROM (SELECT ",
                _ => ") AS part UNION ALL SELECT * FROM (SELECT ",
            });
            out.push_sql(TaskRow::READ);
            self.push_part(*part, keys, &mut out)?;
        }
        out.push_sql(") AS part) AS parts");
        self.push_order(Part::Whole, &self.merged_by, &mut out);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.max)
    }
}
