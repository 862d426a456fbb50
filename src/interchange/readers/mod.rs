//! Reads files.

mod ndjson;

use super::document::{Document, Invalid};
use super::format::Format;

/// Reads a file whole.
///
/// # Errors
///
/// What is wrong, and on which line.
pub fn read(format: Format, file: &[u8]) -> Result<Document, Invalid> {
    match format {
        Format::Ndjson => ndjson::read(file),
        Format::Csv
        | Format::ICalendar
        | Format::TodoTxt
        | Format::Google
        | Format::Todoist
        | Format::Microsoft => Ok(Document::default()),
    }
}
