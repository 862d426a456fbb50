//! Statements that are put together where they are run: for rare ones that name several
//! tables, and need no type of their own.

use std::marker::PhantomData;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{Integer, Text, Timestamp};

use super::connection::{DbConnection, MultiBackend};
use super::id::{DbId, Id};
use super::statement::{Pass, dynamic_query};

/// A part of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// SQL, of this program alone.
    Sql(&'a str),
    /// A parameter.
    Text(&'a str),
    /// A parameter.
    Id(DbId),
    /// A parameter.
    Instant(NaiveDateTime),
}

/// A statement of parts; `S` is the type of a row of its result.
pub(super) struct Assembled<'a, S = ()> {
    parts: Vec<Part<'a>>,
    result: PhantomData<S>,
}

/// Puts a statement together.
pub(super) fn assemble<S>(parts: Vec<Part<'_>>) -> Assembled<'_, S> {
    Assembled {
        parts,
        result: PhantomData,
    }
}

impl<S> Query for Assembled<'_, S> {
    type SqlType = S;
}

dynamic_query!([S] Assembled<'_, S>);

impl<S> QueryFragment<MultiBackend> for Assembled<'_, S> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        // They are rare: kept prepared, they would only cost memory.
        out.unsafe_to_cache_prepared();
        for part in &self.parts {
            match part {
                Part::Sql(sql) => out.push_sql(sql),
                Part::Text(text) => out.push_bind_param::<Text, _>(*text)?,
                Part::Id(id) => out.push_bind_param::<Id, _>(id)?,
                Part::Instant(instant) => out.push_bind_param::<Timestamp, _>(instant)?,
            }
        }
        Ok(())
    }
}

/// Whether an owner has rows in one of these tables.
///
/// # Errors
///
/// The database failed.
pub fn has_rows(
    conn: &mut DbConnection,
    owner: &str,
    tables: impl IntoIterator<Item = &'static str>,
) -> QueryResult<bool> {
    for table in tables {
        let find = vec![
            Part::Sql("SELECT 1 FROM "),
            Part::Sql(table),
            Part::Sql(" WHERE owner_id = "),
            Part::Text(owner),
            Part::Sql(" LIMIT 1"),
        ];
        let found: Option<i32> = assemble::<Integer>(find).get_result(conn).optional()?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
