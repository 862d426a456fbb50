//! The columns that lists are sorted by, and those that filters compare: all that sorting,
//! cursors, statements and the OpenAPI document need to know of one.

use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime};
use diesel::{QueryResult, sql_types};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder};

use super::fields::day;
use super::model::TaskFields;
use super::query::{INSTANT, instant};
use crate::db::statement::Pass;
use crate::openapi::schemas::{self, formatted};
use crate::primitives::position;
use crate::primitives::timestamp::Timestamp;

/// What a list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// The time in the id.
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
    /// When it was completed; open tasks come last in both directions.
    CompletedAt,
    /// The due date, then the due time; those without come last in both directions.
    DueDate,
    /// none < low < medium < high.
    Priority,
    /// The folded title, by code point.
    Title,
    /// The place among the siblings.
    Position,
    /// When it went to the trash: the default order there, and of no other list.
    DeletedAt,
}

/// Every name that `sort` takes, without the direction.
pub const SORT_KEYS: [(&str, SortKey); 7] = [
    ("created_at", SortKey::CreatedAt),
    ("updated_at", SortKey::UpdatedAt),
    ("completed_at", SortKey::CompletedAt),
    ("due_date", SortKey::DueDate),
    ("priority", SortKey::Priority),
    ("title", SortKey::Title),
    ("position", SortKey::Position),
];

/// Why a `sort` is refused.
pub(super) const WHICH_ORDERS: &str = "must be one to three different ones of created_at, updated_at, completed_at, due_date, priority, title and position, with commas, each with - before it for descending";

/// An SQL expression that rows are sorted by.
#[derive(Debug)]
pub struct SortColumn {
    postgres: &'static str,
    sqlite: &'static str,
    /// Whether it can be NULL.
    pub is_nullable: bool,
    /// The kind of its values.
    pub kind: Kind,
    value: fn(&SortedRow<'_>) -> Option<ColumnValue>,
}

/// A row with what it is sorted by.
#[derive(Debug, Clone, Copy)]
pub struct SortedRow<'a> {
    /// The columns.
    pub fields: TaskFields<'a>,
    /// The folded title that the database sorts by, in a list that is sorted by it.
    pub title: Option<&'a str>,
}

/// The sort key of titles, which cursors also contain: the stored value, even for
/// a row that is not folded yet.
pub(super) const TITLE: &str = "coalesce(title_folded, title_lower)";

/// The position of a task that was never moved, as [`position::of_id`] has it.
pub(super) const POSITION_OF_ID: [&str; 2] = [
    "replace(CAST(id AS TEXT), '-', '') COLLATE \"C\"",
    "lower(hex(id))",
];

const CREATED_AT: SortColumn = SortColumn {
    postgres: "left(replace(CAST(id AS TEXT), '-', ''), 12) COLLATE \"C\"",
    sqlite: "lower(hex(substr(id, 1, 6)))",
    is_nullable: false,
    kind: Kind::Text,
    value: |row| {
        let mut digits = position::of_id(row.fields.id.0);
        digits.truncate(12);
        Some(ColumnValue::Text(digits))
    },
};

const UPDATED_AT: SortColumn = SortColumn {
    postgres: "updated_at",
    sqlite: "updated_at",
    is_nullable: false,
    kind: Kind::Instant,
    value: |row| Some(ColumnValue::Instant(row.fields.updated_at)),
};

const COMPLETED_AT: SortColumn = SortColumn {
    postgres: "completed_at",
    sqlite: "completed_at",
    is_nullable: true,
    kind: Kind::Instant,
    value: |row| row.fields.completed_at.map(ColumnValue::Instant),
};

const DUE_DATE: SortColumn = SortColumn {
    postgres: "due_date",
    sqlite: "due_date",
    is_nullable: true,
    kind: Kind::Day,
    value: |row| row.fields.due_date.map(ColumnValue::Day),
};

const DUE_TIME: SortColumn = SortColumn {
    postgres: "due_time",
    sqlite: "due_time",
    is_nullable: true,
    kind: Kind::Number,
    value: |row| row.fields.due_time.map(ColumnValue::Number),
};

