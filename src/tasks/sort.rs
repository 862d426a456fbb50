//! The order of a list.

use std::fmt::Write as _;

use super::columns::{SORT_KEYS, SortColumn, SortKey};

/// The most keys of an order.
const MAX_KEYS: usize = 3;

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
