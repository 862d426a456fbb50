//! The order of a list.

use std::fmt::Write as _;

use chrono::{NaiveDate, NaiveDateTime};

use super::model::TaskFields;
use crate::primitives::position;

/// The most keys of an order.
const MAX_KEYS: usize = 3;

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

/// A key and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortBy {
    /// The key.
    pub key: SortKey,
    /// Highest first.
    pub descending: bool,
}

/// The order of a list: one to three different keys. Ties are sorted by id, in the
/// direction of the last key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort(Vec<SortBy>);

impl Sort {
    /// The order of a list that names none: newest first; in the trash the last deleted
    /// first.
    pub fn default_of(trash: bool) -> Self {
        let key = match trash {
            false => SortKey::CreatedAt,
            true => SortKey::DeletedAt,
        };
        Self(vec![SortBy {
            key,
            descending: true,
        }])
    }

    /// Parses `priority,-due_date`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut keys: Vec<SortBy> = Vec::new();
        for part in text.split(',') {
            let (name, descending) = match part.strip_prefix('-') {
                Some(name) => (name, true),
                None => (part, false),
            };
            let (_, key) = SORT_KEYS.iter().find(|(known, _)| *known == name)?;
            if keys.len() == MAX_KEYS || keys.iter().any(|it| it.key == *key) {
                return None;
            }
            keys.push(SortBy {
                key: *key,
                descending,
            });
        }
        Some(Self(keys))
    }

    /// The text that [`Sort::parse`] takes; none for the default order of the trash.
    pub fn name(&self) -> Option<String> {
        let mut text = String::new();
        for SortBy { key, descending } in &self.0 {
            let (name, _) = SORT_KEYS.iter().find(|(_, known)| known == key)?;
            let comma = if text.is_empty() { "" } else { "," };
            let minus = if *descending { "-" } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(text, "{comma}{minus}{name}");
        }
        Some(text)
    }

    /// The key of an order that has only one.
    pub fn only_key(&self) -> Option<SortKey> {
        match self.0.as_slice() {
            [only] => Some(only.key),
            _ => None,
        }
    }

    /// Whether tasks with equal keys are sorted by descending ids.
    pub fn ids_descend(&self) -> bool {
        self.0.last().is_some_and(|last| last.descending)
    }

    /// What rows are compared by, before the id. A last `created_at` is the order of
    /// the ids itself.
    pub fn columns(&self) -> Vec<OrderBy> {
        let keys = match self.0.split_last() {
            Some((last, before)) if last.key == SortKey::CreatedAt => before,
            _ => &self.0,
        };
        let columns = |by: &SortBy| {
            let descending = by.descending;
            let columns = by.key.columns().iter();
            columns.map(move |column| OrderBy { column, descending })
        };
        keys.iter().flat_map(columns).collect()
    }
}

/// An SQL expression that rows are sorted by, and its direction.
#[derive(Debug, Clone, Copy)]
pub struct OrderBy {
    /// The expression.
    pub column: &'static SortColumn,
    /// Highest first; NULL is last in both directions.
    pub descending: bool,
}

/// An SQL expression that rows are sorted by.
#[derive(Debug)]
pub struct SortColumn {
    postgres: &'static str,
    sqlite: &'static str,
    /// Whether it can be NULL.
    pub is_nullable: bool,
    /// The kind of its values.
    pub kind: Kind,
    value: fn(&SortedRow<'_>) -> Option<SortValue>,
}

/// A row with what it is sorted by.
#[derive(Debug, Clone, Copy)]
pub struct SortedRow<'a> {
    /// The columns.
    pub fields: TaskFields<'a>,
    /// The folded title that the database sorts by, in a list that is sorted by it.
    pub title: Option<&'a str>,
}

/// The kind of the values of a [`SortColumn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Instant,
    Day,
    Number,
}

/// A value of a [`SortColumn`], in the type of the column.
#[derive(Debug, Clone, PartialEq)]
pub enum SortValue {
    Text(String),
    Instant(NaiveDateTime),
    Day(NaiveDate),
    Number(i16),
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
        Some(SortValue::Text(digits))
    },
};

const UPDATED_AT: SortColumn = SortColumn {
    postgres: "updated_at",
    sqlite: "updated_at",
    is_nullable: false,
    kind: Kind::Instant,
    value: |row| Some(SortValue::Instant(row.fields.updated_at)),
};

const COMPLETED_AT: SortColumn = SortColumn {
    postgres: "completed_at",
    sqlite: "completed_at",
    is_nullable: true,
    kind: Kind::Instant,
    value: |row| row.fields.completed_at.map(SortValue::Instant),
};

const DUE_DATE: SortColumn = SortColumn {
    postgres: "due_date",
    sqlite: "due_date",
    is_nullable: true,
    kind: Kind::Day,
    value: |row| row.fields.due_date.map(SortValue::Day),
};

const DUE_TIME: SortColumn = SortColumn {
    postgres: "due_time",
    sqlite: "due_time",
    is_nullable: true,
    kind: Kind::Number,
    value: |row| row.fields.due_time.map(SortValue::Number),
};

const PRIORITY: SortColumn = SortColumn {
    postgres: "priority",
    sqlite: "priority",
    is_nullable: false,
    kind: Kind::Number,
    value: |row| Some(SortValue::Number(row.fields.priority)),
};

const FOLDED_TITLE: SortColumn = SortColumn {
    postgres: TITLE,
    sqlite: TITLE,
    is_nullable: false,
    kind: Kind::Text,
    value: |row| row.title.map(|title| SortValue::Text(title.to_owned())),
};

const POSITION: SortColumn = SortColumn {
    postgres: "coalesce(position, replace(CAST(id AS TEXT), '-', '') COLLATE \"C\")",
    sqlite: "coalesce(position, lower(hex(id)))",
    is_nullable: false,
    kind: Kind::Text,
    value: |row| {
        let own = || position::of_id(row.fields.id.0);
        let position = row.fields.position.map_or_else(own, str::to_owned);
        Some(SortValue::Text(position))
    },
};

const DELETED_AT: SortColumn = SortColumn {
    postgres: "deleted_at",
    sqlite: "deleted_at",
    is_nullable: false,
    kind: Kind::Instant,
    value: |row| row.fields.deleted_at.map(SortValue::Instant),
};

impl SortKey {
    fn columns(self) -> &'static [SortColumn] {
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
    pub fn value(&self, row: &SortedRow<'_>) -> Option<SortValue> {
        (self.value)(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_one_to_three_different_keys() {
        for good in [
            "title",
            "-title",
            "priority,-due_date",
            "-completed_at,position,created_at",
        ] {
            let sort = Sort::parse(good);
            assert_eq!(sort.and_then(|sort| sort.name()).as_deref(), Some(good));
        }
        for bad in [
            "",
            ",",
            "title,",
            ",title",
            "title,,priority",
            "title,-title",
            "--title",
            "- title",
            "title, priority",
            "deleted_at",
            "title,priority,due_date,position",
        ] {
            assert_eq!(Sort::parse(bad), None, "{bad}");
        }
    }
}