const PRIORITY: SortColumn = SortColumn {
    postgres: "priority",
    sqlite: "priority",
    is_nullable: false,
    kind: Kind::Number,
    value: |row| Some(ColumnValue::Number(row.fields.priority)),
};

const FOLDED_TITLE: SortColumn = SortColumn {
    postgres: TITLE,
    sqlite: TITLE,
    is_nullable: false,
    kind: Kind::Text,
    value: |row| row.title.map(|title| ColumnValue::Text(title.to_owned())),
};

const POSITION: SortColumn = SortColumn {
    postgres: "coalesce(position, replace(CAST(id AS TEXT), '-', '') COLLATE \"C\")",
    sqlite: "coalesce(position, lower(hex(id)))",
    is_nullable: false,
    kind: Kind::Text,
    value: |row| {
        let own = || position::of_id(row.fields.id.0);
        let position = row.fields.position.map_or_else(own, str::to_owned);
        Some(ColumnValue::Text(position))
    },
};

const DELETED_AT: SortColumn = SortColumn {
    postgres: "deleted_at",
    sqlite: "deleted_at",
    is_nullable: false,
    kind: Kind::Instant,
    value: |row| row.fields.deleted_at.map(ColumnValue::Instant),
};

impl SortKey {
    /// What rows are compared by.
    pub fn columns(self) -> &'static [SortColumn] {
        match self {
            Self::CreatedAt => &[CREATED_AT],
            Self::UpdatedAt => &[UPDATED_AT],
            Self::CompletedAt => &[COMPLETED_AT],
            Self::DueDate => &[DUE_DATE, DUE_TIME],
            Self::Priority => &[PRIORITY],
            Self::Title => &[FOLDED_TITLE],
            Self::Position => &[POSITION],
            Self::DeletedAt => &[DELETED_AT],
        }
    }
}

impl SortColumn {
    /// The expression.
    pub fn sql(&self, is_postgres: bool) -> &'static str {
        match is_postgres {
            true => self.postgres,
            false => self.sqlite,
        }
    }

    /// The value that a row has in it.
    pub fn value(&self, row: &SortedRow<'_>) -> Option<ColumnValue> {
        (self.value)(row)
    }
}

/// A filter of lists and counts that looks at one column.
#[derive(Debug)]
pub struct ColumnFilter {
    /// The query parameter.
    pub parameter: &'static str,
    /// Its name among the components of the OpenAPI document.
    pub component: &'static str,
    /// What it lets through.
    pub about: &'static str,
    /// The column.
    pub column: &'static str,
    /// What the parameter may say.
    pub takes: Takes,
}

/// What a [`ColumnFilter`] may say.
#[derive(Debug)]
pub enum Takes {
    /// `true` or `false`: whether the column has a value.
    Flag,
    /// `any` or `none`: likewise.
    AnyOrNone,
    /// A value that the column is compared with: `column < value` in SQL.
    Value(&'static str, &'static Values),
}

/// The values that a filter takes.
#[derive(Debug)]
pub struct Values {
    /// Parses one.
    pub parse: fn(&str) -> Option<ColumnValue>,
    /// Why anything else is refused.
    pub why: &'static str,
    /// Their schema in the OpenAPI document.
    pub schema: fn() -> ObjectBuilder,
}

const DAYS: Values = Values {
    parse: |text| day(text).map(ColumnValue::Day),
    why: "must be a day as YYYY-MM-DD in the years 1970 to 9999",
    schema: || formatted(KnownFormat::Date).pattern(Some(schemas::DAY)),
};

const INSTANTS: Values = Values {
    parse: |text| instant(text).map(|at| ColumnValue::Instant(at.column())),
    why: INSTANT,
    schema: || formatted(KnownFormat::DateTime).pattern(Some(schemas::INSTANT)),
};

