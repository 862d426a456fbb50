//! What an import will write: computed from the file and from what the owner has, before
//! any transaction begins.
//!
//! Invariants: those of `tasks::place` and `tasks::trash` hold for what is written. A live
//! task stands below a live one and in a live list, a subtask is in the list of its parent,
//! and a chain has at most four tasks. What is there already is not changed.

use std::collections::{HashMap, HashSet};

use super::super::document::{Document, Dropped, Identity};
use super::super::format::Format;
use super::identity::Identities;
use super::places::Places;
use super::rows::Rows;
use super::snapshot::{Known, Snapshot};
use super::times::Times;
use crate::auth::OwnerId;
use crate::db::new_rows::Prepared;
use crate::lists::model::List;
use crate::primitives::id::{ResourceId, Tail};
use crate::primitives::timestamp::Timestamp;
use crate::tasks::model::Task;
use crate::tasks::outline::Outline;

/// Numbers of tasks and lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub tasks: usize,
    pub lists: usize,
}

/// What an import will write.
pub struct Plan {
    pub lists: Vec<Prepared<List>>,
    pub tasks: Vec<Prepared<Task>>,
    /// What is there already.
    pub existing: Counts,
    pub dropped: Dropped,
    /// What the new rows are known by.
    pub tails: HashSet<Tail>,
    /// What new tasks stand below, and in, and a witness: it must be as it was.
    pub depends_on: DependsOn,
    /// When what the owner has was read.
    pub read_at: Timestamp,
}

/// Rows that are there and on which new ones depend.
#[derive(Default)]
pub struct DependsOn {
    /// In the order of their ids.
    pub tasks: Vec<Outline>,
    /// In the trash or not.
    pub lists: HashSet<ResourceId>,
    pub live_lists: HashSet<ResourceId>,
}

impl DependsOn {
    /// Adds one of the rows that are there already: the first that would go if everything
    /// of the owner's was erased or given away. Else only what is new would be written, and
    /// half of the file would be there.
    fn add_witness(&mut self, lists: &[Found], tasks: &[Found], snapshot: &Snapshot) {
        let first = |found: &[Found]| {
            let old = found.iter().filter(|found| !found.is_new);
            old.map(|found| found.id).min()
        };
        match first(tasks).and_then(|id| snapshot.tasks.rows.get(&id)) {
            Some(task) => self.tasks.push(task.clone()),
            None => self.lists.extend(first(lists)),
        }
    }
}

impl Plan {
    /// What will be written.
    pub fn created(&self) -> Counts {
        Counts {
            tasks: self.tasks.len(),
            lists: self.lists.len(),
        }
    }
}

