//! The fields that a client may write, each parsed into its own type.
//!
//! A parser takes the JSON value and returns the field, or the reason for refusal.

use chrono::NaiveDate;

use crate::primitives::json::Value;
use crate::primitives::json_writer as write;
use crate::primitives::text::{NUL, Wrong, is_visible, string};

/// A title: 1 to 1,000 Unicode scalar values after trimming, at least one of them
/// visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    pub(crate) fn parse(value: &Value) -> Result<Self, Wrong> {
        let text = string(value)?.trim();
        if text.is_empty() || text.chars().count() > 1000 {
            return Err("must be 1 to 1,000 characters");
        }
        if !is_visible(text) {
            return Err("must have a visible character");
        }
        Ok(Self(text.to_owned()))
    }

    /// A stored title; it was validated before it was stored.
    pub fn from_column(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A description: at most 20,000 Unicode scalar values, stored as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    pub(crate) fn parse(value: &Value) -> Result<Option<Self>, Wrong> {
        if value.is_null() {
            return Ok(None);
        }
        let text = value.as_str().ok_or("must be a string or null")?;
        if text.contains('\0') {
            return Err(NUL);
        }
        if text.chars().count() > 20_000 {
            return Err("must be at most 20,000 characters");
        }
        Ok(Some(Self(text.to_owned())))
    }

    /// A stored description; it was validated before it was stored.
    pub fn from_column(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The priority of a task. Lists sort in the order of the variants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// The default.
    #[default]
    None,
    /// Above none.
    Low,
    /// Above low.
    Medium,
    /// Above all others.
    High,
}

impl Priority {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "low" => Some(Self::Low),
            "medium" => Some(Self::Medium),
            "high" => Some(Self::High),
            _ => None,
        }
    }

    pub(super) fn parse(value: &Value) -> Result<Self, Wrong> {
        value
            .as_str()
            .and_then(Self::from_name)
            .ok_or("must be none, low, medium or high")
    }

    /// The name in JSON and in queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The number in the database, 0 to 3.
    pub fn rank(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
        }
    }

    /// Writes the name of a rank as JSON.
    ///
    /// # Errors
    ///
    /// Never fails: the signature is that of all column writers.
    pub fn write_json(out: &mut Vec<u8>, rank: i16) -> serde_json::Result<()> {
        write::word(out, Self::from_rank(rank).name())
    }

    /// The priority of a rank; a rank out of range becomes the nearest one.
    pub fn from_rank(rank: i16) -> Self {
        match rank {
            ..=0 => Self::None,
            1 => Self::Low,
            2 => Self::Medium,
            3.. => Self::High,
        }
    }
}

pub(super) fn completed(value: &Value) -> Result<bool, Wrong> {
    value.as_bool().ok_or("must be true or false")
}

pub(super) fn due_date(value: &Value) -> Result<Option<NaiveDate>, Wrong> {
    const WRONG: Wrong = "must be a day as YYYY-MM-DD in the years 1970 to 9999, or null";
    if value.is_null() {
        return Ok(None);
    }
    value.as_str().and_then(day).map(Some).ok_or(WRONG)
}

/// Parses exactly `YYYY-MM-DD`, year 1970 to 9999: no sign, no short form, no time.
pub(crate) fn day(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let written = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !written || text < "1970" {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_title_of_nothing_visible_is_refused() {
        for invisible in [
            "",
            " ",
            "\u{200b}",
            "\u{a0}",
            "\u{feff}\u{200d}",
            "\u{1}",
            "\u{3164}",
        ] {
            assert!(Title::parse(&json!(invisible)).is_err(), "{invisible:?}");
        }
        assert_eq!(
            Title::parse(&json!("\u{a0} milk\u{3000}")).map(|t| t.0),
            Ok("milk".into())
        );
    }

    #[test]
    fn a_day_is_ten_characters_of_a_calendar() {
        for good in ["1970-01-01", "2024-02-29", "9999-12-31"] {
            assert!(day(good).is_some(), "{good}");
        }
        for bad in [
            "1969-12-31",
            "2025-02-29",
            "2025-1-01",
            "+2025-01-1",
            "2025-01-01T",
            "٢٠٢٥-01-01",
        ] {
            assert!(day(bad).is_none(), "{bad}");
        }
    }
}
