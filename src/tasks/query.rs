//! The query of a list: filters, order, page.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::cursor::{Position, SortValue};
use super::fields::{Priority, day};
use super::tags::{LONGEST_TAG, MAX_TAGS, normalized};
use crate::auth::OwnerId;
use crate::primitives::field_error::FieldError;
use crate::primitives::folded::Words;
use crate::primitives::parameters::Parameters;
use crate::primitives::timestamp::Timestamp;

const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 200;

/// The filters of a list. Absent ones match every task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Only completed, or only open tasks.
    pub completed: Option<bool>,
    /// Any of these, sorted; empty means any priority.
    pub priorities: Vec<Priority>,
    /// All of these, in NFC, compared byte for byte.
    pub tags: Vec<String>,
    /// Due before this day.
    pub due_before: Option<NaiveDate>,
    /// Due on this day or after.
    pub due_after: Option<NaiveDate>,
    /// Each of these words must occur in the title, the description or a tag.
    pub q: Option<Words>,
}

/// The sort key of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// The id, which begins with the creation time.
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
    /// The due date; tasks without one come last in both directions.
    DueDate,
    /// none < low < medium < high.
    Priority,
    /// The folded title, by code point.
    Title,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The sort key.
    pub key: SortKey,
    /// Highest first; ties are sorted by id in the same direction.
    pub descending: bool,
}

impl Default for Sort {
    /// Newest first.
    fn default() -> Self {
        Self {
            key: SortKey::CreatedAt,
            descending: true,
        }
    }
}

impl Sort {
    const fn by(key: SortKey, descending: bool) -> Self {
        Self { key, descending }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut sorts = SORTS.iter();
        sorts.find(|(name, _)| *name == text).map(|(_, sort)| *sort)
    }

    fn name(self) -> &'static str {
        let mut sorts = SORTS.iter();
        let known = sorts.find(|(_, sort)| *sort == self);
        known.map_or("", |(name, _)| name)
    }
}

/// Every value of the parameter `sort`.
pub const SORTS: [(&str, Sort); 10] = [
    ("created_at", Sort::by(SortKey::CreatedAt, false)),
    ("-created_at", Sort::by(SortKey::CreatedAt, true)),
    ("updated_at", Sort::by(SortKey::UpdatedAt, false)),
    ("-updated_at", Sort::by(SortKey::UpdatedAt, true)),
    ("due_date", Sort::by(SortKey::DueDate, false)),
    ("-due_date", Sort::by(SortKey::DueDate, true)),
    ("priority", Sort::by(SortKey::Priority, false)),
    ("-priority", Sort::by(SortKey::Priority, true)),
    ("title", Sort::by(SortKey::Title, false)),
    ("-title", Sort::by(SortKey::Title, true)),
];

/// A parsed list query.
#[derive(Debug, Clone, PartialEq)]
pub struct ListQuery {
    /// The filters.
    pub filter: Filter,
    /// The order.
    pub sort: Sort,
    /// The page size: 1 to 200.
    pub limit: u16,
    /// The position that the page begins after; none for the first page.
    pub after: Option<Position>,
}

/// Why a list query is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum ListError {
    /// Parameters are invalid or unknown.
    InvalidParameters(Vec<FieldError>),
    /// The cursor was not issued for this list, this order and this owner.
    InvalidCursor,
}

impl From<Vec<FieldError>> for ListError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::InvalidParameters(errors)
    }
}

const PARAMETERS: [&str; 9] = [
    "completed",
    "priority",
    "tag",
    "due_before",
    "due_after",
    "q",
    "sort",
    "limit",
    "cursor",
];

impl ListQuery {
    /// Whether it asks for the first page of the default list: all tasks, newest first.
    pub fn is_newest(&self) -> bool {
        self.after.is_none() && self.filter == Filter::default() && self.sort == Sort::default()
    }

    /// Parses the query string; the error lists every invalid parameter.
    pub fn parse(query: &str, owner: &OwnerId) -> Result<Self, ListError> {
        let given = Parameters::parse(query)?;
        let mut errors = Vec::new();
        let filter = filter(&given, &mut errors);
        let sort = given.one(
            "sort",
            &mut errors,
            "must be created_at, updated_at, due_date, priority or title, with - before it for descending",
            Sort::parse,
        );
        let limit = given.one(
            "limit",
            &mut errors,
            "must be a number from 1 to 200",
            limit,
        );
        let cursor = given.one("cursor", &mut errors, "", |text| Some(text.to_owned()));
        errors.extend(given.unknown(&PARAMETERS));
        if !errors.is_empty() {
            return Err(errors.into());
        }
        let mut query = Self {
            filter,
            sort: sort.unwrap_or_default(),
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            after: None,
        };
        if let Some(cursor) = cursor {
            let position =
                SortValue::decode(&cursor, owner, &query).ok_or(ListError::InvalidCursor)?;
            query.after = Some(position);
        }
        Ok(query)
    }

    /// The cursor of the page after this position.
    pub fn cursor_after(&self, owner: &OwnerId, last: &Position) -> String {
        SortValue::encode(owner, self, last)
    }

    /// The query string of the page after a cursor: same filters, order and limit.
    pub fn next_page(&self, cursor: &str) -> String {
        format!("{}&limit={}&cursor={cursor}", self.canonical(), self.limit)
    }