/// Plans the import of a document.
pub fn plan(
    format: Format,
    mut document: Document,
    owner: &OwnerId,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Plan {
    document.cut_cycles();
    let mut identities = Identities::new(format, now);
    let mut renamed = HashMap::new();
    let Document {
        mut lists,
        mut tasks,
        mut dropped,
    } = document;
    let times = Times { format, now };
    let mut identify = Identify {
        identities: &mut identities,
        renamed: &mut renamed,
        given: HashSet::new(),
        times,
    };
    let found_lists: Vec<Found> = lists
        .iter()
        .map(|item| identify.find("list", &item.identity, item.created_at, &snapshot.lists))
        .collect();
    let found_tasks: Vec<Found> = tasks
        .iter()
        .map(|item| identify.find("task", &item.identity, item.created_at, &snapshot.tasks))
        .collect();
    for (item, _) in new(&mut lists, &found_lists) {
        times.correct_list(item, &mut dropped);
    }
    for (item, _) in new(&mut tasks, &found_tasks) {
        times.correct_task(item, &mut dropped);
    }
    let mut places = Places {
        snapshot,
        lists: &lists,
        tasks: &tasks,
        found_lists: &found_lists,
        found_tasks: &found_tasks,
        renamed: &renamed,
        dropped,
        depends_on: DependsOn::default(),
    };
    let placed = places.all();
    let next_ids = places.next_ids(&placed);
    let Places {
        mut dropped,
        mut depends_on,
        ..
    } = places;
    dropped.items.sort_by_key(|item| item.line);
    depends_on.add_witness(&found_lists, &found_tasks, snapshot);
    depends_on.tasks.sort_by_key(|row| row.id);
    depends_on.tasks.dedup_by_key(|row| row.id);

    let mut rows = Rows { owner, now };
    let list_positions = rows.list_positions(&lists, &found_lists, snapshot);
    let task_positions = rows.task_positions(&tasks, &found_tasks, &placed, snapshot);
    for (item, next) in tasks.iter_mut().zip(next_ids) {
        item.next_id = next;
    }
    let counts = |found: &[Found]| found.iter().filter(|found| !found.is_new).count();
    let existing = Counts {
        tasks: counts(&found_tasks),
        lists: counts(&found_lists),
    };
    let new = found_lists.iter().chain(&found_tasks);
    let tails = new.filter(|found| found.is_new).map(|new| new.id.tail());
    // A row of another time that is there already has not come meanwhile.
    let tails =
        tails.filter(|tail| !snapshot.lists.has_tail(tail) && !snapshot.tasks.has_tail(tail));
    let tails = tails.collect();
    let lists = lists.into_iter().zip(&found_lists).zip(list_positions);
    let lists = lists.filter(|((_, found), _)| found.is_new);
    let lists = lists.map(|((item, found), position)| rows.list(item, found.id, position));
    let lists = lists.map(Prepared::new).collect();
    let tasks = tasks.into_iter().zip(&found_tasks);
    let tasks = tasks.zip(placed).zip(task_positions);
    let tasks = tasks.filter(|(((_, found), _), _)| found.is_new);
    let tasks =
        tasks.map(|(((item, found), place), position)| rows.task(item, found.id, &place, position));
    let mut tasks: Vec<Prepared<Task>> = tasks.map(Prepared::new).collect();
    // In the order of the indexes.
    tasks.sort_unstable_by_key(|new| new.row().id);
    Plan {
        lists,
        tasks,
        existing,
        dropped,
        tails,
        depends_on,
        read_at: snapshot.at,
    }
}

/// The row that an item is, or will be.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub id: ResourceId,
    pub is_new: bool,
}

/// The items that are new.
fn new<'a, T>(
    items: &'a mut [T],
    found: &'a [Found],
) -> impl Iterator<Item = (&'a mut T, &'a Found)> {
    items
        .iter_mut()
        .zip(found)
        .filter(|(_, found)| found.is_new)
}

struct Identify<'a> {
    identities: &'a mut Identities,
    /// Ids of the file that could not be kept.
    renamed: &'a mut HashMap<ResourceId, ResourceId>,
    /// The ids of new items: what one is known by can be another one's own id.
    given: HashSet<ResourceId>,
    times: Times,
}

impl Identify<'_> {
    fn find<R>(
        &mut self,
        kind: &'static str,
        identity: &Identity,
        created_at: Option<Timestamp>,
        known: &Known<R>,
    ) -> Found {
        let candidates = self.identities.next(kind, identity);
        let found = match known.find(&candidates) {
            Some(id) => Found { id, is_new: false },
            None => {
                let own = candidates.id().map(|id| id.created_at());
                let at = own
                    .or(created_at)
                    .filter(|at| self.times.can_be_created(*at));
                let at = at.unwrap_or(self.times.now);
                let is_taken = |id| known.has_ended(id) || self.given.contains(&id);
                let id = candidates.free(at, is_taken);
                self.given.insert(id);
                Found { id, is_new: true }
            }
        };
        if let Identity::Id(of_file) = identity
            && *of_file != found.id
        {
            self.renamed.entry(*of_file).or_insert(found.id);
        }
        found
    }
}
