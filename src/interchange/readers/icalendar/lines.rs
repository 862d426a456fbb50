//! Content lines of RFC 5545, each with the line of the file that it begins on.
//!
//! Unfolded as bytes: some writers fold inside a character. The parsers that there are
//! lose the lines of the file, or want text before they unfold.

use crate::interchange::document::Invalid;
use crate::interchange::readers::text::not_utf_8;

/// A content line.
#[derive(Debug, PartialEq)]
pub struct Property {
    pub line: u64,
    /// In upper case.
    pub name: String,
    /// Their names in upper case, their values without quotes.
    pub parameters: Vec<(String, String)>,
    pub value: String,
}

impl Property {
    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(it, _)| it == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// The value as text, without its escapes.
    pub fn text(&self) -> String {
        unescaped(&self.value)
    }

    /// The values between commas, each without its escapes: one at a time, because there
    /// can be millions of them.
    pub fn items(&self) -> impl Iterator<Item = String> + '_ {
        let mut escaped = false;
        let parts = self.value.split(move |c| {
            let is_end = c == ',' && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        parts.map(unescaped)
    }
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(c @ ('\\' | ',' | ';')) => text.push(c),
                Some(c) => text.extend(['\\', c]),
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    text
}

/// The content lines of a file.
pub struct Lines<'a> {
    rest: &'a [u8],
    next: u64,
}

impl<'a> Lines<'a> {
    pub fn of(file: &'a [u8]) -> Self {
        Self {
            rest: file,
            next: 1,
        }
    }

    fn physical(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let mut parts = self.rest.splitn(2, |byte| *byte == b'\n');
        let line = parts.next().unwrap_or_default();
        self.rest = parts.next().unwrap_or_default();
        self.next += 1;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The next line that is not empty, unfolded: its number and text; none at the end.
    pub fn next(&mut self) -> Result<Option<(u64, String)>, Invalid> {
        loop {
            let number = self.next;
            let Some(first) = self.physical() else {
                return Ok(None);
            };
            let mut bytes = first.to_vec();
            let folded = self.rest;
            while let [b' ' | b'\t', ..] = self.rest {
                let more = self.physical().unwrap_or_default();
                bytes.extend_from_slice(more.get(1..).unwrap_or_default());
            }
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return match String::from_utf8(bytes) {
                Ok(text) => Ok(Some((number, text))),
                Err(error) => {
                    let at = error.utf8_error().valid_up_to();
                    // Again, to the line of the file that the byte is on.
                    let mut lines = Self {
                        rest: folded,
                        next: number,
                    };
                    let mut end = first.len();
                    while end <= at
                        && let Some(more) = lines.physical()
                    {
                        end += more.len().saturating_sub(1);
                    }
                    let line = lines.next;
                    let bytes = error.as_bytes();
                    let left = bytes.len() - at + self.rest.len();
                    Err(not_utf_8(line, bytes.get(at).copied(), left))
                }
            };
        }
    }
}

/// The max number of parameters of a property: each costs more memory than its text.
const MAX_PARAMETERS: usize = 100;

/// The property of a line; none if it is no content line.
pub fn property(line: u64, text: &str) -> Option<Property> {
    let at = text.find([';', ':'])?;
    let (name, mut rest) = text.split_at_checked(at)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let mut parameters = Vec::new();
    while let Some(more) = rest.strip_prefix(';') {
        if parameters.len() >= MAX_PARAMETERS {
            return None;
        }
        let (name, mut after) = more.split_once('=')?;
        let mut value = String::new();
        // A value, or several with commas, each in quotes or without them.
        loop {
            let end = match after.strip_prefix('"') {
                Some(quoted) => {
                    let (inside, behind) = quoted.split_once('"')?;
                    value.push_str(inside);
                    after = behind;
                    after.find([',', ';', ':'])?
                }
                None => after.find([',', ';', ':'])?,
            };
            let (bare, behind) = after.split_at_checked(end)?;
            value.push_str(bare);
            after = behind;
            match after.strip_prefix(',') {
                Some(behind) => {
                    value.push(',');
                    after = behind;
                }
                None => break,
            }
        }
        parameters.push((name.to_ascii_uppercase(), value));
        rest = after;
    }
    Some(Property {
        line,
        name: name.to_ascii_uppercase(),
        parameters,
        value: rest.strip_prefix(':')?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_folded_inside_a_character_is_one_text() {
        let mut file = b"SUMMARY:w\xc3\r\n \xb6rd\r\n\tx\n\n\r\nB:2".to_vec();
        let mut lines = Lines::of(&file);
        assert_eq!(lines.next(), Ok(Some((1, "SUMMARY:wördx".to_owned()))));
        assert_eq!(lines.next(), Ok(Some((6, "B:2".to_owned()))));
        assert_eq!(lines.next(), Ok(None));
        file.extend_from_slice(b"\r\n a\r\n \xe9 and more text");
        let mut lines = Lines::of(&file);
        let _ = lines.next();
        assert_eq!(lines.next().unwrap_err().line, 8);
    }

    #[test]
    fn parameters_may_be_quoted_and_values_are_not_cut() {
        let text = "due;tzid=\"a:b;c\";X=1,\"2\",3:20260101T000000;x:y";
        let property = property(7, text).unwrap();
        assert_eq!(property.name, "DUE");
        assert_eq!(property.parameter("TZID"), Some("a:b;c"));
        assert_eq!(property.parameter("X"), Some("1,2,3"));
        assert_eq!(property.value, "20260101T000000;x:y");
        for wrong in ["", "no colon", ":x", "A;B:c", "A;B=\"c:d", "ä:b"] {
            assert_eq!(super::property(1, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn escapes_are_taken_off_and_commas_part_values() {
        let property = property(1, r"CATEGORIES:home,street\, north,a\\b\;\n\x").unwrap();
        let items: Vec<String> = property.items().collect();
        assert_eq!(items, ["home", "street, north", "a\\b;\n\\x"]);
        assert_eq!(property.text(), "home,street, north,a\\b;\n\\x");
    }
}
