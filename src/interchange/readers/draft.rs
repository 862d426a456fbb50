//! A task as a file of another program has it, before it is made to fit.

use chrono::NaiveDate;

use crate::interchange::document::{Dropped, DroppedItem, Identity};
use crate::primitives::text::is_visible;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::due::DueTime;
use crate::tasks::fields::{Description, Priority, Title};
use crate::tasks::recurrence::Rule;
use crate::tasks::schedule::Schedule;
use crate::tasks::series::{From, Recurrence};
use crate::tasks::tags::{self, LONGEST_TAG, MAX_TAGS, Tags};

use super::text::split_at_chars;

/// The max length of a description, in characters.
const LONGEST_TEXT: usize = 20_000;

/// The names of fields, as a format calls them.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    pub title: &'static str,
    pub description: &'static str,
    pub tags: &'static str,
    pub recurrence: &'static str,
    pub parent: &'static str,
    pub list: &'static str,
}

/// A task on its way into a document.
#[derive(Debug)]
pub struct Draft {
    pub names: &'static Names,
    pub line: u64,
    pub identity: Identity,
    /// What children call it.
    pub key: Option<String>,
    /// What it calls its parent.
    pub parent: Option<String>,
    pub title: String,
    /// Paragraphs of the description, as far as they fit.
    texts: Vec<String>,
    /// The characters of the paragraphs, and those of further ones that were not kept.
    text_chars: usize,
    lost_chars: usize,
    pub completed: bool,
    pub completed_at: Option<Timestamp>,
    pub priority: Priority,
    pub date: Option<NaiveDate>,
    pub time: Option<DueTime>,
    pub zone: Option<String>,
    pub rule: Option<String>,
    pub from: From,
    /// Distinct ones, at most so many as a task can have.
    tags: Vec<String>,
    more_tags: u64,
    pub list: Option<usize>,
    pub position: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub trashed_at: Option<Timestamp>,
    dropped: Vec<(u64, String, String)>,
    /// How many more may be noted in words.
    room: usize,
    unlisted: u64,
}

impl Draft {
    pub fn new(names: &'static Names, line: u64, identity: Identity) -> Self {
        Self {
            names,
            line,
            identity,
            key: None,
            parent: None,
            title: String::new(),
            texts: Vec::new(),
            text_chars: 0,
            lost_chars: 0,
            completed: false,
            completed_at: None,
            priority: Priority::None,
            date: None,
            time: None,
            zone: None,
            rule: None,
            from: From::Due,
            tags: Vec::new(),
            more_tags: 0,
            list: None,
            position: None,
            created_at: None,
            updated_at: None,
            trashed_at: None,
            dropped: Vec::new(),
            room: Dropped::MAX_LISTED,
            unlisted: 0,
        }
    }

    /// The same for a reader that keeps its drafts: with those before it, it may note so
    /// many in words, because no more are told.
    pub fn with_room(mut self, room: usize) -> Self {
        self.room = room;
        self
    }

    /// How many it has noted in words.
    pub fn noted(&self) -> usize {
        self.dropped.len()
    }

    /// Adds a paragraph to the description. What is behind its end is counted only: a file
    /// can be one task with millions of them.
    pub fn text(&mut self, text: impl Into<String>) {
        let text = text.into();
        let chars = text.chars().count();
        if self.text_chars > LONGEST_TEXT {
            self.lost_chars += chars;
        } else if chars > 0 {
            self.text_chars += chars;
            self.texts.push(text);
        }
    }

    /// Adds a tag.
    pub fn tag(&mut self, text: &str) {
        match tags::tag(&text.into()) {
            Ok(tag) if self.tags.iter().any(|it| *it == tag) => {}
            Ok(_) if self.tags.len() >= MAX_TAGS => self.more_tags += 1,
            Ok(tag) => self.tags.push(tag.into_owned()),
            Err(_) if text.trim().is_empty() => {}
            Err(_) => {
                let shown = split_at_chars(text, LONGEST_TAG).0;
                let detail = format!(
                    "{shown:?} is left out: a tag has 1 to 60 characters, one of them visible"
                );
                self.drop(self.names.tags, detail);
            }
        }
    }

