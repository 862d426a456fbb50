//! Where the tasks of a file will be.

use std::collections::HashMap;

use super::super::document::{Dropped, DroppedItem, ListItem, TaskItem, itself};
use super::plan::{DependsOn, Found};
use super::snapshot::Snapshot;
use crate::primitives::id::ResourceId;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::model::Trashed;
use crate::tasks::siblings::Siblings;
use crate::tasks::tree::MAX_LEVELS;

/// Where a task is, or will be.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub list: Option<ResourceId>,
    pub parent: Option<ResourceId>,
    pub level: usize,
    pub trashed: Option<Trashed>,
}

impl Place {
    pub fn siblings(&self) -> Siblings {
        Siblings {
            list: self.list,
            parent: self.parent,
        }
    }
}

/// Finds the place of each task.
pub(super) struct Places<'a> {
    pub snapshot: &'a Snapshot,
    pub lists: &'a [ListItem],
    pub tasks: &'a [TaskItem],
    pub found_lists: &'a [Found],
    pub found_tasks: &'a [Found],
    pub renamed: &'a HashMap<ResourceId, ResourceId>,
    pub dropped: Dropped,
    pub depends_on: DependsOn,
}

impl Places<'_> {
    /// The place of each, in the order of the file.
    pub fn all(&mut self) -> Vec<Place> {
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

    /// The next task of each in its series. None is a task above it, or itself: reopening a
    /// task ends its next one with all below.
    pub fn next_ids(&mut self, placed: &[Place]) -> Vec<Option<ResourceId>> {
        let items = self.tasks;
        let found = self.found_tasks.iter().zip(placed);
        let parents: HashMap<ResourceId, ResourceId> = found
            .filter_map(|(found, place)| Some((found.id, place.parent?)))
            .collect();
        let mut next_ids = Vec::with_capacity(items.len());
        for (item, found) in items.iter().zip(self.found_tasks) {
            let renamed = |id| self.renamed.get(&id).copied().unwrap_or(id);
            let next = item.next_id.map(renamed);
            let above = std::iter::successors(Some(found.id), |id| self.parent(*id, &parents));
            let is_above = next.is_some_and(|next| above.take(MAX_LEVELS).any(|id| id == next));
            if is_above && found.is_new {
                let detail =
                    "a task cannot come next that is this one, or above it; it is left out";
                self.drop(item, "next_id", detail);
            }
            next_ids.push(next.filter(|_| !is_above));
        }
        next_ids
    }

    /// The parent of a task of the file, or of a row that is there already.
    fn parent(
        &self,
        id: ResourceId,
        of_file: &HashMap<ResourceId, ResourceId>,
    ) -> Option<ResourceId> {
        let row = || self.snapshot.tasks.rows.get(&id)?.parent;
        of_file.get(&id).copied().or_else(row)
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
            let old = wanted_list.filter(|id| self.snapshot.lists.rows.contains_key(id));
            self.depends_on.lists.extend(old);
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
            item: item.written.title.as_str().to_owned(),
            field: field.to_owned(),
            detail: detail.to_owned(),
        });
    }
}
