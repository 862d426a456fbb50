//! Ids in both databases: `uuid` on PostgreSQL, a BLOB of 16 bytes on SQLite.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{HasSqlType, SqlType};
use diesel::sqlite::{Sqlite, SqliteValue};

use super::connection::MultiBackend;
use crate::primitives::id::ResourceId;
use crate::primitives::json_writer::{self, Size};

/// The SQL type of an id. The OIDs are PostgreSQL's `uuid` and `uuid[]`.
#[derive(Debug, Clone, Copy, QueryId, SqlType)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Id;

/// An id as a database value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Id)]
pub struct DbId(pub ResourceId);

/// Writes an id as JSON, or null.
///
/// # Errors
///
/// None: it is only the writer's type that has them.
pub fn write_nullable(out: &mut Vec<u8>, id: Option<DbId>) -> serde_json::Result<()> {
    json_writer::or_null(out, id, |out, id| json_writer::word(out, id.0.text()))
}

impl Size for DbId {
    fn json_size(&self) -> usize {
        38
    }
}

fn from_bytes(bytes: &[u8]) -> deserialize::Result<DbId> {
    let bytes: [u8; 16] = bytes.try_into()?;
    Ok(DbId(ResourceId::from_bytes(bytes)))
}

impl ToSql<Id, Sqlite> for DbId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(&self.0.as_bytes()[..]);
        Ok(IsNull::No)
    }
}

impl FromSql<Id, Sqlite> for DbId {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        from_bytes(value.read_blob())
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::io::Write as _;

    use diesel::pg::{Pg, PgValue};
    use tokio_postgres::types::{FromSql as FromPipeline, Type};

    use super::*;

    impl ToSql<Id, Pg> for DbId {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            out.write_all(self.0.as_bytes())?;
            Ok(IsNull::No)
        }
    }

    impl FromSql<Id, Pg> for DbId {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            from_bytes(value.as_bytes())
        }
    }

    impl FromPipeline<'_> for DbId {
        fn from_sql(_: &Type, bytes: &[u8]) -> deserialize::Result<Self> {
            from_bytes(bytes)
        }

        fn accepts(column: &Type) -> bool {
            *column == Type::UUID
        }
    }
}

impl HasSqlType<Id> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Id>(lookup)
    }
}

impl ToSql<Id, MultiBackend> for DbId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Id, self));
        Ok(IsNull::No)
    }
}

impl FromSql<Id, MultiBackend> for DbId {
    fn from_sql(
        value: <MultiBackend as diesel::backend::Backend>::RawValue<'_>,
    ) -> deserialize::Result<Self> {
        value.from_sql::<Self, Id>()
    }
}
