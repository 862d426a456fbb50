//! Writes files, a task at a time.

mod csv;
mod icalendar;
mod ndjson;
mod todotxt;
mod vtimezone;

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use super::format::Format;
use crate::lists::model::List;
use crate::primitives::id::ResourceId;
use crate::tasks::model::Task;

/// Writes one file. It holds the lists, and none of the tasks.
pub struct Writer {
    format: Format,
    lists: Vec<List>,
    by_id: HashMap<ResourceId, List>,
    /// What lists are called as projects of todo.txt.
    projects: HashMap<ResourceId, String>,
    /// The time zones that an iCalendar file has described so far.
    zones: Mutex<BTreeSet<String>>,
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
        let by_id = lists.iter().map(|list| (list.id, list.clone())).collect();
        can.contains(&format).then(|| Self {
            format,
            by_id,
            projects: todotxt::projects(&lists),
            zones: Mutex::default(),
            lists,
        })
    }

    /// What stands before the first task.
    pub fn begin(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::Ndjson => {
                for list in &self.lists {
                    ndjson::list(list, out);
                }
            }
            Format::Csv => csv::header(out),
            Format::ICalendar => {
                let lists = self.lists.iter().filter(|list| list.deleted_at.is_none());
                icalendar::begin(lists, out);
            }
            Format::TodoTxt | Format::Google | Format::Todoist | Format::Microsoft => {}
        }
    }

    /// One task. What is in the trash is in JSON lines alone.
    pub fn task(&self, task: &Task, out: &mut Vec<u8>) {
        if task.trashed.is_some() && self.format != Format::Ndjson {
            return;
        }
        match self.format {
            Format::Ndjson => ndjson::task(task, out),
            Format::Csv => csv::task(task, &self.by_id, out),
            Format::ICalendar => {
                if let Some(zone) = icalendar::zone(task)
                    && let Ok(mut zones) = self.zones.lock()
                    && zones.insert(zone.to_owned())
                {
                    vtimezone::write(zone, out);
                }
                icalendar::task(task, &self.by_id, out);
            }
            Format::TodoTxt => todotxt::task(task, &self.projects, out),
            Format::Google | Format::Todoist | Format::Microsoft => {}
        }
    }

    /// What stands after the last task.
    pub fn end(&self, out: &mut Vec<u8>) {
        if self.format == Format::ICalendar {
            icalendar::end(out);
        }
    }
}
