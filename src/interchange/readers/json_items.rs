//! JSON a part at a time: each part is read when it is asked for, and knows its line.
//!
//! The whole is checked first, without building it: a document of 20 MiB as values would be
//! many times as large, and nesting costs a byte a level here, not stack.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::text::count_lines;
use crate::interchange::document::Invalid;

/// The text of a document, and how many lines begin before each of its blocks.
pub struct Lines<'a> {
    text: &'a str,
    before: Vec<u64>,
}

/// How many bytes are counted for a line that is asked for, at most.
const BLOCK: usize = 4096;

/// A value in the text of a document.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a>(&'a RawValue);

/// The members of an object, in its order.
pub type Members<'a> = Vec<(String, Node<'a>)>;

impl<'a> Lines<'a> {
    /// Checks a document, and returns its root.
    ///
    /// # Errors
    ///
    /// It is not JSON.
    pub fn parse(text: &'a str) -> Result<(Self, Node<'a>), Invalid> {
        let mut line = 1;
        let mut before = Vec::with_capacity(text.len() / BLOCK + 1);
        for block in text.as_bytes().chunks(BLOCK) {
            before.push(line);
            line += count_lines(block);
        }
        let lines = Self { text, before };
        match serde_json::from_str::<&RawValue>(text) {
            Ok(root) => Ok((lines, Node(root))),
            Err(error) => {
                let why = match error.is_eof() {
                    true => "the file ends in the middle of its JSON: it was cut",
                    false => "this line is not JSON",
                };
                let detail = format!("{why} (column {})", error.column());
                let line = u64::try_from(error.line()).unwrap_or(u64::MAX).max(1);
                Err(Invalid { line, detail })
            }
        }
    }

    /// The line that a value begins on.
    pub fn of(&self, node: Node<'a>) -> u64 {
        let at = (node.0.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let block = at / BLOCK;
        let between = self.text.as_bytes().get(block * BLOCK..at);
        let before = self.before.get(block).copied().unwrap_or(1);
        before + count_lines(between.unwrap_or_default())
    }

    /// The members of an object. None if it is something else.
    ///
    /// # Errors
    ///
    /// One of them stands twice: programs differ in which of the two they use. Or there are
    /// too many for a task or a list.
    pub fn object(&self, node: Node<'a>) -> Result<Option<Members<'a>>, Invalid> {
        if !node.0.get().starts_with('{') {
            return Ok(None);
        }
        let members = serde_json::from_str::<Object<'_>>(node.0.get());
        let members = members.map(|object| object.0);
        members.map(Some).map_err(|error| Invalid {
            line: self.of(node) + u64::try_from(error.line()).unwrap_or(1).saturating_sub(1),
            detail: match error.is_data() {
                true if error.to_string().starts_with(TOO_MANY) => {
                    "this object has more than 1,000 members: it is no task, and no list".to_owned()
                }
                true => "a member of this object stands twice".to_owned(),
                false => SURROGATE.to_owned(),
            },
        })
    }

    /// The first items of an array, at most so many. None if it is something else.
    pub fn array(node: Node<'a>, max: usize) -> Option<Vec<Node<'a>>> {
        Self::some(node, max).map(|(items, _)| items)
    }

    /// The same, and how many items are behind them.
    pub fn some(node: Node<'a>, max: usize) -> Option<(Vec<Node<'a>>, usize)> {
        if !node.0.get().starts_with('[') {
            return None;
        }
        let mut parser = serde_json::Deserializer::from_str(node.0.get());
        let (mut items, mut more) = (Vec::new(), 0);
        // The whole document was checked, so it is no error.
        let _ = parser.deserialize_seq(Items(&mut items, max, &mut more));
        Some((items, more))
    }

    /// A string. None if it is something else.
    ///
    /// # Errors
    ///
    /// It has half of a surrogate pair.
    pub fn string(&self, node: Node<'a>) -> Result<Option<String>, Invalid> {
        if !node.0.get().starts_with('"') {
            return Ok(None);
        }
        let text = serde_json::from_str::<String>(node.0.get());
        text.map(Some).map_err(|_| Invalid {
            line: self.of(node),
            detail: SURROGATE.to_owned(),
        })
    }
}

const SURROGATE: &str =
    "half of a surrogate pair stands alone in a string: an emoji was cut in two";

impl<'a> Node<'a> {
    /// The JSON of the value.
    pub fn json(self) -> &'a str {
        self.0.get()
    }

    /// Whether it is true.
    pub fn is_true(self) -> bool {
        self.0.get() == "true"
    }

    /// Whether it says nothing: null, false, or an empty text, array or object.
    pub fn is_empty(self) -> bool {
        let text = self.0.get();
        let inner = |open, close| {
            let inner = text
                .strip_prefix(open)
                .and_then(|it| it.strip_suffix(close));
            inner.is_some_and(|inner: &str| inner.trim().is_empty())
        };
        matches!(text, "null" | "false" | "\"\"") || inner('[', ']') || inner('{', '}')
    }

    /// A whole number.
    pub fn number(self) -> Option<i64> {
        serde_json::from_str(self.0.get()).ok()
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

struct Object<'a>(Members<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut members = Vec::new();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(serde::de::Error::custom("twice"));
            }
            if names.len() > MAX_MEMBERS {
                return Err(serde::de::Error::custom(TOO_MANY));
            }
            members.push((name, Node(map.next_value()?)));
        }
        Ok(Object(members))
    }
}

