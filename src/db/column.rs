//! The types of columns, in Rust and in SQL, and how their values are bound.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, SmallInt, Text, Timestamp};

use super::id::{DbId, Id};
use super::statement::Pass;

/// A statement being built, for the pool or for a pipeline.
pub trait StatementText<'b> {
    /// Appends SQL.
    fn sql(&mut self, text: &str);
    /// Appends a text as a parameter.
    fn bind_text(&mut self, text: &'b str) -> QueryResult<()>;
    /// Appends a parameter.
    fn bind<C: Column>(&mut self, value: &'b C) -> QueryResult<()>;
    /// Appends a borrowed parameter.
    fn bind_field<'v: 'b, C: Column>(&mut self, field: &'b C::Field<'v>) -> QueryResult<()>;
}

/// The value of a column.
pub trait Column: Sized {
    /// The SQL type.
    type Sql;
    /// The borrowed form of the value.
    type Field<'a>: Copy;

    /// Borrows the value.
    fn field(&self) -> Self::Field<'_>;
    /// Appends the value as a parameter to a statement for the pool.
    fn push<'b>(&'b self, out: &mut Pass<'_, 'b>) -> QueryResult<()>;
    /// [`Column::push`] of a borrowed value.
    fn push_field<'b>(field: &'b Self::Field<'_>, out: &mut Pass<'_, 'b>) -> QueryResult<()>;
    /// Appends the value as a parameter to a statement for a pipeline.
    #[cfg(feature = "postgres")]
    fn push_pg<'b>(&'b self, out: &mut PgPass<'_, 'b>) -> QueryResult<()>;
    /// `push_pg` of a borrowed value.
    #[cfg(feature = "postgres")]
    fn push_field_pg<'b>(field: &'b Self::Field<'_>, out: &mut PgPass<'_, 'b>) -> QueryResult<()>;
}

#[cfg(feature = "postgres")]
type PgPass<'a, 'b> = diesel::query_builder::AstPass<'a, 'b, diesel::pg::Pg>;

impl<'b> StatementText<'b> for Pass<'_, 'b> {
    fn sql(&mut self, text: &str) {
        self.push_sql(text);
    }

    fn bind_text(&mut self, text: &'b str) -> QueryResult<()> {
        self.push_bind_param::<Text, _>(text)
    }

    fn bind<C: Column>(&mut self, value: &'b C) -> QueryResult<()> {
        value.push(self)
    }

    fn bind_field<'v: 'b, C: Column>(&mut self, field: &'b C::Field<'v>) -> QueryResult<()> {
        C::push_field(field, self)
    }
}

#[cfg(feature = "postgres")]
impl<'b> StatementText<'b> for PgPass<'_, 'b> {
    fn sql(&mut self, text: &str) {
        self.push_sql(text);
    }

    fn bind_text(&mut self, text: &'b str) -> QueryResult<()> {
        self.push_bind_param::<Text, _>(text)
    }

    fn bind<C: Column>(&mut self, value: &'b C) -> QueryResult<()> {
        value.push_pg(self)
    }

    fn bind_field<'v: 'b, C: Column>(&mut self, field: &'b C::Field<'v>) -> QueryResult<()> {
        C::push_field_pg(field, self)
    }
}

macro_rules! columns {
    ($($rust:ty: $sql:ty, $field:ty, |$value:ident| $borrow:expr;)*) => {$(
        impl Column for $rust {
            type Sql = $sql;
            type Field<'a> = $field;

            fn field(&self) -> Self::Field<'_> {
                let $value = self;
                $borrow
            }

            fn push<'b>(&'b self, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
                out.push_bind_param::<$sql, Self>(self)
            }

            fn push_field<'b>(
                field: &'b Self::Field<'_>,
                out: &mut Pass<'_, 'b>,
            ) -> QueryResult<()> {
                out.push_bind_param::<$sql, _>(field)
            }

            #[cfg(feature = "postgres")]
            fn push_pg<'b>(&'b self, out: &mut PgPass<'_, 'b>) -> QueryResult<()> {
                out.push_bind_param::<$sql, Self>(self)
            }

            #[cfg(feature = "postgres")]
            fn push_field_pg<'b>(
                field: &'b Self::Field<'_>,
                out: &mut PgPass<'_, 'b>,
            ) -> QueryResult<()> {
                out.push_bind_param::<$sql, _>(field)
            }

        }
    )*};
}

columns! {
    DbId: Id, DbId, |value| *value;
    Option<DbId>: Nullable<Id>, Option<DbId>, |value| *value;
    String: Text, &'a str, |value| value;
    Option<String>: Nullable<Text>, Option<&'a str>, |value| value.as_deref();
    bool: Bool, bool, |value| *value;
    i16: SmallInt, i16, |value| *value;
    Option<i16>: Nullable<SmallInt>, Option<i16>, |value| *value;
    i32: Integer, i32, |value| *value;
    Option<i32>: Nullable<Integer>, Option<i32>, |value| *value;
    i64: BigInt, i64, |value| *value;
    Option<i64>: Nullable<BigInt>, Option<i64>, |value| *value;
    NaiveDateTime: Timestamp, NaiveDateTime, |value| *value;
    Option<NaiveDateTime>: Nullable<Timestamp>, Option<NaiveDateTime>, |value| *value;
    Option<NaiveDate>: Nullable<Date>, Option<NaiveDate>, |value| *value;
}
