//! The tags of a task.

use serde::{Serialize, Serializer};

use super::fields::{Wrong, is_visible, string};
use crate::json::Value;

/// At most 20 tags of 1 to 50 characters, none twice, in the client's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(Vec<String>);

impl Tags {
    /// The faults carry the index of the tag they are about.
    pub(super) fn parse(value: &Value) -> Result<Self, Vec<(Option<usize>, Wrong)>> {
        let Value::Array(items) = value else {
            return Err(vec![(None, "must be an array of strings")]);
        };
        let mut tags: Vec<String> = Vec::new();
        let mut wrong = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match tag(item) {
                // Beyond the limit none is kept, nor compared with all others.
                Ok(tag) if tags.len() > 20 || tags.iter().any(|known| known == tag) => {}
                Ok(tag) => tags.push(tag.to_owned()),
                Err(why) => wrong.push((Some(index), why)),
            }
        }
        if tags.len() > 20 {
            wrong.push((None, "must be at most 20 tags"));
        }
        if wrong.is_empty() {
            Ok(Self(tags))
        } else {
            Err(wrong)
        }
    }

    /// As a JSON array with each tag on a line of its own. A line break inside a
    /// tag is written `\n`, so "line break, tag in quotes" ([`Tags::needle`])
    /// stands in this text exactly if the task has the tag.
    pub fn to_column(&self) -> String {
        let lines: Vec<String> = self.0.iter().map(|tag| Self::needle(tag)).collect();
        format!("[{}]", lines.join(","))
    }

    /// What to look for in the column to find a tag.
    pub fn needle(tag: &str) -> String {
        format!("\n{}", Value::from(tag))
    }

    /// The tags of a column that [`Tags::to_column`] wrote.
    pub fn from_column(column: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(column).map(Self)
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
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
            let column = Tags(vec!["first".into(), have.into(), "last".into()]).to_column();
            for want in tricky {
                assert_eq!(
                    column.contains(&Tags::needle(want)),
                    have == want,
                    "{want:?} in {have:?}"
                );
            }
            assert_eq!(
                Tags::from_column(&column).map(|t| t.0.get(1).cloned()).ok(),
                Some(Some(have.to_owned()))
            );
        }
    }
}
