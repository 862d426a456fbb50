//! The rows that the items of a file become, and their positions.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::super::document::{ListItem, TaskItem};
use super::places::Place;
use super::plan::Found;
use super::snapshot::Snapshot;
use crate::auth::OwnerId;
use crate::lists::model::List;
use crate::primitives::id::ResourceId;
use crate::primitives::position;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::model::Task;
use crate::tasks::siblings::Siblings;

/// Makes the rows.
pub(super) struct Rows<'a> {
    pub owner: &'a OwnerId,
    pub now: Timestamp,
}

impl Rows<'_> {
    /// The position of an item in the file, unless it is behind that of what is created
    /// later: a new row stands last.
    fn of_file<'p>(&self, position: Option<&'p String>) -> Option<&'p String> {
        let later = ResourceId::first_at(self.after(1));
        position.filter(|position| **position < position::of_id(later))
    }

    /// The time so many milliseconds after the import, or before it.
    fn after(&self, milliseconds: i64) -> Timestamp {
        Timestamp::new(self.now.utc() + TimeDelta::milliseconds(milliseconds))
    }

    /// Positions for new items without one: behind all that are there, and before whatever
    /// is created later, also within the same millisecond.
    fn behind(&self, last: Option<String>, count: usize) -> Vec<Option<String>> {
        let first = position::of_id(ResourceId::first_at(self.after(-1)));
        let last = last.filter(|last| *last > first).unwrap_or(first);
        let positions = position::all_behind(&last, count);
        let positions = positions.or_else(|| position::evenly(Some(&last), None, count));
        match positions {
            Some(positions) => positions.into_iter().map(Some).collect(),
            None => vec![None; count],
        }
    }

    /// The positions of lists, in the order of the file.
    pub fn list_positions(
        &self,
        items: &[ListItem],
        found: &[Found],
        snapshot: &Snapshot,
    ) -> Vec<Option<String>> {
        let mut last = snapshot.last_list.clone();
        let mut missing = Vec::new();
        let mut positions: Vec<Option<String>> = Vec::with_capacity(items.len());
        for (at, (item, found)) in items.iter().zip(found).enumerate() {
            let position = self.of_file(item.position.as_ref());
            positions.push(position.cloned());
            if !found.is_new || item.deleted_at.is_some() {
                continue;
            }
            match position {
                Some(_) => last = last.max(position.cloned()),
                None => missing.push((at, item.position.as_deref())),
            }
        }
        let behind = self.behind(last, missing.len());
        fill(&mut positions, missing, behind);
        positions
    }

    /// The positions of tasks, likewise.
    pub fn task_positions(
        &self,
        items: &[TaskItem],
        found: &[Found],
        places: &[Place],
        snapshot: &Snapshot,
    ) -> Vec<Option<String>> {
        let mut lasts: HashMap<Siblings, &str> = HashMap::new();
        let mut missing: HashMap<Siblings, Vec<Missing<'_>>> = HashMap::new();
        let mut positions: Vec<Option<String>> = Vec::with_capacity(items.len());
        let all = items.iter().zip(found).zip(places).enumerate();
        for (at, ((item, found), place)) in all {
            let position = self.of_file(item.position.as_ref());
            positions.push(position.cloned());
            if !found.is_new || place.trashed.is_some() {
                continue;
            }
            let siblings = place.siblings();
            match position {
                Some(position) => {
                    let last = lasts.entry(siblings).or_default();
                    *last = (*last).max(position);
                }
                None => missing
                    .entry(siblings)
                    .or_default()
                    .push((at, item.position.as_deref())),
            }
        }
        for (siblings, missing) in missing {
            let of_file = lasts.get(&siblings).map(|last| (*last).to_owned());
            let last = snapshot.last_tasks.get(&siblings).cloned().max(of_file);
            let behind = self.behind(last, missing.len());
            fill(&mut positions, missing, behind);
        }
        positions
    }

    /// A list.
    pub fn list(&mut self, item: ListItem, id: ResourceId, position: Option<String>) -> List {
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

    /// A task.
    pub fn task(
        &mut self,
        item: TaskItem,
        id: ResourceId,
        place: &Place,
        position: Option<String>,
    ) -> Task {
        let updated_at = item.updated_at.unwrap_or(self.now);
        let completed_at = item.completed_at.unwrap_or(updated_at);
        Task {
            completed_at: item.written.completed.then_some(completed_at),
            list_id: place.list,
            parent_id: place.parent,
            position: moved(position, id),
            next_id: item.next_id,
            version: item.version.unwrap_or(1),
            updated_at,
            trashed: place.trashed,
            ..item.written.into_task(self.owner, id)
        }
    }
}

/// What a row that was never moved has as its position is not stored.
fn moved(position: Option<String>, id: ResourceId) -> Option<String> {
    position.filter(|position| *position != position::of_id(id))
}

/// The number of an item that gets a position, and the one of the file, which it cannot have.
type Missing<'a> = (usize, Option<&'a str>);

/// Those with a position in the file come first, in its order, then the others.
fn fill(
    positions: &mut [Option<String>],
    mut missing: Vec<Missing<'_>>,
    with: Vec<Option<String>>,
) {
    missing.sort_by_key(|(_, position)| (position.is_none(), *position));
    for ((at, _), position) in missing.into_iter().zip(with) {
        if let Some(slot) = positions.get_mut(at) {
            *slot = position;
        }
    }
}
