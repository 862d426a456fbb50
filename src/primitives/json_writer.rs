//! Writes single values as JSON (RFC 8259): the same bytes as a serializer, but faster.

use chrono::{NaiveDate, NaiveDateTime};
use serde_json::to_writer;

use super::timestamp::{Timestamp, day_text};

type Result = serde_json::Result<()>;

/// Writes `null`, or the value with `write`.
pub fn or_null<T>(
    out: &mut Vec<u8>,
    value: Option<T>,
    write: impl FnOnce(&mut Vec<u8>, T) -> Result,
) -> Result {
    match value {
        Some(value) => write(out, value),
        None => {
            out.extend_from_slice(b"null");
            Ok(())
        }
    }
}

/// Writes a string. Texts that need no escape, which are most, are copied.
pub fn text(out: &mut Vec<u8>, text: &str) -> Result {
    if needs_escape(text) {
        return to_writer(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

fn needs_escape(text: &str) -> bool {
    let is_escaped = |byte| byte < b' ' || byte == b'"' || byte == b'\\';
    // No early exit, so that the compiler can vectorize the loop.
    text.bytes().fold(false, |any, byte| any | is_escaped(byte))
}

/// Writes a string or null.
pub fn nullable_text(out: &mut Vec<u8>, text_or_none: Option<&str>) -> Result {
    or_null(out, text_or_none, text)
}

/// Writes `true` or `false`.
pub fn flag(out: &mut Vec<u8>, value: bool) -> Result {
    out.extend_from_slice(if value { b"true" } else { b"false" });
    Ok(())
}

/// Writes an integer.
pub fn number(out: &mut Vec<u8>, value: i64) -> Result {
    to_writer(out, &value)
}

/// Writes a day or null.
pub fn nullable_day(out: &mut Vec<u8>, day: Option<NaiveDate>) -> Result {
    or_null(out, day, |out, day| match day_text(day) {
        Some(text) => word(out, text),
        None => to_writer(out, &day),
    })
}

/// Writes ASCII that needs no escape as a string.
pub fn word(out: &mut Vec<u8>, word: impl AsRef<[u8]>) -> Result {
    out.push(b'"');
    out.extend_from_slice(word.as_ref());
    out.push(b'"');
    Ok(())
}

/// Writes an instant.
pub fn timestamp(out: &mut Vec<u8>, timestamp: Timestamp) -> Result {
    match timestamp.text() {
        Some(text) => word(out, text),
        None => word(out, timestamp.to_string()),
    }
}

/// Writes the instant of a column.
pub fn instant(out: &mut Vec<u8>, column: NaiveDateTime) -> Result {
    timestamp(out, Timestamp::of_column(column))
}

/// Writes the instant of a column, or null.
pub fn nullable_instant(out: &mut Vec<u8>, column: Option<NaiveDateTime>) -> Result {
    or_null(out, column, instant)
}

/// An upper bound of the length of a value in JSON, in bytes.
pub trait Size {
    /// The upper bound, in bytes.
    fn json_size(&self) -> usize;
}

impl Size for &str {
    fn json_size(&self) -> usize {
        let added = |byte| match byte {
            ..b' ' => "\\u0000".len() - 1,
            b'"' | b'\\' => 1,
            _ => 0,
        };
        let escapes = if needs_escape(self) {
            self.bytes().map(added).sum()
        } else {
            0
        };
        self.len() + escapes + 2
    }
}

impl Size for bool {
    fn json_size(&self) -> usize {
        5
    }
}

impl Size for i16 {
    fn json_size(&self) -> usize {
        10
    }
}

impl Size for i32 {
    fn json_size(&self) -> usize {
        11
    }
}

impl Size for i64 {
    fn json_size(&self) -> usize {
        20
    }
}

impl Size for NaiveDate {
    fn json_size(&self) -> usize {
        12
    }
}

impl Size for NaiveDateTime {
    fn json_size(&self) -> usize {
        26
    }
}

impl<T: Size> Size for Option<T> {
    fn json_size(&self) -> usize {
        self.as_ref().map_or(4, Size::json_size)
    }
}

#[cfg(test)]
mod tests {
    use super::{Size as _, text};

    #[test]
    fn a_text_is_written_byte_for_byte_as_a_serializer_writes_it() {
        // Characters below, at and above each limit, at each position of a text that is
        // checked in blocks.
        for odd in "\0\u{1f} !\"#[\\]\u{7f}é".chars() {
            for at in 0..70 {
                let written: String = (0..70).map(|n| if n == at { odd } else { 'x' }).collect();
                let mut out = Vec::new();
                text(&mut out, &written).unwrap();
                assert_eq!(out, serde_json::to_vec(&written).unwrap());
            }
        }
    }

    #[test]
    fn the_size_of_a_text_is_not_underestimated() {
        for unit in ["a", "é", "\"", "\\", "\n", "\u{1}", "\u{7f}", "a\"\u{1f}é"] {
            let written = unit.repeat(100);
            let json = serde_json::to_vec(&written).unwrap();
            assert!(json.len() <= written.as_str().json_size(), "{unit:?}");
        }
        assert_eq!("\u{1}".repeat(100).as_str().json_size(), 602);
    }
}
