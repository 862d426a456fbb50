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

/// Reads a file whole, with at most `max` tasks and as many lists.
///
/// # Errors
///
/// What is wrong, and on which line.
pub fn read(format: Format, file: &[u8], max: usize) -> Result<Document, Invalid> {
    let file = text::without_bom(file)?;
    let file = &text::with_line_feeds(file);
    match format {
        Format::Ndjson => ndjson::read(file, max),
        Format::Csv => csv::read(text::of_file(file)?, max),
        Format::ICalendar => icalendar::read(file, max),
        Format::TodoTxt => todotxt::read(text::of_file(file)?, max),
        Format::Google => google::read(text::of_file(file)?, max),
        Format::Todoist => todoist::read(text::of_file(file)?, max),
        Format::Microsoft => microsoft::read(text::of_file(file)?, max),
    }
}