    /// Notes what is not kept, on the line of the task.
    pub fn drop(&mut self, field: &str, detail: impl Into<String>) {
        self.drop_at(self.line, field, detail);
    }

    /// Notes what is not kept, on a line of its own.
    pub fn drop_at(&mut self, line: u64, field: &str, detail: impl Into<String>) {
        if self.dropped.len() < self.room {
            let field = split_at_chars(field, 100).0.to_owned();
            self.dropped.push((line, field, detail.into()));
        } else {
            self.unlisted += 1;
        }
    }

    /// A title that a task can have. What is too long for it is left to the description.
    pub(super) fn take_title(&mut self) -> Title {
        let mut text = std::mem::take(&mut self.title);
        if text.contains('\0') {
            text.retain(|c| c != '\0');
            self.drop(self.names.title, "the characters U+0000 in it are left out");
        }
        let trimmed = text.trim();
        let (start, rest) = split_at_chars(trimmed, 1000);
        let rest = rest.trim();
        if !rest.is_empty() {
            self.texts.insert(0, rest.to_owned());
            self.drop(
                self.names.title,
                "is longer than 1,000 characters: the rest of it begins the description",
            );
        }
        if is_visible(start)
            && let Ok(title) = Title::parse(&start.into())
        {
            return title;
        }
        self.drop(
            self.names.title,
            "has no visible character: the task is called \"(no title)\"",
        );
        Title::from_column("(no title)".to_owned())
    }

    /// All paragraphs, if they are anything.
    pub(super) fn take_description(&mut self) -> Option<Description> {
        let texts = std::mem::take(&mut self.texts);
        let mut whole = texts.join("\n\n");
        if whole.contains('\0') {
            whole.retain(|c| c != '\0');
            self.drop(
                self.names.description,
                "the characters U+0000 in it are left out",
            );
        }
        let (start, rest) = split_at_chars(&whole, LONGEST_TEXT);
        if !rest.is_empty() || self.lost_chars > 0 {
            let lost = rest.chars().count() + self.lost_chars;
            let detail =
                format!("is longer than 20,000 characters: the last {lost} of them are left out");
            self.drop(self.names.description, detail);
        }
        if start.is_empty() {
            return None;
        }
        Description::parse(&start.into()).ok().flatten()
    }

    pub(super) fn take_tags(&mut self) -> Tags {
        if self.more_tags > 0 {
            let more = self.more_tags;
            let detail = format!("a task has at most 50 tags: {more} more are left out");
            self.drop(self.names.tags, detail);
        }
        Tags::of(&self.tags)
    }

    pub(super) fn take_schedule(&mut self) -> Schedule {
        let mut schedule = Schedule {
            date: self.date,
            time: self.time.filter(|_| self.date.is_some()),
            zone: None,
            recurrence: None,
        };
        if schedule.time.is_some() {
            schedule.zone = self.zone.take();
        }
        let Some(rule) = self.rule.take() else {
            return schedule;
        };
        let Some(anchor) = self.date else {
            self.drop(
                self.names.recurrence,
                "is left out: a task that repeats has a due date",
            );
            return schedule;
        };
        match Rule::parse(&rule).and_then(|parsed| parsed.first(anchor)) {
            Ok(_) => schedule.recurrence = Some(Recurrence::begin(rule, self.from, anchor)),
            Err(why) => {
                let shown = split_at_chars(&rule, 100).0;
                let detail = format!("{shown:?} is left out: it {why}");
                self.drop(self.names.recurrence, detail);
            }
        }
        schedule
    }

    /// What was noted, with the title that is known by now.
    pub(super) fn report(self, title: &str, dropped: &mut Dropped) {
        let item = shown(title);
        for (line, field, detail) in self.dropped {
            dropped.push(DroppedItem {
                line,
                item: item.clone(),
                field,
                detail,
            });
        }
        dropped.total += self.unlisted;
    }
}

/// A title for a message.
pub fn shown(title: &str) -> String {
    match split_at_chars(title, 100) {
        (whole, "") => whole.to_owned(),
        (start, _) => format!("{start}…"),
    }
}
