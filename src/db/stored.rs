//! Whole rows of any owner, as `migrate --from` copies them.

use std::marker::PhantomData;

use diesel::query_builder::Query;
use diesel::sql_types::{BigInt, Text};

use super::id::{DbId, Id};
use super::statement::{dynamic_query, statement_text};
use super::table::{Table, UNNUMBERED};

/// A whole row with its owner.
#[derive(PartialEq)]
pub struct Stored<T> {
    pub owner_id: String,
    pub row: T,
}

/// SELECT: whole rows of any owner. No request can run it.
pub struct SelectStored<'a, T> {
    which: Which<'a>,
    table: PhantomData<T>,
}

enum Which<'a> {
    Behind(Option<(&'a str, DbId)>, i64),
    WithIds(&'a [DbId]),
}

impl<'a, T> SelectStored<'a, T> {
    /// The next `max` rows after this one, ordered by owner and id.
    pub fn behind(last: Option<(&'a str, DbId)>, max: i64) -> Self {
        Self {
            which: Which::Behind(last, max),
            table: PhantomData,
        }
    }

    /// The rows with these ids.
    pub fn with_ids(ids: &'a [DbId]) -> Self {
        Self {
            which: Which::WithIds(ids),
            table: PhantomData,
        }
    }
}

impl<T: Table> Query for SelectStored<'_, T> {
    type SqlType = (Text, T::Sql);
}

dynamic_query!([T] SelectStored<'_, T>);

statement_text!([T: Table] SelectStored<'_, T>, |this, out| {
    out.unsafe_to_cache_prepared();
    out.push_sql("SELECT ");
    out.push_sql("owner_id, ");
    out.push_sql(T::READ);
    out.push_sql(" FROM ");
    out.push_sql(T::NAME);
    match &this.which {
        Which::Behind(last, max) => {
            if let Some((owner, id)) = last {
                out.push_sql(" WHERE (owner_id, id) > (");
                out.push_bind_param::<Text, _>(owner)?;
                out.push_sql(", ");
                out.push_bind_param::<Id, _>(id)?;
                out.push_sql(")");
            }
            out.push_sql(" ORDER BY owner_id, id LIMIT ");
            out.push_bind_param::<BigInt, _>(max)
        }
        Which::WithIds(ids) => {
            for (at, id) in ids.iter().enumerate() {
                out.push_sql(if at == 0 { " WHERE id IN (" } else { ", " });
                out.push_bind_param::<Id, _>(id)?;
            }
            out.push_sql(if ids.is_empty() { " WHERE 1 = 0" } else { ")" });
            Ok(())
        }
    }
});

/// INSERT: whole rows; replaces rows of the target that have a lower version. Derived
/// columns are computed anew, because the source may be of an older release.
pub struct PutStored<'a, T: Table>(Vec<(&'a str, T::Fields<'a>, T::Derived)>);

impl<'a, T: Table> PutStored<'a, T> {
    pub fn new(rows: &'a [Stored<T>]) -> Self {
        let columns = |stored: &'a Stored<T>| {
            let fields = stored.row.fields();
            let derived = T::derive(&fields);
            (stored.owner_id.as_str(), fields, derived)
        };
        Self(rows.iter().map(columns).collect())
    }
}

dynamic_query!([T: Table] PutStored<'_, T>);

statement_text!([T: Table] PutStored<'_, T>, |this, out| {
    out.unsafe_to_cache_prepared();
    out.push_sql(T::INSERT);
    for (at, (owner, fields, derived)) in this.0.iter().enumerate() {
        out.push_sql(if at == 0 { "VALUES (" } else { ", (" });
        out.push_bind_param::<Text, _>(*owner)?;
        out.push_sql(UNNUMBERED);
        T::push_values(fields, derived, &mut out)?;
        out.push_sql(")");
    }
    out.push_sql(" ON CONFLICT (owner_id, id) DO UPDATE SET ");
    out.push_sql(T::EXCLUDED);
    out.push_sql(" WHERE ");
    out.push_sql(T::NAME);
    out.push_sql(".version < excluded.version");
    Ok(())
});
