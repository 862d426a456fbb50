//! The queries of tasks: of a list, a count, a deletion.

use chrono::{DateTime, Datelike as _};

use super::columns::WHICH_ORDERS;
use super::cursor::Position;
use super::filter::Filter;
use super::sort::Sort;
use crate::auth::OwnerId;
use crate::primitives::field_error::FieldError;
use crate::primitives::folded::Words;
use crate::primitives::parameters::Parameters;
use crate::primitives::timestamp::Timestamp;

const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 200;

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

impl ListQuery {
    /// Whether it asks for the first page of the default list: all tasks, newest first.
    pub fn is_newest(&self) -> bool {
        self.after.is_none()
            && self.filter == Filter::default()
            && self.sort == Sort::default_of(false)
    }

    /// Parses the query string; the error lists every invalid parameter.
    pub fn parse(query: &str, owner: &OwnerId) -> Result<Self, ListError> {
        let given = Parameters::parse(query)?;
        let mut errors = Vec::new();
        let filter = Filter::parse(&given, &mut errors);
        let sort = given.one("sort", &mut errors, WHICH_ORDERS, Sort::parse);
        let limit = given.one(
            "limit",
            &mut errors,
            "must be a number from 1 to 200",
            limit,
        );
        let cursor = given.one("cursor", &mut errors, "", |text| Some(text.to_owned()));
        let known: Vec<&str> = Filter::names().chain(["sort", "limit", "cursor"]).collect();
        errors.extend(given.unknown(&known));
        if !errors.is_empty() {
            return Err(errors.into());
        }
        let mut query = Self {
            sort: sort.unwrap_or_else(|| Sort::default_of(filter.trash)),
            filter,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            after: None,
        };
        if let Some(cursor) = cursor {
            let position =
                Position::decode(&cursor, owner, &query).ok_or(ListError::InvalidCursor)?;
            query.after = Some(position);
        }
        Ok(query)
    }

    /// The cursor of the page after this position.
    pub fn cursor_after(&self, owner: &OwnerId, last: &Position) -> String {
        last.encode(owner, self)
    }

    /// The query string of the page after a cursor: same filters, order and limit.
    pub fn next_page(&self, cursor: &str) -> String {
        // The words as they came: folded they can be longer than a query may be.
        let list = self.written_with(|q| &q.text);
        format!("{list}&limit={}&cursor={cursor}", self.limit)
    }

    /// Filters and order in canonical form: two queries for the same list give the
    /// same text.
    pub(super) fn canonical(&self) -> String {
        self.written_with(|q| &q.folded)
    }

    fn written_with(&self, words: impl Fn(&Words) -> &str) -> String {
        let mut text = match self.sort.name() {
            Some(name) => format!("sort={name}"),
            None => String::new(),
        };
        self.filter.write(&mut text, words);
        match text.strip_prefix('&') {
            Some(rest) => rest.to_owned(),
            None => text,
        }
    }
}

/// What the tasks of a count are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    List,
    Priority,
    Tag,
    Parent,
    DueDate,
    Completed,
}

/// Every value of the parameter `by`.
pub const GROUPS: [(&str, GroupBy); 6] = [
    ("list", GroupBy::List),
    ("priority", GroupBy::Priority),
    ("tag", GroupBy::Tag),
    ("parent", GroupBy::Parent),
    ("due_date", GroupBy::DueDate),
    ("completed", GroupBy::Completed),
];

/// A parsed query of a count.
#[derive(Debug, Clone, PartialEq)]
pub struct CountQuery {
    /// The filters.
    pub filter: Filter,
    /// By what they are grouped.
    pub by: Option<GroupBy>,
}

impl CountQuery {
    /// Parses the query string; the error lists every invalid parameter.
    pub fn parse(query: &str) -> Result<Self, Vec<FieldError>> {
        let given = Parameters::parse(query)?;
        let mut errors = Vec::new();
        let filter = Filter::parse(&given, &mut errors);
        let by = given.one(
            "by",
            &mut errors,
            "must be list, priority, tag, parent, due_date or completed",
            |text| GROUPS.iter().find(|(name, _)| *name == text),
        );
        let known: Vec<&str> = Filter::names().chain(["by"]).collect();
        errors.extend(given.unknown(&known));
        if !errors.is_empty() {
            return Err(errors);
        }
        let by = by.map(|(_, by)| *by);
        Ok(Self { filter, by })
    }
}

/// Parses `limit`. A value out of range is refused and never clamped: a client that
/// asks for 1,000 and silently gets 200 would miss tasks.
fn limit(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|_| digits)?;
    (1..=MAX_LIMIT).contains(&limit).then_some(limit)
}

/// An instant of RFC 3339 in the years 1970 to 9999, rounded up to the milliseconds that
/// tasks have: what is before it, or not, stays so. A leap second is the one after it.
pub fn instant(text: &str) -> Option<Timestamp> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    let is_between = instant.timestamp_subsec_nanos() % 1_000_000 > 0;
    let millis = instant.timestamp_millis() + i64::from(is_between);
    let instant = DateTime::from_timestamp_millis(millis)?;
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
