//! Strict JSON parsing (RFC 8259): a document has one interpretation or is refused.
//!
//! Invariant: a duplicate member of an object is an error at any depth. Parsers differ
//! in which of the two they use, so an attacker could show one value to a proxy and
//! another one to this server.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
pub use serde_json::{Map, Value};

/// Parses UTF-8 JSON. Nesting of 128 levels or more, numbers beyond the range of a
/// double, lone surrogates and anything after the document are errors.
pub fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Strict>(bytes).map(|strict| strict.0)
}

/// Explains an error of [`parse`], as a sentence.
pub fn why_refused(body: &[u8], error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if let Err(error) = std::str::from_utf8(body) {
        let at = error.valid_up_to() + 1;
        return format!("the body is not UTF-8 (byte {at})");
    }
    // The only data error is a duplicate member. Other messages are the parser's,
    // which may change with its version.
    if error.is_data() {
        return error.to_string();
    }
    let Some(member) = lone_surrogate(body, offset(body, line, column)) else {
        return format!(
            "the body is not JSON, or is nested too deep (line {line}, column {column})"
        );
    };
    let place = member.map_or_else(String::new, |name| format!(" in {}", quoted(name)));
    format!(
        "half of a surrogate pair stands alone{place} (line {line}, column {column}): an emoji was cut in two, as slice and substring of JavaScript do; cut between characters, as [...text].slice(0, n).join(\"\") does"
    )
}

/// A name for a message: in quotes, on one line, cut if it is long.
fn quoted(name: &str) -> String {
    let shown: String = name.chars().take(50).collect();
    format!("{shown:?}")
}

/// The byte offset of a line and column.
fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    before + column
}

/// Finds the first lone surrogate escape before `end`, up to which the body is valid
/// JSON, and returns the name of the top-level member that contains it.
fn lone_surrogate(body: &[u8], end: usize) -> Option<Option<&str>> {
    let (mut depth, mut string_at) = (0_usize, None);
    // At the top level: the last string, and the current member.
    let (mut last, mut member) = (None, None);
    let mut at = 0;
    while at < end {
        let rest = body.get(at..)?;
        at += match (string_at, rest) {
            (Some(_), [b'\\', b'u', ..]) => match (half(rest), rest.get(6..).and_then(half)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
                (Some(_), _) => return Some(member),
                (None, _) => 6,
            },
            (Some(_), [b'\\', ..]) => 2,
            (Some(from), [b'"', ..]) => {
                let text = body.get(from..at).map(str::from_utf8);
                last = text.and_then(Result::ok);
                string_at = None;
                1
            }
            (Some(_), _) => 1,
            (None, [byte, ..]) => {
                match byte {
                    b'"' => string_at = Some(at + 1),
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    b':' if depth == 1 => member = last,
                    b',' if depth == 1 => member = None,
                    _ => {}
                }
                1
            }
            (None, []) => return None,
        };
    }
    None
}

/// The surrogate that an escape `\uXXXX` encodes, if it does.
fn half(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    let unit = u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            match members.entry(name) {
                Entry::Vacant(member) => member.insert(map.next_value::<Strict>()?.0),
                Entry::Occupied(first) => {
                    let twice = format_args!("the member {} stands twice", quoted(first.key()));
                    return Err(de::Error::custom(twice));
                }
            };
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, why_refused};

    #[test]
    fn a_member_that_stands_twice_is_refused_however_it_is_written() {
        for twice in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"a":1,"a":1}]}"#,
        ] {
            assert!(parse(twice.as_bytes()).is_err(), "{twice}");
        }
        assert!(parse(br#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#).is_ok());
    }

    #[test]
    fn deep_nesting_and_bytes_behind_the_document_are_refused() {
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
        assert!(parse(b"{}x").is_err());
        assert!(parse(b"\xef\xbb\xbf{}").is_err());
        assert!(parse(b"1e400").is_err());
        assert!(parse(br#""\ud800""#).is_err());
    }

    fn why(body: &[u8]) -> String {
        why_refused(body, &parse(body).unwrap_err())
    }

    #[test]
    fn a_lone_surrogate_is_distinguished_from_invalid_json_and_its_member_is_named() {
        for (body, place) in [
            (r#"{"title":"\ud83d"}"#, " in \"title\" (line 1, column "),
            (r#"{"title":"\ude00"}"#, " in \"title\" ("),
            (r#"{"title":"\ude00\ud83d"}"#, " in \"title\" ("),
            (r#"{"title":"\ud83d\ud83d\ude00"}"#, " in \"title\" ("),
            (r#"{"title":"\ud83d\n"}"#, " in \"title\" ("),
            (r#"{"title":"\uD83Dx"}"#, " in \"title\" ("),
            (
                "{\"title\":\"\\ud83d\\ude00\\\\ud800\",\n \"tags\":[\"a\",\"\\ud800\"]}",
                " in \"tags\" (line 2, ",
            ),
            (r#"{"a":{"b":"\ud800"}}"#, " in \"a\" ("),
            (r#"{"a":1,"\ud800":1}"#, " alone ("),
            (r#"["\ud800"]"#, " alone ("),
        ] {
            let why = why(body.as_bytes());
            assert!(
                why.starts_with("half of a surrogate pair stands alone"),
                "{body}: {why}"
            );
            assert!(why.contains(place), "{body}: {why}");
        }
        for body in [
            r#"{"title":"\ud83d\ude00",}"#,
            r#"{"title":"\\ud83d",}"#,
            r#"{"title":x,"description":"\ud800"}"#,
            r#"{"title":"\u12"}"#,
            r#"{"title":"\"#,
            "",
        ] {
            let why = why(body.as_bytes());
            assert!(
                why.starts_with("the body is not JSON, or "),
                "{body}: {why}"
            );
        }
    }

    #[test]
    fn a_duplicate_member_is_named_on_one_line_and_cut() {
        assert_eq!(
            why(br#"{"a":{"\u0062":1,"b":2}}"#),
            r#"the member "b" stands twice at line 1 column 20"#
        );
        let name = format!("{}\n", "\u{1f6d2}".repeat(1000));
        let twice = serde_json::to_string(&name).unwrap();
        let why_long = why(format!("{{{twice}:1,{twice}:2}}").as_bytes());
        assert!(why_long.contains(&"\u{1f6d2}".repeat(50)));
        assert!(!why_long.contains(&"\u{1f6d2}".repeat(51)));
        assert!(why(br#"{"\n":1,"\n":2}"#).contains(r#""\n""#));
    }

    #[test]
    fn what_is_not_utf_8_says_where() {
        for not_text in [&b"\"\xff\""[..], b"{\xff", b"\"\xed\xa0\x80\""] {
            assert_eq!(why(not_text), "the body is not UTF-8 (byte 2)");
        }
    }
}
