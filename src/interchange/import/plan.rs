//! What an import will write: computed from the file and from what the owner has, before
//! any transaction begins.
//!
//! Invariants: those of `tasks::place` and `tasks::trash` hold for what is written. A live
//! task stands below a live one and in a live list, a subtask is in the list of its parent,
//! and a chain has at most four tasks. What is there already is not changed.

use std::collections::{HashMap, HashSet};
use std::mem;

use super::super::document::{
    Document, Dropped, DroppedItem, Identity, ListItem, TaskItem, itself,
};
use super::super::format::Format;
use super::identity::Identities;
use super::snapshot::{Known, Snapshot};
use crate::auth::OwnerId;
use crate::db::new_rows::Prepared;
use crate::lists::model::List;
use crate::primitives::id::{ResourceId, Tail};
use crate::primitives::position;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::model::{Task, Trashed};
use crate::tasks::outline::Outline;
use crate::tasks::siblings::Siblings;
use crate::tasks::tree::MAX_LEVELS;

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
    /// What new tasks stand below, and in: it must be as it was.
    pub depends_on: DependsOn,
    /// When what the owner has was read.
    pub read_at: Timestamp,
}

/// Rows that are there and on which new ones depend.
#[derive(Default)]
pub struct DependsOn {
    /// In the order of their ids.
    pub tasks: Vec<Outline>,
    pub live_lists: HashSet<ResourceId>,
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
    let mut identify = Identify {
        identities: &mut identities,
        renamed: &mut renamed,
        now,
    };
    let Document {
        lists,
        tasks,
        dropped,
    } = document;
    let found_lists: Vec<Found> = lists
        .iter()
        .map(|item| identify.find("list", &item.identity, item.created_at, &snapshot.lists))
        .collect();
    let found_tasks: Vec<Found> = tasks
        .iter()
        .map(|item| identify.find("task", &item.identity, item.created_at, &snapshot.tasks))
        .collect();
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
    let Places {
        mut dropped,
        mut depends_on,
        ..
    } = places;
    dropped.items.sort_by_key(|item| item.line);
    depends_on.tasks.sort_by_key(|row| row.id);
    depends_on.tasks.dedup_by_key(|row| row.id);

    let mut rows = Rows {
        owner,
        now,
        renamed: &renamed,
    };
    let list_positions = rows.list_positions(&lists, &found_lists, snapshot);
    let task_positions = rows.task_positions(&tasks, &found_tasks, &placed, snapshot);
    let counts = |found: &[Found]| found.iter().filter(|found| !found.is_new).count();
    let existing = Counts {
        tasks: counts(&found_tasks),
        lists: counts(&found_lists),
    };
    let new = found_lists.iter().chain(&found_tasks);
    let tails = new.filter(|found| found.is_new).map(|new| new.id.tail());
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
struct Found {
    id: ResourceId,
    is_new: bool,
}

struct Identify<'a> {
    identities: &'a mut Identities,
    /// Ids of the file that could not be kept.
    renamed: &'a mut HashMap<ResourceId, ResourceId>,
    now: Timestamp,
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
                let at = own.or(created_at).filter(|at| self.is_plausible(*at));
                let at = at.unwrap_or(self.now);
                let id = candidates.free(at, |id| known.has_ended(id));
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

    /// An id cannot have a time before 1970, and none that is ahead.
    fn is_plausible(&self, at: Timestamp) -> bool {
        let ahead = self.now.utc() + chrono::TimeDelta::days(1);
        at.utc().timestamp_millis() >= 0 && at.utc() <= ahead
    }
}

/// Where a task is, or will be.
#[derive(Clone, Copy)]
struct Place {
    list: Option<ResourceId>,
    parent: Option<ResourceId>,
    level: usize,
    trashed: Option<Trashed>,
}

impl Place {
    fn siblings(&self) -> Siblings {
        Siblings {
            list: self.list,
            parent: self.parent,
        }
    }
}

/// Finds the place of each task.
struct Places<'a> {
    snapshot: &'a Snapshot,
    lists: &'a [ListItem],
    tasks: &'a [TaskItem],
    found_lists: &'a [Found],
    found_tasks: &'a [Found],
    renamed: &'a HashMap<ResourceId, ResourceId>,
    dropped: Dropped,
    depends_on: DependsOn,
}

