//! A row of a page that comes over a pipeline: written as JSON where it lies.
//!
//! Most of what a page costs is its rows. A [`Row`](super::page::Row) copies each
//! text out of the answer; here the texts are looked at and written, once.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::result::{UnexpectedEndOfRow, UnexpectedNullError};
use diesel::row::{Field, Row};
use diesel::sql_types::{BigInt, Bool, Date, Nullable, SmallInt, Text, Timestamp};

use super::id::{DbId, Id};
use super::page::moment;
use crate::domain::{Content, Priority, TaskJson};

/// One row of [`NewestTasks`](super::statements::NewestTasks). One that somebody
/// else has spoiled is no fault of the pipeline's.
pub(super) struct PageRow(pub serde_json::Result<TaskJson>);

/// [`RowSqlType`](super::page::RowSqlType), spelt out: with other types the
/// statement does not compile.
type Types = (
    Id,
    Text,
    Nullable<Text>,
    Bool,
    Nullable<Timestamp>,
    SmallInt,
    Nullable<Date>,
    Text,
    BigInt,
    Timestamp,
);

impl FromSqlRow<Types, Pg> for PageRow {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        let id: DbId = row.get_value::<Id, _, _>(0)?;
        let title = row.get(1).ok_or(UnexpectedEndOfRow)?;
        let description = row.get(2).ok_or(UnexpectedEndOfRow)?;
        let completed_at: Option<NaiveDateTime> = row.get_value::<Nullable<Timestamp>, _, _>(4)?;
        let due_date: Option<NaiveDate> = row.get_value::<Nullable<Date>, _, _>(6)?;
        let tags = row.get(7).ok_or(UnexpectedEndOfRow)?;
        let updated_at: NaiveDateTime = row.get_value::<Timestamp, _, _>(9)?;
        let content = Content {
            id: id.0,
            title: text(&title)?.ok_or(UnexpectedNullError)?,
            description: text(&description)?,
            completed: row.get_value::<Bool, _, _>(3)?,
            completed_at: completed_at.map(moment),
            priority: Priority::from_rank(row.get_value::<SmallInt, _, _>(5)?),
            due_date,
            tags: text(&tags)?.ok_or(UnexpectedNullError)?,
            version: row.get_value::<BigInt, _, _>(8)?,
            updated_at: moment(updated_at),
        };
        Ok(Self(TaskJson::of(&content)))
    }
}

/// What a column of text has, which may be null.
fn text<'f, 'a>(field: &'f impl Field<'a, Pg>) -> deserialize::Result<Option<&'f str>> {
    let value = field.value();
    Ok(value
        .map(|value| str::from_utf8(value.as_bytes()))
        .transpose()?)
}
