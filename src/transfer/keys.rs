//! Copies idempotency keys, many with each statement.

use diesel::prelude::*;
use diesel::sql_types::{Binary, Nullable, Text};

use crate::db::id::{DbId, Id};
use crate::db::schema::idempotency_keys;
use crate::db::statement::{dynamic_query, statement_text};

#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency_keys)]
pub(super) struct KeyRow {
    pub owner_id: String,
    pub key: String,
    pub body_hash: Vec<u8>,
    pub task_id: DbId,
    pub list_id: Option<DbId>,
}

impl KeyRow {
    /// The columns, of which files of older releases lack some.
    pub const COLUMNS: [&str; 5] = ["owner_id", "key", "body_hash", "task_id", "list_id"];
}

/// INSERT: keys; replaces keys of the target that created an earlier row.
pub(super) struct PutKeys<'a>(pub &'a [KeyRow]);

dynamic_query!([] PutKeys<'_>);

statement_text!([] PutKeys<'_>, |this, out| {
    out.unsafe_to_cache_prepared();
    out.push_sql("INSERT INTO idempotency_keys (owner_id, key, body_hash, task_id, list_id) VALUES ");
    for (at, row) in this.0.iter().enumerate() {
        out.push_sql(if at == 0 { "(" } else { ", (" });
        out.push_bind_param::<Text, _>(&row.owner_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&row.key)?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(&row.body_hash)?;
        out.push_sql(", ");
        out.push_bind_param::<Id, _>(&row.task_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Id>, _>(&row.list_id)?;
        out.push_sql(")");
    }
    out.push_sql(
        " ON CONFLICT (owner_id, key) DO UPDATE SET body_hash = excluded.body_hash, \
         task_id = excluded.task_id, list_id = excluded.list_id WHERE idempotency_keys.task_id < excluded.task_id",
    );
    Ok(())
});
