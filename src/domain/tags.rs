//! The tags of a task.

use serde::de::IgnoredAny;

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

    /// The tags of a column as an array, appended to `out`.
    ///
    /// # Errors
    ///
    /// Somebody else has written the column, and not JSON.
    pub(super) fn write_json(column: &str, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let _: IgnoredAny = serde_json::from_str(column)?;
        for line in column.split('\n') {
            out.extend_from_slice(line.as_bytes());
        }
        Ok(())
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
            let mut written = Vec::new();
            Tags::write_json(tags.column(), &mut written).unwrap();
            assert_eq!(
                written,
                serde_json::to_vec(&["first", have, "last"]).unwrap()
            );
        }
    }

    #[test]
    fn what_is_no_json_is_not_passed_on() {
        for column in ["", "[", "[\"a\"]]", "[\"a\", x]"] {
            assert!(
                Tags::write_json(column, &mut Vec::new()).is_err(),
                "{column}"
            );
        }
    }
}