/// The max number of members of an object: each costs more memory than its text.
const MAX_MEMBERS: usize = 1000;

const TOO_MANY: &str = "too many";

struct Items<'a, 'b>(&'b mut Vec<Node<'a>>, usize, &'b mut usize);

impl<'de> Visitor<'de> for Items<'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while self.0.len() < self.1
            && let Some(item) = seq.next_element()?
        {
            self.0.push(Node(item));
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            *self.2 += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_line() {
        let text = "{\n \"a\": [\n  1,\n\n  {\"b\": \"x\"}],\n \"c\": null}";
        let (lines, root) = Lines::parse(text).unwrap();
        let members = lines.object(root).unwrap().unwrap();
        let items = Lines::array(members[0].1, 10).unwrap();
        let at: Vec<u64> = items.iter().map(|item| lines.of(*item)).collect();
        assert_eq!(at, [3, 5]);
        assert_eq!(lines.of(members[1].1), 6);
        assert_eq!(lines.of(root), 1);
        let (first, more) = Lines::some(members[0].1, 1).unwrap();
        assert_eq!((first.len(), more), (1, 1));
        assert_eq!(lines.object(items[0]), Ok(None));
        assert!(members[1].1.is_empty() && !items[1].is_empty());
    }

    #[test]
    fn what_is_cut_deep_or_ambiguous_is_refused_with_its_line() {
        let why = |text: &str| Lines::parse(text).err().map(|it| (it.line, it.detail));
        let (line, detail) = why("{\n\"a\": [1,\n").unwrap();
        assert!(line >= 2 && detail.contains("was cut"), "{line} {detail}");
        assert_eq!(why("[1,\n2,,]").map(|it| it.0), Some(2));
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert!(why(&deep).is_none());
        let twice = "{\"x\":1,\n\"x\":2}";
        let (lines, root) = Lines::parse(twice).unwrap();
        assert_eq!(lines.object(root).unwrap_err().line, 2);
        let many: Vec<String> = (0..1001).map(|n| format!("\"{n}\":0")).collect();
        let many = format!("{{{}}}", many.join(","));
        let (lines, root) = Lines::parse(&many).unwrap();
        let why = lines.object(root).unwrap_err().detail;
        assert!(why.contains("more than 1,000 members"), "{why}");
        let (lines, root) = Lines::parse("\n\"\\ud83d\"").unwrap();
        assert_eq!(lines.string(root).unwrap_err().line, 2);
    }
}
