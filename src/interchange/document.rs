//! What a file holds, whatever its format.

use crate::lists::fields::{Color, Name};
use crate::primitives::id::ResourceId;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::input::Written;
use crate::tasks::model::Trashed;

/// The max number of tasks of a file that a request sends, and of its lists.
pub const MAX_ITEMS: usize = 50_000;

/// The lists and tasks of a file, in its order.
#[derive(Debug, Default, PartialEq)]
pub struct Document {
    /// The lists. Two may have one name.
    pub lists: Vec<ListItem>,
    /// The tasks. Of siblings the first stands first, but for those with a position.
    pub tasks: Vec<TaskItem>,
    /// What the file says and Todoward cannot keep.
    pub dropped: Dropped,
}

impl Document {
    /// Takes a task out of its parent that stands below itself, and notes it.
    pub fn cut_cycles(&mut self) {
        // The number of the walk in which a task was reached; 0 if in none yet.
        let mut walks = vec![0_usize; self.tasks.len()];
        for start in 0..self.tasks.len() {
            let (walk, mut next) = (start + 1, Some(start));
            while let Some(at) = next {
                let (Some(reached), Some(task)) = (walks.get_mut(at), self.tasks.get(at)) else {
                    break;
                };
                if *reached != 0 && *reached != walk {
                    break;
                }
                *reached = walk;
                let above = task.parent.and_then(|parent| walks.get(parent).copied());
                if above == Some(walk) {
                    self.leave_parent(at, "the task would stand below itself");
                    break;
                }
                next = task.parent;
            }
        }
    }

    fn leave_parent(&mut self, at: usize, why: &str) {
        let Some(task) = self.tasks.get_mut(at) else {
            return;
        };
        task.parent = None;
        self.dropped.push(DroppedItem {
            line: task.line,
            item: task.written.title.as_str().to_owned(),
            field: "parent".to_owned(),
            detail: format!("{why}; it goes to the top level"),
        });
    }
}

/// By what a second import of the same file knows an item again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The id that it keeps: NDJSON.
    Id(ResourceId),
    /// The id that another program gave it.
    Uid(String),
    /// Its content, where a format has no ids: the n-th equal one is the n-th again.
    Content(String),
}

/// A list of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ListItem {
    /// The line of the file that it begins on, from 1.
    pub line: u64,
    /// By what it is known again.
    pub identity: Identity,
    pub name: Name,
    pub color: Option<Color>,
    /// Whether it is archived.
    pub archived: bool,
    /// Where it stands, if the file says so in Todoward's way.
    pub position: Option<String>,
    /// When it was created, if the file says so.
    pub created_at: Option<Timestamp>,
    /// Its version, if the file says so.
    pub version: Option<i64>,
    /// When it was last changed, if the file says so.
    pub updated_at: Option<Timestamp>,
    /// When it went to the trash.
    pub deleted_at: Option<Timestamp>,
}

/// A task of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskItem {
    /// The line of the file that it begins on, from 1.
    pub line: u64,
    /// By what it is known again.
    pub identity: Identity,
    /// What the body of a new task would say.
    pub written: Written,
    /// When it was done, if the file says so.
    pub completed_at: Option<Timestamp>,
    /// Its list: an index into [`Document::lists`]; none is the inbox.
    pub list: Option<usize>,
    /// Its parent: an index into [`Document::tasks`]; never itself or below it.
    pub parent: Option<usize>,
    /// Where it stands, if the file says so in Todoward's way.
    pub position: Option<String>,
    /// The task that completing it has made: NDJSON.
    pub next_id: Option<ResourceId>,
    /// When it was created, if the file says so.
    pub created_at: Option<Timestamp>,
    /// Its version, if the file says so.
    pub version: Option<i64>,
    /// When it was last changed, if the file says so.
    pub updated_at: Option<Timestamp>,
    /// When it went to the trash, and with what: [`itself`], or an id of the file.
    pub trashed: Option<Trashed>,
}

/// With what a task of another program went to the trash: itself, whose id is not known
/// yet. The nil UUID is the id of nothing.
pub fn itself() -> ResourceId {
    ResourceId::from_bytes([0; 16])
}

/// Something that a file says and Todoward cannot keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedItem {
    /// The line of the file, from 1.
    pub line: u64,
    /// The title of the task, or the name of the list, as far as it is known.
    pub item: String,
    /// The field, as the format calls it.
    pub field: String,
    /// What became of it.
    pub detail: String,
}

/// What is dropped: the first ones in words, all of them counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// The first [`Dropped::MAX_LISTED`].
    pub items: Vec<DroppedItem>,
    /// How many there are.
    pub total: u64,
}

impl Dropped {
    /// How many are told in words.
    pub const MAX_LISTED: usize = 1000;

    /// Notes one.
    pub fn push(&mut self, item: DroppedItem) {
        self.total += 1;
        if self.items.len() < Self::MAX_LISTED {
            self.items.push(item);
        }
    }
}

/// Why a file cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there, as a sentence.
    pub detail: String,
}
