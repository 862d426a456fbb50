//! The tags of a task.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::fields::{Wrong, is_visible, string};
use crate::json::Value;

/// At most 20 tags of 1 to 50 characters, none twice, in the client's order.
///
/// Kept as their column has them, a JSON array with each tag on a line of its own:
/// most tasks go from there to a client, and nobody asks for one of the tags. A
/// line break inside a tag is written `\n`, so "line break, tag in quotes"
/// ([`Tags::needle`]) stands in this text exactly if the task has the tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags(String);

impl Default for Tags {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl Tags {
    /// The faults carry the index of the tag they are about.
    pub(super) fn parse(value: &Value) -> Result<Self, Vec<(Option<usize>, Wrong)>> {
        let Value::Array(items) = value else {
            return Err(vec![(None, "must be an array of strings")]);
        };
        let mut tags: Vec<&str> = Vec::new();
        let mut wrong = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match tag(item) {
                // Beyond the limit none is kept, nor compared with all others.
                Ok(tag) if tags.len() > 20 || tags.contains(&tag) => {}
                Ok(tag) => tags.push(tag),
                Err(why) => wrong.push((Some(index), why)),
            }
        }
        if tags.len() > 20 {
            wrong.push((None, "must be at most 20 tags"));
        }
        if wrong.is_empty() {
            Ok(Self::of(&tags))
        } else {
            Err(wrong)
        }
    }

    fn of(tags: &[&str]) -> Self {
        let lines: Vec<String> = tags.iter().map(|tag| Self::needle(tag)).collect();
        Self(format!("[{}]", lines.join(",")))
    }

    /// What their column has.
    pub fn column(&self) -> &str {
        &self.0
    }

    /// What to look for in the column to find a tag.
    pub fn needle(tag: &str) -> String {
        format!("\n{}", Value::from(tag))
    }

    /// The tags of a column. Whether it has some is seen when they are written.
    pub fn from_column(column: String) -> Self {
        Self(column)
    }
}

/// # Errors
///
/// Somebody else has written the column, and not JSON.
impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let in_one_line = self.0.replace('\n', "");
        let json: &RawValue = serde_json::from_str(&in_one_line).map_err(S::Error::custom)?;
        json.serialize(serializer)
    }
}

fn tag(value: &Value) -> Result<&str, Wrong> {
    let text = string(value)?.trim();
    if text.is_empty() || text.chars().count() > 50 {
        return Err("must be 1 to 50 characters");
    }
    if !is_visible(text) {
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
            let written = serde_json::to_string(&tags).ok();
            assert_eq!(
                written,
                serde_json::to_string(&["first", have, "last"]).ok()
            );
        }
    }

    #[test]
    fn what_is_no_json_is_not_passed_on() {
        for column in ["", "[", "[\"a\"]]", "[\"a\", x]"] {
            assert!(
                serde_json::to_string(&Tags::from_column(column.into())).is_err(),
                "{column}"
            );
        }
    }
}