impl Places<'_> {
    fn all(&mut self) -> Vec<Place> {
        let (items, found) = (self.tasks, self.found_tasks);
        let mut places: Vec<Option<Place>> = vec![None; items.len()];
        let mut waiting = Vec::new();
        for start in 0..items.len() {
            // The parents first, however long a chain is.
            let mut next = Some(start);
            while let Some(at) = next.filter(|at| matches!(places.get(*at), Some(None))) {
                waiting.push(at);
                next = items.get(at).and_then(|item| item.parent);
            }
            while let Some(at) = waiting.pop() {
                let (Some(item), Some(found)) = (items.get(at), found.get(at)) else {
                    continue;
                };
                let place = match found.is_new {
                    true => {
                        let parent = item.parent;
                        let parent = parent.and_then(|at| {
                            Some((self.found_tasks.get(at)?, places.get(at).copied()??))
                        });
                        self.place(item, found.id, parent)
                    }
                    false => self.place_of_row(found.id),
                };
                if let Some(slot) = places.get_mut(at) {
                    *slot = Some(place);
                }
            }
        }
        places.into_iter().flatten().collect()
    }

    /// Where a row is that is there already.
    fn place_of_row(&self, id: ResourceId) -> Place {
        let rows = &self.snapshot.tasks.rows;
        let row = rows.get(&id);
        let mut level = 1;
        let mut above = row.and_then(|row| row.parent);
        while let Some(parent) = above.filter(|_| level < MAX_LEVELS) {
            level += 1;
            above = rows.get(&parent).and_then(|row| row.parent);
        }
        let is_trashed = row.is_some_and(|row| row.is_trashed);
        Place {
            list: row.and_then(|row| row.list),
            parent: row.and_then(|row| row.parent),
            level,
            // With what it went is not known, so nothing goes with it.
            trashed: is_trashed.then_some(Trashed {
                at: Timestamp::new(chrono::DateTime::<chrono::Utc>::MIN_UTC),
                with: id,
            }),
        }
    }

    fn place(&mut self, item: &TaskItem, id: ResourceId, parent: Option<(&Found, Place)>) -> Place {
        let mut trashed = item.trashed;
        let own_list = item.list.and_then(|at| self.found_lists.get(at));
        let own_list = own_list.map(|found| found.id);
        let mut wanted_list = own_list;
        if let Some((found, above)) = parent {
            if trashed.is_some() || above.trashed.is_none() {
                if own_list.is_some() && own_list != above.list {
                    self.drop(
                        item,
                        "list",
                        "a subtask is in the list of the task above it",
                    );
                }
                let (parent, level) = match above.level < MAX_LEVELS {
                    true => (Some(found.id), above.level + 1),
                    false => {
                        let detail =
                            "at most 4 tasks stand in a chain; it goes beside the task above it";
                        self.drop(item, "parent", detail);
                        (above.parent, above.level)
                    }
                };
                if let Some(trashed) = &mut trashed {
                    self.went_with(trashed, id, above.trashed);
                }
                if let Some(parent) = parent {
                    self.depend_on(parent);
                }
                return Place {
                    list: above.list,
                    parent,
                    level,
                    trashed,
                };
            }
            let detail = "the task above is in the trash; this one goes to the top level";
            self.drop(item, "parent", detail);
            wanted_list = own_list.or(above.list);
        }
        if let Some(trashed) = &mut trashed {
            self.went_with(trashed, id, None);
        }
        let mut list = wanted_list;
        if trashed.is_none()
            && let Some(wanted) = wanted_list
        {
            if self.list_is_live(item, wanted) {
                if self.snapshot.lists.rows.contains_key(&wanted) {
                    self.depends_on.live_lists.insert(wanted);
                }
            } else {
                self.drop(
                    item,
                    "list",
                    "it is in the trash; the task goes to the inbox",
                );
                list = None;
            }
        }
        Place {
            list,
            parent: None,
            level: 1,
            trashed,
        }
    }

    /// With what a task went to the trash, by the ids that rows have.
    fn went_with(&self, trashed: &mut Trashed, id: ResourceId, above: Option<Trashed>) {
        trashed.with = match trashed.with {
            with if with == itself() => match above {
                Some(above) if above.at == trashed.at => above.with,
                Some(_) | None => id,
            },
            with => self.renamed.get(&with).copied().unwrap_or(with),
        };
    }

    fn list_is_live(&self, item: &TaskItem, list: ResourceId) -> bool {
        if let Some(row) = self.snapshot.lists.rows.get(&list) {
            return !row.is_trashed;
        }
        let of_file = item.list.and_then(|at| self.lists.get(at));
        of_file.is_some_and(|list| list.deleted_at.is_none())
    }

    /// Notes a row that is there, and those above it: a new task stands below it.
    fn depend_on(&mut self, id: ResourceId) {
        let mut next = Some(id);
        for _ in 0..MAX_LEVELS {
            let Some(row) = next.and_then(|id| self.snapshot.tasks.rows.get(&id)) else {
                return;
            };
            next = row.parent;
            self.depends_on.tasks.push(row.clone());
        }
    }

    fn drop(&mut self, item: &TaskItem, field: &str, detail: &str) {
        self.dropped.push(DroppedItem {
            line: item.line,
            item: item.title.as_str().to_owned(),
            field: field.to_owned(),
            detail: detail.to_owned(),
        });
    }
}

