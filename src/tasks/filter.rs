//! The filters of a list, and of a count.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::columns::{COLUMN_FILTERS, ColumnFilter, ColumnValue, Takes};
use super::fields::Priority;
use super::tags::{LONGEST_TAG, MAX_TAGS, normalized};
use crate::primitives::field_error::FieldError;
use crate::primitives::folded::Words;
use crate::primitives::id::ResourceId;
use crate::primitives::parameters::Parameters;

/// How often `list` and `parent` may stand.
const MAX_REFERENCES: usize = 50;

/// The filters of a list. Absent ones match every task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Only completed, or only open tasks.
    pub completed: Option<bool>,
    /// Any of these, sorted; empty means any priority.
    pub priorities: Vec<Priority>,
    /// In any of these lists, sorted; none is the inbox. Empty means any list.
    pub lists: Vec<Option<ResourceId>>,
    /// Right below any of these tasks, sorted; none is the top level. Empty means
    /// anywhere.
    pub parents: Vec<Option<ResourceId>>,
    /// All of these, in NFC, compared byte for byte.
    pub tags: Vec<String>,
    /// At least one of these, likewise.
    pub any_tags: Vec<String>,
    /// None of these, likewise.
    pub no_tags: Vec<String>,
    /// Only tasks without tags, or only those with some.
    pub untagged: Option<bool>,
    /// What each of [`COLUMN_FILTERS`] says.
    pub(super) columns: [Option<Wanted>; COLUMN_FILTERS.len()],
    /// Each of these words must occur in the title, the description or a tag.
    pub q: Option<Words>,
    /// What is in the trash, instead of what is not.
    pub trash: bool,
}

/// What a filter wants of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    /// That it has a value, or that it has none.
    Presence(bool),
    /// That it compares so with this value.
    Value(ColumnValue),
}

/// The names of the filters that are none of [`COLUMN_FILTERS`].
const OTHERS: [&str; 10] = [
    "completed",
    "priority",
    "list",
    "parent",
    "tag",
    "any_tag",
    "no_tag",
    "untagged",
    "q",
    "trash",
];

impl Filter {
    /// Parses the filters among the parameters; adds an error for each invalid one.
    pub(super) fn parse(given: &Parameters, errors: &mut Vec<FieldError>) -> Self {
        Self {
            completed: flag(given, "completed", errors),
            priorities: priorities(given, errors),
            lists: references(given, "list", "inbox", errors),
            parents: references(given, "parent", "none", errors),
            tags: tags(given, "tag", errors),
            any_tags: tags(given, "any_tag", errors),
            no_tags: tags(given, "no_tag", errors),
            untagged: flag(given, "untagged", errors),
            columns: COLUMN_FILTERS
                .each_ref()
                .map(|filter| wanted(given, filter, errors)),
            q: given.one(
                "q",
                errors,
                "must be 1 to 100 characters, with 1 to 10 words, without U+0000",
                |text| in_length(text, 100).then(|| Words::parse(text)).flatten(),
            ),
            trash: flag(given, "trash", errors).unwrap_or(false),
        }
    }

    /// The names of all filters.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        let of_columns = COLUMN_FILTERS.iter().map(|filter| filter.parameter);
        OTHERS.into_iter().chain(of_columns)
    }

    /// Those of [`COLUMN_FILTERS`] that are there, and what they want.
    pub(super) fn of_columns(&self) -> impl Iterator<Item = (&'static ColumnFilter, &Wanted)> {
        let all = COLUMN_FILTERS.iter().zip(&self.columns);
        all.filter_map(|(filter, wanted)| Some((filter, wanted.as_ref()?)))
    }

    /// Whether it lets through tasks that have a value in a column, or such without one.
    pub(super) fn lets_through(&self, column: &str, has_value: bool) -> bool {
        let mut of_column = self
            .of_columns()
            .filter(|(filter, _)| filter.column == column);
        of_column.all(|(_, wanted)| match wanted {
            Wanted::Presence(wanted) => *wanted == has_value,
            Wanted::Value(_) => has_value,
        })
    }

    /// Whether it is one list and one parent: tasks that are beside each other.
    pub(super) fn is_of_siblings(&self) -> bool {
        self.lists.len() == 1 && self.parents.len() == 1
    }

    /// Appends the filters in canonical form, each behind a `&`: two filters for the
    /// same tasks give the same text.
    pub(super) fn write(&self, text: &mut String, words: impl Fn(&Words) -> &str) {
        let mut add = |name: &str, value: &str| {
            // The unreserved characters of RFC 3986 section 2.3; all others are encoded.
            const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
                .remove(b'-')
                .remove(b'_')
                .remove(b'.')
                .remove(b'~');
            // Writing to a String cannot fail.
            let _ = write!(text, "&{name}={}", utf8_percent_encode(value, UNRESERVED));
        };
        let mut flags = vec![("completed", self.completed), ("untagged", self.untagged)];
        for (filter, wanted) in self.of_columns() {
            if let (Takes::Flag, Wanted::Presence(has_value)) = (&filter.takes, wanted) {
                flags.push((filter.parameter, Some(*has_value)));
            }
        }
        flags.push(("trash", self.trash.then_some(true)));
        for (name, value) in flags {
            if let Some(value) = value {
                add(name, if value { "true" } else { "false" });
            }
        }
        for priority in &self.priorities {
            add("priority", priority.name());
        }
        for (name, null, ids) in [
            ("list", "inbox", &self.lists),
            ("parent", "none", &self.parents),
        ] {
            for id in ids {
                match id {
                    Some(id) => add(name, &id.to_string()),
                    None => add(name, null),
                }
            }
        }
        for (name, tags) in [
            ("tag", &self.tags),
            ("any_tag", &self.any_tags),
            ("no_tag", &self.no_tags),
        ] {
            for tag in tags {
                add(name, tag);
            }
        }
        for (filter, wanted) in self.of_columns() {
            match (wanted, &filter.takes) {
                // It is among the flags.
                (Wanted::Presence(_), Takes::Flag) => {}
                (Wanted::Presence(true), _) => add(filter.parameter, "any"),
                (Wanted::Presence(false), _) => add(filter.parameter, "none"),
                (Wanted::Value(value), _) => add(filter.parameter, &value.to_string()),
            }
        }
        if let Some(q) = &self.q {
            add("q", words(q));
        }
    }
}

