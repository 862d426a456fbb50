//! From bytes to text: UTF-8 or nothing, because what is guessed is wrong for somebody.

use std::borrow::Cow;

use crate::interchange::document::Invalid;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// What files of other kinds begin with, and what to do with them.
const SIGNATURES: &[(&[u8], &str)] = &[
    (
        b"PK\x03\x04",
        "is a zip archive: unpack it, and send the file of tasks that is in it",
    ),
    (b"PK\x05\x06", "is an empty zip archive"),
    (
        b"\x1f\x8b",
        "is compressed with gzip: decompress it, and send the file of tasks that is in it",
    ),
    (
        b"SQLite format 3\0",
        "is a database of SQLite, not a file of tasks",
    ),
    (b"%PDF-", "is a PDF, not a file of tasks"),
    (b"\xff\xfe\0\0", UTF_32),
    (b"\0\0\xfe\xff", UTF_32),
    (b"\xff\xfe", UTF_16),
    (b"\xfe\xff", UTF_16),
];
const UTF_32: &str = "is in UTF-32: save it as UTF-8";
const UTF_16: &str = "is in UTF-16, which some programs call Unicode: save it as UTF-8";

/// The bytes without a BOM, if they may be text.
///
/// # Errors
///
/// They are something else, as far as it shows.
pub fn without_bom(file: &[u8]) -> Result<&[u8], Invalid> {
    let refused = |line, why: &str| {
        let detail = format!("the file {why}");
        Err(Invalid { line, detail })
    };
    if let Some((_, why)) = SIGNATURES.iter().find(|(magic, _)| file.starts_with(magic)) {
        return refused(1, why);
    }
    let Some(at) = file.iter().position(|byte| *byte == 0) else {
        return Ok(file.strip_prefix(BOM).unwrap_or(file));
    };
    // Every other byte of a Latin text in UTF-16 is NUL.
    let start = file.get(..file.len().min(64)).unwrap_or_default();
    let nuls = start.iter().filter(|byte| **byte == 0).count();
    if nuls * 3 >= start.len() && nuls * 3 <= start.len() * 2 {
        return refused(1, UTF_16);
    }
    let line = line_at(file, at);
    refused(
        line,
        "has a NUL byte in this line: it is binary, or was cut",
    )
}

/// The bytes with line feeds where lines end in carriage returns alone, as of old in
/// spreadsheets for the Macintosh. A file with line feeds is left as it is.
pub fn with_line_feeds(file: &[u8]) -> Cow<'_, [u8]> {
    if file.contains(&b'\n') || !file.contains(&b'\r') {
        return Cow::Borrowed(file);
    }
    let bytes = file.iter().map(|byte| match byte {
        b'\r' => b'\n',
        byte => *byte,
    });
    Cow::Owned(bytes.collect())
}

/// The text of a file.
///
/// # Errors
///
/// It is not UTF-8.
pub fn of_file(bytes: &[u8]) -> Result<&str, Invalid> {
    str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        not_utf_8(line_at(bytes, at), bytes.get(at).copied(), bytes.len() - at)
    })
}

/// Why a line is not text: the first byte that is wrong, and how many bytes are left.
pub fn not_utf_8(line: u64, byte: Option<u8>, left: usize) -> Invalid {
    // Of the Windows code pages, 0x80 to 0x9f are quotes, dashes and the euro sign.
    let guess = match byte {
        Some(_) if left < 4 => "the file may be cut in the middle of a character",
        _ => {
            "it may be in Windows-1252, Latin-1 or another encoding of 8 bits: save it \
             as UTF-8"
        }
    };
    let shown = byte.map_or_else(String::new, |byte| format!(" (byte 0x{byte:02x})"));
    Invalid {
        line,
        detail: format!("this line is not UTF-8{shown}; {guess}"),
    }
}

/// The line of an offset, from 1.
pub fn line_at(bytes: &[u8], at: usize) -> u64 {
    let before = bytes.get(..at).unwrap_or(bytes);
    1 + count_lines(before)
}

/// How many line breaks there are.
pub fn count_lines(bytes: &[u8]) -> u64 {
    let breaks = bytes.iter().filter(|byte| **byte == b'\n').count();
    u64::try_from(breaks).unwrap_or(u64::MAX)
}

/// The first characters of a text, and what is left of it.
pub fn split_at_chars(text: &str, max: usize) -> (&str, &str) {
    let at = text.char_indices().nth(max).map(|(at, _)| at);
    text.split_at_checked(at.unwrap_or(text.len()))
        .unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &[u8]) -> Result<&str, Invalid> {
        without_bom(file).and_then(of_file)
    }

    fn why(file: &[u8]) -> String {
        let invalid = text(file).unwrap_err();
        format!("{} {}", invalid.line, invalid.detail)
    }

    #[test]
    fn what_is_not_utf_8_is_refused_by_its_name_and_line() {
        for (file, part) in [
            (&b"PK\x03\x04rest"[..], "1 the file is a zip archive"),
            (b"\x1f\x8b\x08", "1 the file is compressed with gzip"),
            (b"\xff\xfea\0b\0", "1 the file is in UTF-16"),
            (b"\xfe\xff\0a\0b", "1 the file is in UTF-16"),
            (b"a\0b\0c\0\n\0", "1 the file is in UTF-16"),
            (b"\0a\0b\0c", "1 the file is in UTF-16"),
            (b"\xff\xfe\0\0a\0\0\0", "1 the file is in UTF-32"),
            (
                b"good\nMil\0k, and more text",
                "2 the file has a NUL byte in this line",
            ),
            (
                b"good\n\ncaf\xe9 and more",
                "3 this line is not UTF-8 (byte 0xe9); it may be in Windows-1252",
            ),
            (
                b"good\ncaf\xc3",
                "2 this line is not UTF-8 (byte 0xc3); the file may be cut",
            ),
        ] {
            let why = why(file);
            assert!(why.starts_with(part), "{why}");
        }
        assert_eq!(text("\u{feff}café".as_bytes()), Ok("café"));
        assert_eq!(text(b""), Ok(""));
    }
}
