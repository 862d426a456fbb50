//! The columns of a table, declared once.
//!
//! Most of the time of a page is spent on its JSON, so rows are written without a
//! serializer, directly from the database's buffers: a serializer would search every
//! field name for characters to escape, and a model would copy every text.

use crate::auth::OwnerId;
use crate::db::id::DbId;
use crate::primitives::json_writer::{self, Size as _};

/// Appends the beginning of a row's object: `id` and `owner_id`.
///
/// # Errors
///
/// Never fails: the signature is that of all column writers.
pub fn begin_object(out: &mut Vec<u8>, id: DbId, owner: &OwnerId) -> serde_json::Result<()> {
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&id.0.text());
    out.extend_from_slice(b"\",\"owner_id\":");
    json_writer::text(out, owner.as_str())
}

/// The length of what [`begin_object`] appends, in bytes, or a little more.
pub fn begin_size(owner: &OwnerId) -> usize {
    64 + owner.as_str().json_size()
}

/// Declares the columns of a table, in the order in which their fields stand in
/// JSON, each with what writes it there: `fn(&mut Vec<u8>, field) -> Result<()>`; one
/// without is not in JSON. A function behind `then` writes a field that follows from
/// others.
macro_rules! owned_table {
    (
        $table:ident: $Row:ident, $Fields:ident, $Derived:ident;
        columns {
            $($column:ident: $rust:ty $(=> $json:path)? $(, then $extra:path)?;)*
        }
        derived by $derive:path {
            $($derived:ident: $derived_rust:ty;)*
        }
    ) => {
        /// A row as it is read.
        #[derive(Debug, Clone, PartialEq, diesel::Queryable)]
        pub struct $Row {
            pub id: $crate::db::id::DbId,
            $(pub $column: $rust,)*
        }

        /// The columns of a row, borrowed.
        #[derive(Debug, Clone, Copy)]
        pub struct $Fields<'a> {
            pub id: $crate::db::id::DbId,
            $(pub $column: <$rust as $crate::db::column::Column>::Field<'a>,)*
        }

        /// Derived columns, which are never read with a row.
        #[derive(Debug)]
        pub struct $Derived {
            $(pub $derived: $derived_rust,)*
        }

        impl $crate::db::table::Table for $Row {
            const NAME: &'static str = stringify!($table);
            const READ: &'static str = concat!("id", $(", ", stringify!($column),)*);
            const INSERT: &'static str = concat!(
                "INSERT INTO ", stringify!($table), " (owner_id, change, id",
                $(", ", stringify!($column),)* $(", ", stringify!($derived),)* ") "
            );
            const EXCLUDED: &'static str = concat!(
                "change = excluded.change",
                $(", ", stringify!($column), " = excluded.", stringify!($column),)*
                $(", ", stringify!($derived), " = excluded.", stringify!($derived),)*
            );
            type Sql = (
                $crate::db::id::Id,
                $(<$rust as $crate::db::column::Column>::Sql,)*
            );
            type Fields<'a> = $Fields<'a>;
            type Derived = $Derived;

            fn fields(&self) -> $Fields<'_> {
                use $crate::db::column::Column as _;
                $Fields {
                    id: self.id,
                    $($column: self.$column.field(),)*
                }
            }

            fn find(
                conn: &mut $crate::db::connection::DbConnection,
                owner: &$crate::auth::OwnerId,
                id: $crate::db::id::DbId,
                place: $crate::db::table::Place,
            ) -> diesel::QueryResult<Option<Self>> {
                use diesel::{OptionalExtension as _, RunQueryDsl as _};
                let statement = $crate::db::table::Find::<Self>::new(owner, id, place);
                statement.get_result(conn).optional()
            }

            #[cfg(feature = "postgres")]
            fn from_pipeline(
                row: &tokio_postgres::Row,
            ) -> std::result::Result<$Fields<'_>, tokio_postgres::Error> {
                let mut at = 0..;
                let mut next = || at.next().unwrap_or_default();
                Ok($Fields {
                    id: row.try_get(next())?,
                    $($column: row.try_get(next())?,)*
                })
            }

            fn load_stored(
                conn: &mut $crate::db::connection::DbConnection,
                statement: $crate::db::stored::SelectStored<'_, Self>,
            ) -> diesel::QueryResult<Vec<$crate::db::stored::Stored<Self>>> {
                let rows: Vec<(String, Self)> = diesel::RunQueryDsl::load(statement, conn)?;
                let stored = |(owner_id, row)| $crate::db::stored::Stored { owner_id, row };
                Ok(rows.into_iter().map(stored).collect())
            }

            fn load_changed(
                conn: &mut $crate::db::connection::DbConnection,
                statement: $crate::db::changed::SelectChanged<'_, Self>,
            ) -> diesel::QueryResult<Vec<(Option<i64>, Self)>> {
                diesel::RunQueryDsl::load(statement, conn)
            }

            fn id(&self) -> $crate::db::id::DbId {
                self.id
            }

            fn derive(fields: &$Fields<'_>) -> $Derived {
                $derive(fields)
            }

            fn write_json(
                fields: &$Fields<'_>,
                owner: &$crate::auth::OwnerId,
                out: &mut Vec<u8>,
            ) -> serde_json::Result<()> {
                $crate::db::owned_table::begin_object(out, fields.id, owner)?;
                fields.write_json(out)
            }

            fn json_size(fields: &$Fields<'_>, owner: &$crate::auth::OwnerId) -> usize {
                $crate::db::owned_table::begin_size(owner) + fields.json_size()
            }

            fn push_values<'b, 'v: 'b>(
                fields: &'b $Fields<'v>,
                derived: &'b $Derived,
                out: &mut impl $crate::db::column::StatementText<'b>,
            ) -> diesel::QueryResult<()> {
                out.bind(&fields.id)?;
                let _ = derived;
                $(
                    out.sql(", ");
                    out.bind_field::<$rust>(&fields.$column)?;
                )*
                $(
                    out.sql(", ");
                    out.bind(&derived.$derived)?;
                )*
                Ok(())
            }

            fn push_assignments<'b, 'v: 'b>(
                fields: &'b $Fields<'v>,
                derived: &'b $Derived,
                out: &mut impl $crate::db::column::StatementText<'b>,
            ) -> diesel::QueryResult<()> {
                let mut separator = "";
                $(
                    out.sql(std::mem::replace(&mut separator, ", "));
                    out.sql(concat!(stringify!($column), " = "));
                    out.bind_field::<$rust>(&fields.$column)?;
                )*
                let _ = derived;
                $(
                    out.sql(concat!(", ", stringify!($derived), " = "));
                    out.bind(&derived.$derived)?;
                )*
                Ok(())
            }
        }

        impl $Fields<'_> {
            /// The length of the JSON without the values, in bytes.
            const NAMES: usize = 0 $(+ concat!(",\"", stringify!($column), "\":").len())*;

            /// Writes the JSON object from the field after `owner_id` to its end.
            ///
            /// # Errors
            ///
            /// A column has a value that Todoward never writes.
            pub fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
                $(
                    $(
                        out.extend_from_slice(
                            concat!(",\"", stringify!($column), "\":").as_bytes(),
                        );
                        $json(out, self.$column)?;
                    )?
                    $($extra(out, self)?;)?
                )*
                out.push(b'}');
                Ok(())
            }

            /// How long that is, or a little longer. The fields that follow from others
            /// have less than 130 bytes.
            pub fn json_size(&self) -> usize {
                use $crate::primitives::json_writer::Size as _;
                Self::NAMES + 130 $(+ self.$column.json_size())*
            }
        }
    };
}
pub(crate) use owned_table;