    /// Filters and order in canonical form: two queries for the same list give the
    /// same text.
    pub(super) fn canonical(&self) -> String {
        let mut text = format!("sort={}", self.sort.name());
        let filter = &self.filter;
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
        if let Some(completed) = filter.completed {
            add("completed", if completed { "true" } else { "false" });
        }
        for priority in &filter.priorities {
            add("priority", priority.name());
        }
        for tag in &filter.tags {
            add("tag", tag);
        }
        if let Some(day) = filter.due_before {
            add("due_before", &day.to_string());
        }
        if let Some(day) = filter.due_after {
            add("due_after", &day.to_string());
        }
        if let Some(q) = &filter.q {
            add("q", &q.folded);
        }
        text
    }
}

fn filter(given: &Parameters, errors: &mut Vec<FieldError>) -> Filter {
    const DAY: &str = "must be a day as YYYY-MM-DD in the years 1970 to 9999";
    let completed = given.one(
        "completed",
        errors,
        "must be true or false",
        |text| match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
    );
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
    let mut tags: Vec<String> = given
        .all("tag")
        .map(|tag| normalized(tag).into_owned())
        .collect();
    if tags.iter().any(|tag| !in_length(tag, LONGEST_TAG)) {
        errors.push(FieldError::parameter(
            "tag",
            "must be 1 to 60 characters, without U+0000",
        ));
    }
    if tags.len() > MAX_TAGS {
        errors.push(FieldError::parameter("tag", "may stand at most 50 times"));
    }
    tags.sort_unstable();
    tags.dedup();
    let due_before = given.one("due_before", errors, DAY, day);
    let due_after = given.one("due_after", errors, DAY, day);
    let q = given.one(
        "q",
        errors,
        "must be 1 to 100 characters, with 1 to 10 words, without U+0000",
        |text| in_length(text, 100).then(|| Words::parse(text)).flatten(),
    );
    Filter {
        completed,
        priorities,
        tags,
        due_before,
        due_after,
        q,
    }
}

fn in_length(text: &str, max: usize) -> bool {
    !text.contains('\0') && (1..=max).contains(&text.chars().count())
}

/// Parses `limit`. A value out of range is refused and never clamped: a client that
/// asks for 1,000 and silently gets 200 would miss tasks.
fn limit(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|_| digits)?;
    (1..=MAX_LIMIT).contains(&limit).then_some(limit)
}

/// An instant of RFC 3339 in the years 1970 to 9999, rounded up to the milliseconds that
/// tasks have: what is before it, or not, stays so.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    let part = i64::from(instant.timestamp_subsec_nanos() % 1_000_000);
    let rest = (1_000_000 - part) % 1_000_000;
    let instant = instant.checked_add_signed(TimeDelta::nanoseconds(rest))?;
    (1970..=9999)
        .contains(&instant.year())
        .then(|| Timestamp::new(instant))
}

pub(super) const INSTANT: &str =
    "must be an instant as 2026-12-01T09:00:00Z, or with an offset, whose + is written %2B";

/// What `DELETE /tasks` deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clear {
    /// The completed tasks, if there is an instant only those completed before it.
    Completed(Option<Timestamp>),
    /// What is in the trash.
    Trash,
}

impl Clear {
    /// Parses the query of `DELETE /tasks`, which must have `completed=true` or
    /// `trash=true`, so that a bare `DELETE /tasks`, sent by mistake, deletes nothing.
    pub fn parse(query: &str) -> Result<Self, Vec<FieldError>> {
        const WHY: &str = "must be true, or trash must be: nothing else can be deleted at once";
        const BOTH: &str = "cannot stand beside trash";
        let parameters = Parameters::parse(query)?;
        let mut errors = Vec::new();
        let is_true = |text: &str| (text == "true").then_some(());
        let completed = parameters.one("completed", &mut errors, WHY, is_true);
        let trash = parameters.one("trash", &mut errors, "must be true", is_true);
        let before = parameters.one("completed_before", &mut errors, INSTANT, instant);
        if errors.is_empty() {
            match (completed, trash, before) {
                (Some(()), Some(()), _) => errors.push(FieldError::parameter("completed", BOTH)),
                (None, Some(()), Some(_)) => {
                    errors.push(FieldError::parameter("completed_before", BOTH));
                }
                (None, None, _) => errors.push(FieldError::parameter("completed", WHY)),
                (Some(()), None, _) | (None, Some(()), None) => {}
            }
        }
        errors.extend(parameters.unknown(&["completed", "completed_before", "trash"]));
        match (errors.is_empty(), trash) {
            (false, _) => Err(errors),
            (true, Some(())) => Ok(Self::Trash),
            (true, None) => Ok(Self::Completed(before)),
        }
    }
}

/// Parses the query of `DELETE /tasks/{id}`: whether it is for good.
pub fn is_permanent(query: &str) -> Result<bool, Vec<FieldError>> {
    let parameters = Parameters::parse(query)?;
    let mut errors = Vec::new();
    let permanent =
        parameters.one(
            "permanent",
            &mut errors,
            "must be true or false",
            |text| match text {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
        );
    errors.extend(parameters.unknown(&["permanent"]));
    if errors.is_empty() {
        Ok(permanent.unwrap_or(false))
    } else {
        Err(errors)
    }
}
