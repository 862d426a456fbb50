//! Reading the rows of a table by the number of their last change, or all of them.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::query_builder::Query;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::column::StatementText;
use super::id::{DbId, Id};
use super::statement::{dynamic_query, statement_text};
use super::table::Table;
use crate::auth::OwnerId;

/// Which of the owner's rows, those in the trash included, and in which order.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// All behind this id, by id.
    All(Option<DbId>),
    /// Those behind a number, up to another one, by number and id.
    Changed {
        /// After all that have this number; or, with an id, after the row with both.
        after: (i64, Option<DbId>),
        /// The last number.
        up_to: i64,
    },
}

impl Which {
    /// Those of them behind a row.
    pub fn behind(self, number: Option<i64>, id: DbId) -> Self {
        match self {
            Self::All(_) => Self::All(Some(id)),
            Self::Changed { up_to, .. } => Self::Changed {
                after: (number.unwrap_or(0), Some(id)),
                up_to,
            },
        }
    }
}

/// Appends the condition on the numbers of [`Which::Changed`], and their order.
///
/// # Errors
///
/// Never fails: the signature is that of all parameters.
pub fn push_range<'b>(
    (number, id): &'b (i64, Option<DbId>),
    up_to: &'b i64,
    out: &mut impl StatementText<'b>,
) -> QueryResult<()> {
    match id {
        None => {
            out.sql(" AND change > ");
            out.bind(number)?;
        }
        Some(id) => {
            out.sql(" AND (change, id) > (");
            out.bind(number)?;
            out.sql(", ");
            out.bind(id)?;
            out.sql(")");
        }
    }
    out.sql(" AND change <= ");
    out.bind(up_to)?;
    out.sql(" ORDER BY change, id");
    Ok(())
}

/// SELECT: rows with the numbers of their last changes. A row that no change has written
/// since numbers are given has none.
pub struct SelectChanged<'a, T> {
    owner: &'a OwnerId,
    which: Which,
    max: i64,
    table: PhantomData<T>,
}

impl<'a, T> SelectChanged<'a, T> {
    /// At most `max` of the rows.
    pub fn new(owner: &'a OwnerId, which: Which, max: i64) -> Self {
        Self {
            owner,
            which,
            max,
            table: PhantomData,
        }
    }
}

impl<T: Table> Query for SelectChanged<'_, T> {
    type SqlType = (Nullable<BigInt>, T::Sql);
}

dynamic_query!([T] SelectChanged<'_, T>);

statement_text!([T: Table] SelectChanged<'_, T>, |this, out| {
    out.push_sql("SELECT change, ");
    out.push_sql(T::READ);
    out.push_sql(" FROM ");
    out.push_sql(T::NAME);
    out.push_sql(" WHERE owner_id = ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    match &this.which {
        Which::All(after) => {
            if let Some(after) = after {
                out.push_sql(" AND id > ");
                out.push_bind_param::<Id, _>(after)?;
            }
            out.push_sql(" ORDER BY id");
        }
        Which::Changed { after, up_to } => {
            push_range(after, up_to, &mut out)?;
        }
    }
    out.push_sql(" LIMIT ");
    out.push_bind_param::<BigInt, _>(&this.max)
});
