//! The tags of a task.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::de::IgnoredAny;

use crate::primitives::json::Value;
use crate::primitives::text::{Wrong, is_visible, string};

/// The max number of tags of a task, and of a query.
pub(crate) const MAX_TAGS: usize = 50;

/// The max length of a tag, in Unicode scalar values.
pub const LONGEST_TAG: usize = 60;

/// At most 50 distinct tags of 1 to 60 characters, in the client's order.
///
/// Kept as stored in their column, as a JSON array with one tag a line: nothing in
/// the server needs the single tags, only their JSON. A line break inside a tag is
/// escaped as `\n`, so "line break, tag in quotes" ([`Tags::needle`]) occurs in this
/// text exactly if the task has the tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags(String);

impl Default for Tags {
    fn default() -> Self {
        Self::of(&[""; 0])
    }
}

impl Tags {
    /// Parses a JSON array. Each error has the index of its tag, or none if it concerns
    /// the whole array.
    pub(super) fn parse(value: &Value) -> Result<Self, Vec<(Option<usize>, Wrong)>> {
        let Value::Array(items) = value else {
            return Err(vec![(None, "must be an array of strings")]);
        };
        let mut tags: Vec<Cow<'_, str>> = Vec::new();
        let mut wrong = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match tag(item) {
                // Beyond the limit none is kept, nor compared with the others: the
                // comparison is quadratic.
                Ok(tag) if tags.len() > MAX_TAGS || tags.contains(&tag) => {}
                Ok(tag) => tags.push(tag),
                Err(why) => wrong.push((Some(index), why)),
            }
        }
        if tags.len() > MAX_TAGS {
            wrong.push((None, "must be at most 50 tags"));
        }
        if wrong.is_empty() {
            Ok(Self::of(&tags))
        } else {
            Err(wrong)
        }
    }

    /// Tags that are each parsed, distinct, and not too many.
    pub(crate) fn of(tags: &[impl AsRef<str>]) -> Self {
        let lines: Vec<String> = tags.iter().map(|tag| Self::needle(tag.as_ref())).collect();
        Self(format!("[{}]", lines.join(",")))
    }

    /// The text of the column.
    pub fn column(&self) -> &str {
        &self.0
    }

    /// The substring of the column that shows that a tag is present.
    pub fn needle(tag: &str) -> String {
        format!("\n{}", Value::from(tag))
    }

    /// Stored tags. That they are JSON is checked when they are written.
    pub fn from_column(column: String) -> Self {
        Self(column)
    }

    /// The tags of a column; empty if it is not JSON because something other than
    /// Todoward has written it.
    pub(crate) fn texts(column: &str) -> Vec<Cow<'_, str>> {
        match column {
            "[]" => Vec::new(),
            column => serde_json::from_str(column).unwrap_or_default(),
        }
    }

    /// The tags of a column with another tag in the place of one, or without it. Where
    /// both are there they become one, in the first place of the two. None if the column
    /// is not JSON.
    pub(super) fn replaced(column: &str, from: &str, to: Option<&str>) -> Option<String> {
        let tags: Vec<String> = serde_json::from_str(column).ok()?;
        let mut kept: Vec<&str> = Vec::new();
        for tag in &tags {
            let tag = match tag == from {
                true => to,
                false => Some(tag.as_str()),
            };
            kept.extend(tag.filter(|tag| !kept.contains(tag)));
        }
        Some(Self::of(&kept).0)
    }

    /// Appends the tags of a column as a JSON array to `out`.
    ///
    /// # Errors
    ///
    /// The column is not JSON: something other than Todoward has written it.
    pub(super) fn write_json(out: &mut Vec<u8>, column: &str) -> serde_json::Result<()> {
        if column != "[]" {
            let _: IgnoredAny = serde_json::from_str(column)?;
        }
        for line in column.as_bytes().split(|byte| *byte == b'\n') {
            out.extend_from_slice(line);
        }
        Ok(())
    }
}

/// A tag in NFC (UAX #15), the form in which tags are stored and searched: keyboards
/// and systems encode accents differently, and the difference is invisible.
pub fn normalized(tag: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(tag)
}

/// Parses a tag: 1 to 60 characters in NFC, trimmed, at least one of them visible.
///
/// # Errors
///
/// It is none.
pub fn tag(value: &Value) -> Result<Cow<'_, str>, Wrong> {
    let text = match normalized(string(value)?) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    if text.is_empty() || text.chars().count() > LONGEST_TAG {
        return Err("must be 1 to 60 characters");
    }
    if !is_visible(&text) {
        return Err("must have a visible character");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_the_column_exactly_if_it_is_there() {
        let tricky = [
            "a", "\"a\"", "a\"", "\n\"a\"", "x\\", ",", "x,\n\"a", "\\\"a", "A",
        ];
        for have in tricky {
            let tags = Tags::of(&["first", have, "last"]);
            for want in tricky {
                assert_eq!(
                    tags.column().contains(&Tags::needle(want)),
                    have == want,
                    "{want:?} in {have:?}"
                );
            }
            let mut written = Vec::new();
            Tags::write_json(&mut written, tags.column()).unwrap();
            assert_eq!(
                written,
                serde_json::to_vec(&["first", have, "last"]).unwrap()
            );
        }
    }

    #[test]
    fn a_tag_in_the_place_of_another_stands_once_in_the_first_place_of_the_two() {
        let replaced = |tags: &[&str], from, to| {
            let column = Tags::replaced(Tags::of(tags).column(), from, to);
            serde_json::from_str::<Vec<String>>(&column.unwrap()).unwrap()
        };
        assert_eq!(replaced(&["a", "b", "c"], "b", Some("x")), ["a", "x", "c"]);
        assert_eq!(replaced(&["a", "b", "c"], "c", Some("a")), ["a", "b"]);
        assert_eq!(replaced(&["a", "b", "c"], "a", Some("c")), ["c", "b"]);
        assert_eq!(replaced(&["a", "b"], "b", None), ["a"]);
        assert_eq!(replaced(&["a"], "a", None), [""; 0]);
        assert_eq!(replaced(&["a\n\"", "b"], "a\n\"", Some("\\")), ["\\", "b"]);
        assert_eq!(Tags::replaced("[", "a", None), None);
    }

    #[test]
    fn what_is_no_json_is_not_passed_on() {
        for column in ["", "[", "[\"a\"]]", "[\"a\", x]"] {
            assert!(
                Tags::write_json(&mut Vec::new(), column).is_err(),
                "{column}"
            );
        }
    }
}