/// Makes the rows.
struct Rows<'a> {
    owner: &'a OwnerId,
    now: Timestamp,
    renamed: &'a HashMap<ResourceId, ResourceId>,
}

impl Rows<'_> {
    /// Positions for new items without one: behind all that are there, in the order of
    /// the file.
    fn behind(&self, last: Option<String>, count: usize) -> Vec<Option<String>> {
        let now = position::of_id(ResourceId::first_at(self.now));
        let last = last.filter(|last| *last > now).unwrap_or(now);
        let positions = position::all_behind(&last, count);
        let positions = positions.or_else(|| position::evenly(Some(&last), None, count));
        match positions {
            Some(positions) => positions.into_iter().map(Some).collect(),
            None => vec![None; count],
        }
    }

    fn list_positions(
        &self,
        items: &[ListItem],
        found: &[Found],
        snapshot: &Snapshot,
    ) -> Vec<Option<String>> {
        let mut last = snapshot.last_list.clone();
        let mut missing = Vec::new();
        let mut positions: Vec<Option<String>> = Vec::with_capacity(items.len());
        for (at, (item, found)) in items.iter().zip(found).enumerate() {
            positions.push(item.position.clone());
            if !found.is_new || item.deleted_at.is_some() {
                continue;
            }
            match &item.position {
                Some(_) => last = last.max(item.position.clone()),
                None => missing.push(at),
            }
        }
        let behind = self.behind(last, missing.len());
        fill(&mut positions, &missing, behind);
        positions
    }

    fn task_positions(
        &self,
        items: &[TaskItem],
        found: &[Found],
        places: &[Place],
        snapshot: &Snapshot,
    ) -> Vec<Option<String>> {
        let mut lasts: HashMap<Siblings, &str> = HashMap::new();
        let mut missing: HashMap<Siblings, Vec<usize>> = HashMap::new();
        let mut positions: Vec<Option<String>> = Vec::with_capacity(items.len());
        let all = items.iter().zip(found).zip(places).enumerate();
        for (at, ((item, found), place)) in all {
            positions.push(item.position.clone());
            if !found.is_new || place.trashed.is_some() {
                continue;
            }
            let siblings = place.siblings();
            match &item.position {
                Some(position) => {
                    let last = lasts.entry(siblings).or_default();
                    *last = (*last).max(position);
                }
                None => missing.entry(siblings).or_default().push(at),
            }
        }
        for (siblings, missing) in missing {
            let of_file = lasts.get(&siblings).map(|last| (*last).to_owned());
            let last = snapshot.last_tasks.get(&siblings).cloned().max(of_file);
            let behind = self.behind(last, missing.len());
            fill(&mut positions, &missing, behind);
        }
        positions
    }

    fn list(&mut self, item: ListItem, id: ResourceId, position: Option<String>) -> List {
        List {
            id,
            owner_id: self.owner.clone(),
            name: item.name,
            color: item.color,
            archived: item.archived,
            position: moved(position, id),
            version: item.version.unwrap_or(1),
            updated_at: item.updated_at.unwrap_or(self.now),
            deleted_at: item.deleted_at,
        }
    }

    fn task(
        &mut self,
        mut item: TaskItem,
        id: ResourceId,
        place: &Place,
        position: Option<String>,
    ) -> Task {
        let updated_at = item.updated_at.unwrap_or(self.now);
        let next_id = item.next_id;
        Task {
            id,
            owner_id: self.owner.clone(),
            title: item.title,
            description: item.description,
            completed: item.completed,
            completed_at: item
                .completed
                .then(|| item.completed_at.unwrap_or(updated_at)),
            priority: item.priority,
            schedule: mem::take(&mut item.schedule),
            tags: item.tags,
            list_id: place.list,
            parent_id: place.parent,
            position: moved(position, id),
            next_id: next_id.map(|id| self.renamed.get(&id).copied().unwrap_or(id)),
            version: item.version.unwrap_or(1),
            updated_at,
            trashed: place.trashed,
        }
    }
}

/// What a row that was never moved has as its position is not stored.
fn moved(position: Option<String>, id: ResourceId) -> Option<String> {
    position.filter(|position| *position != position::of_id(id))
}

fn fill(positions: &mut [Option<String>], missing: &[usize], with: Vec<Option<String>>) {
    for (at, position) in missing.iter().zip(with) {
        if let Some(slot) = positions.get_mut(*at) {
            *slot = position;
        }
    }
}
