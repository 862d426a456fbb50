//! Which times of a file can be: what lies ahead would sort as the newest for ever, and
//! stay in the trash.

use super::super::document::{Dropped, DroppedItem, ListItem, TaskItem};
use super::super::format::Format;
use crate::primitives::timestamp::Timestamp;

/// Tells the times that can be from those that cannot.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub format: Format,
    pub now: Timestamp,
}

impl Times {
    /// Whether an item can have been created then. An id cannot have a time before 1970.
    pub fn can_be_created(self, at: Timestamp) -> bool {
        at.utc().timestamp_millis() >= 0 && self.can_be(at)
    }

    /// Whether something can have happened then. Clocks differ, and a day begins earlier
    /// elsewhere.
    fn can_be(self, at: Timestamp) -> bool {
        at.utc() <= self.now.utc() + chrono::TimeDelta::days(1)
    }

    /// Corrects the times of a new list, and notes them.
    pub fn correct_list(self, item: &mut ListItem, dropped: &mut Dropped) {
        let [created, updated, _] = self.names();
        let mut note = Note {
            line: item.line,
            item: item.name.as_str(),
            dropped,
        };
        self.note_created(item.created_at, created, &mut note);
        self.correct(&mut item.updated_at, updated, &mut note);
        if let Some(at) = &mut item.deleted_at {
            self.correct_trashed(at, &mut note);
        }
    }

    /// Corrects the times of a new task, and notes them.
    pub fn correct_task(self, item: &mut TaskItem, dropped: &mut Dropped) {
        let [created, updated, completed] = self.names();
        let mut note = Note {
            line: item.line,
            item: item.written.title.as_str(),
            dropped,
        };
        self.note_created(item.created_at, created, &mut note);
        self.correct(&mut item.updated_at, updated, &mut note);
        self.correct(&mut item.completed_at, completed, &mut note);
        if let Some(trashed) = &mut item.trashed {
            self.correct_trashed(&mut trashed.at, &mut note);
        }
    }

    fn note_created(self, at: Option<Timestamp>, field: &str, note: &mut Note<'_>) {
        if let Some(at) = at.filter(|at| !self.can_be_created(*at)) {
            let why = "is left out: it is before 1970, or more than a day ahead";
            note.push(field, at, why);
        }
    }

    fn correct(self, at: &mut Option<Timestamp>, field: &str, note: &mut Note<'_>) {
        if let Some(ahead) = at.take_if(|at| !self.can_be(*at)) {
            note.push(field, ahead, "is left out: it is more than a day ahead");
        }
    }

    /// Nothing has gone to the trash later than now.
    fn correct_trashed(self, at: &mut Timestamp, note: &mut Note<'_>) {
        if !self.can_be(*at) {
            let why = "is more than a day ahead: it went to the trash with the import";
            note.push("deleted_at", *at, why);
        }
        *at = (*at).min(self.now);
    }

    /// What the format calls the times of creation, of the last change, and of completion.
    fn names(self) -> [&'static str; 3] {
        match self.format {
            Format::Ndjson | Format::Csv | Format::Todoist => {
                ["created_at", "updated_at", "completed_at"]
            }
            Format::ICalendar => ["CREATED", "LAST-MODIFIED", "COMPLETED"],
            Format::TodoTxt => ["creation date", "", "completion date"],
            Format::Google => ["created", "updated", "completed"],
            Format::Microsoft => [
                "createdDateTime",
                "lastModifiedDateTime",
                "completedDateTime",
            ],
        }
    }
}

/// Where a note goes, and what about.
struct Note<'a> {
    line: u64,
    item: &'a str,
    dropped: &'a mut Dropped,
}

impl Note<'_> {
    fn push(&mut self, field: &str, at: Timestamp, why: &str) {
        self.dropped.push(DroppedItem {
            line: self.line,
            item: self.item.to_owned(),
            field: field.to_owned(),
            detail: format!("{at} {why}"),
        });
    }
}
