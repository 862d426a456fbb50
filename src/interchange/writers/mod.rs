//! Writes files, a task at a time.

mod ndjson;

use super::format::Format;
use crate::lists::model::List;
use crate::tasks::model::Task;

/// Writes one file. It holds the lists, and none of the tasks.
pub struct Writer {
    format: Format,
    lists: Vec<List>,
}

impl Writer {
    /// For a format that can be written: none of the other products'.
    pub fn new(format: Format, lists: Vec<List>) -> Option<Self> {
        let can = [
            Format::Ndjson,
            Format::Csv,
            Format::ICalendar,
            Format::TodoTxt,
        ];
        can.contains(&format).then_some(Self { format, lists })
    }

    /// What stands before the first task.
    pub fn begin(&self, out: &mut Vec<u8>) {
        if self.format == Format::Ndjson {
            for list in &self.lists {
                ndjson::list(list, out);
            }
        }
    }

    /// One task.
    pub fn task(&self, task: &Task, out: &mut Vec<u8>) {
        if self.format == Format::Ndjson {
            ndjson::task(task, out);
        }
    }

    /// What stands after the last task.
    pub fn end(&self, out: &mut Vec<u8>) {
        let _ = out;
    }
}
