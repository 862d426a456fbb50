//! Reads files.

mod collector;
mod csv;
mod draft;
mod google;
mod graph_rules;
mod html;
mod icalendar;
mod json_items;
mod microsoft;
mod ndjson;
#[cfg(test)]
mod tests;
mod text;
mod todoist;
mod todoist_dates;
mod todotxt;
pub(super) mod zones;

use super::document::{Document, Invalid};
use super::format::Format;

/// Reads a file whole.
///
/// # Errors
///
/// What is wrong, and on which line.
pub fn read(format: Format, file: &[u8]) -> Result<Document, Invalid> {
    let file = text::without_bom(file)?;
    let file = &text::with_line_feeds(file);
    match format {
        Format::Ndjson => ndjson::read(file),
        Format::Csv => csv::read(text::of_file(file)?),
        Format::ICalendar => icalendar::read(file),
        Format::TodoTxt => todotxt::read(text::of_file(file)?),
        Format::Google => google::read(text::of_file(file)?),
        Format::Todoist => todoist::read(text::of_file(file)?),
        Format::Microsoft => microsoft::read(text::of_file(file)?),
    }
}