/// The filters of one column each, in the order of the OpenAPI document.
pub const COLUMN_FILTERS: [ColumnFilter; 7] = [
    ColumnFilter {
        parameter: "due",
        component: "Due",
        about: "Only tasks without a due date, or with one.",
        column: "due_date",
        takes: Takes::AnyOrNone,
    },
    ColumnFilter {
        parameter: "due_before",
        component: "DueBefore",
        about: "Due before this day, exclusive.",
        column: "due_date",
        takes: Takes::Value(" < ", &DAYS),
    },
    ColumnFilter {
        parameter: "due_after",
        component: "DueAfter",
        about: "Due after this day, inclusive.",
        column: "due_date",
        takes: Takes::Value(" >= ", &DAYS),
    },
    ColumnFilter {
        parameter: "recurring",
        component: "Recurring",
        about: "Only tasks that recur, or that do not.",
        column: "recurrence",
        takes: Takes::Flag,
    },
    ColumnFilter {
        parameter: "completed_after",
        component: "CompletedAfter",
        about: "Completed after this instant, inclusive.",
        column: "completed_at",
        takes: Takes::Value(" >= ", &INSTANTS),
    },
    ColumnFilter {
        parameter: "completed_before",
        component: "CompletedBefore",
        about: "Completed before this instant, exclusive.",
        column: "completed_at",
        takes: Takes::Value(" < ", &INSTANTS),
    },
    ColumnFilter {
        parameter: "updated_after",
        component: "UpdatedAfter",
        about: "Last changed after this instant, inclusive.",
        column: "updated_at",
        takes: Takes::Value(" >= ", &INSTANTS),
    },
];

/// The kind of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Instant,
    Day,
    Number,
}

/// A value of a column, in its type.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnValue {
    Text(String),
    Instant(NaiveDateTime),
    Day(NaiveDate),
    Number(i16),
}

/// The first millisecond of the year 10000, since the Unix epoch.
pub(super) const END_OF_TIME: i64 = 253_402_300_800_000;

impl ColumnValue {
    /// Appends it as a parameter to a statement.
    pub(super) fn push<'b>(&'b self, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
        match self {
            Self::Text(text) => out.push_bind_param::<sql_types::Text, _>(text),
            Self::Instant(at) => out.push_bind_param::<sql_types::Timestamp, _>(at),
            Self::Day(day) => out.push_bind_param::<sql_types::Date, _>(day),
            Self::Number(number) => out.push_bind_param::<sql_types::SmallInt, _>(number),
        }
    }

    /// It in a cursor.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Instant(at) => at.and_utc().timestamp_millis().to_be_bytes().to_vec(),
            Self::Day(day) => day.num_days_from_ce().to_be_bytes().to_vec(),
            Self::Number(number) => number.to_be_bytes().to_vec(),
        }
    }
}

impl fmt::Display for ColumnValue {
    /// As a filter takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Instant(at) => Timestamp::of_column(*at).fmt(f),
            Self::Day(day) => day.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl Kind {
    /// The value that a cursor has; none if the databases cannot store it.
    pub(super) fn value(self, bytes: &[u8]) -> Option<ColumnValue> {
        Some(match self {
            Self::Text => {
                let text = std::str::from_utf8(bytes).ok()?;
                // PostgreSQL cannot store NUL, and SQLite cuts the text there.
                ColumnValue::Text((!text.contains('\0')).then(|| text.to_owned())?)
            }
            Self::Instant => {
                let millis = i64::from_be_bytes(bytes.try_into().ok()?);
                let millis = (0..END_OF_TIME).contains(&millis).then_some(millis)?;
                ColumnValue::Instant(DateTime::from_timestamp_millis(millis)?.naive_utc())
            }
            Self::Day => {
                let days = i32::from_be_bytes(bytes.try_into().ok()?);
                let day = NaiveDate::from_num_days_from_ce_opt(days)?;
                ColumnValue::Day((1970..=9999).contains(&day.year()).then_some(day)?)
            }
            Self::Number => ColumnValue::Number(i16::from_be_bytes(bytes.try_into().ok()?)),
        })
    }
}