fn wanted(
    given: &Parameters,
    filter: &ColumnFilter,
    errors: &mut Vec<FieldError>,
) -> Option<Wanted> {
    let name = filter.parameter;
    match &filter.takes {
        Takes::Flag => flag(given, name, errors).map(Wanted::Presence),
        Takes::AnyOrNone => given.one(name, errors, "must be none or any", |text| match text {
            "none" => Some(Wanted::Presence(false)),
            "any" => Some(Wanted::Presence(true)),
            _ => None,
        }),
        Takes::Value(_, values) => {
            let value = given.one(name, errors, values.why, values.parse);
            value.map(Wanted::Value)
        }
    }
}

/// Parses `true` or `false`.
pub(super) fn flag(
    given: &Parameters,
    name: &'static str,
    errors: &mut Vec<FieldError>,
) -> Option<bool> {
    given.one(name, errors, "must be true or false", |text| match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })
}

fn priorities(given: &Parameters, errors: &mut Vec<FieldError>) -> Vec<Priority> {
    let mut priorities = Vec::new();
    for name in given.all("priority") {
        match Priority::from_name(name) {
            Some(priority) => priorities.push(priority),
            None => errors.push(FieldError::parameter(
                "priority",
                "must be none, low, medium or high",
            )),
        }
    }
    priorities.sort_unstable();
    priorities.dedup();
    priorities
}

/// Parses ids; `null` is the word for the rows that have none.
fn references(
    given: &Parameters,
    name: &'static str,
    null: &str,
    errors: &mut Vec<FieldError>,
) -> Vec<Option<ResourceId>> {
    let texts: Vec<&str> = given.all(name).collect();
    if texts.len() > MAX_REFERENCES {
        errors.push(FieldError::parameter(name, "may stand at most 50 times"));
        return Vec::new();
    }
    let mut ids = Vec::new();
    for text in texts {
        match ResourceId::parse(text) {
            Some(id) => ids.push(Some(id)),
            None if text == null => ids.push(None),
            None => {
                let why = format!("must be {null} or an id: a UUID in lower case");
                errors.push(FieldError::parameter(name, why));
                return Vec::new();
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn tags(given: &Parameters, name: &'static str, errors: &mut Vec<FieldError>) -> Vec<String> {
    let mut tags: Vec<String> = given
        .all(name)
        .map(|tag| normalized(tag).into_owned())
        .collect();
    if tags.iter().any(|tag| !is_tag_length(tag)) {
        errors.push(FieldError::parameter(name, TAG_LENGTH));
    }
    if tags.len() > MAX_TAGS {
        errors.push(FieldError::parameter(name, "may stand at most 50 times"));
    }
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// Why the tag of a parameter is refused.
pub const TAG_LENGTH: &str = "must be 1 to 60 characters, without U+0000";

/// Whether a tag, in NFC, has a length that a tag can have.
pub fn is_tag_length(tag: &str) -> bool {
    in_length(tag, LONGEST_TAG)
}

fn in_length(text: &str, max: usize) -> bool {
    !text.contains('\0') && (1..=max).contains(&text.chars().count())
}
