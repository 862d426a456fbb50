//! What two owners have: lists, tasks below tasks, their order, series, and the trash.
//! The contract in plain Rust, without times, and without a database.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

/// The most tasks in a chain.
const MAX_LEVELS: usize = 4;

/// A refusal: its status and its code.
pub type Refusal = (u16, &'static str);

const NO_SUCH_PLACE: Refusal = (422, "invalid_task");

#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub list: Option<String>,
    pub parent: Option<String>,
    pub title: String,
    pub completed: bool,
    pub tags: Vec<String>,
    pub due: Option<NaiveDate>,
    /// Of a series, the days between its dates.
    pub every: Option<u64>,
    pub next: Option<String>,
    /// The successor with which it was made as a copy.
    pub made_with: Option<String>,
    pub version: i64,
    /// With what it went to the trash.
    pub with: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct List {
    pub name: String,
    pub archived: bool,
    pub version: i64,
    pub is_trashed: bool,
}

/// Where a body puts a task. What is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Target {
    pub list: Option<Option<String>>,
    pub parent: Option<Option<String>>,
}

/// Among its siblings.
#[derive(Debug, Clone)]
pub enum Spot {
    First,
    Last,
    Before(String),
    After(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    Live,
    Trash,
    Anywhere,
}

type Siblings = (Option<String>, Option<String>);

#[derive(Default)]
pub struct Owner {
    pub tasks: BTreeMap<String, Task>,
    pub lists: BTreeMap<String, List>,
    /// Tasks, so that siblings stand in their order; those in the trash, too.
    pub order: Vec<String>,
    pub list_order: Vec<String>,
}

/// What completing a task of a series makes, which the server gives its id.
pub struct Successor {
    pub of: String,
    pub due: NaiveDate,
    days: u64,
}

impl Task {
    fn reopened(&self) -> Self {
        Self {
            completed: false,
            next: None,
            made_with: None,
            version: 1,
            with: None,
            ..self.clone()
        }
    }

    pub fn new(title: &str) -> Self {
        Self {
            list: None,
            parent: None,
            title: title.to_owned(),
            completed: false,
            tags: Vec::new(),
            due: None,
            every: None,
            next: None,
            made_with: None,
            version: 1,
            with: None,
        }
    }

    fn is(&self, place: Place) -> bool {
        place == Place::Anywhere || self.with.is_some() == (place == Place::Trash)
    }

    /// The fields that a client sees and the model knows.
    pub fn shown(&self, id: &str) -> Value {
        json!({
            "id": id, "title": self.title, "completed": self.completed, "tags": self.tags,
            "list_id": self.list, "parent_id": self.parent, "due_date": self.due,
            "recurrence": self.every.map(|days| json!({ "rule": rule(days), "from": "due" })),
            "next_id": self.next, "version": self.version,
        })
    }
}

impl List {
    pub fn shown(&self, id: &str) -> Value {
        json!({ "id": id, "name": self.name, "archived": self.archived, "version": self.version })
    }
}

pub fn rule(days: u64) -> String {
    format!("FREQ=DAILY;INTERVAL={days}")
}

impl Owner {
    /// The owner's task, if it is there.
    pub fn task(&self, id: &str, place: Place) -> Option<&Task> {
        self.tasks.get(id).filter(|task| task.is(place))
    }

    pub fn list_is_live(&self, id: &str) -> bool {
        self.lists.get(id).is_some_and(|list| !list.is_trashed)
    }

    /// The live task and those above it.
    fn chain(&self, id: &str) -> Vec<String> {
        let mut chain = Vec::new();
        let mut next = Some(id.to_owned());
        while let Some(id) = next {
            let Some(task) = self.task(&id, Place::Live) else {
                break;
            };
            next = task.parent.clone();
            chain.push(id);
            assert!(chain.len() <= MAX_LEVELS, "{chain:?}");
        }
        chain
    }

    /// The tasks right below one, in their order.
    fn children(&self, id: &str, place: Place) -> Vec<String> {
        let is_child = |other: &&String| {
            let task = self.task(other, place);
            task.is_some_and(|task| task.parent.as_deref() == Some(id))
        };
        self.order.iter().filter(is_child).cloned().collect()
    }

    /// The tasks below one, level by level.
    fn levels(&self, id: &str, place: Place) -> Vec<Vec<String>> {
        let mut levels: Vec<Vec<String>> = Vec::new();
        let mut above = vec![id.to_owned()];
        loop {
            let level: Vec<_> = above
                .iter()
                .flat_map(|id| self.children(id, place))
                .collect();
            if level.is_empty() {
                return levels;
            }
            above.clone_from(&level);
            levels.push(level);
        }
    }

    pub fn below(&self, id: &str, place: Place) -> Vec<String> {
        self.levels(id, place).concat()
    }

    pub fn siblings(&self, id: &str) -> Siblings {
        let task = &self.tasks[id];
        (task.list.clone(), task.parent.clone())
    }

    fn change(&mut self, id: &str) -> &mut Task {
        let task = self.tasks.get_mut(id).unwrap();
        task.version += 1;
        task
    }

    /// The list and the parent that a body means, for a task with so many levels.
    fn resolve(
        &self,
        stays: Siblings,
        own: Option<&str>,
        to: &Target,
    ) -> Result<Siblings, Refusal> {
        let list = to.list.clone();
        if let Some(Some(list)) = &list
            && !self.list_is_live(list)
        {
            return Err(NO_SUCH_PLACE);
        }
        let Some(parent) = &to.parent else {
            return Ok(list.map_or(stays, |list| (list, None)));
        };
        let Some(parent) = parent else {
            return Ok((list.unwrap_or(stays.0), None));
        };
        let chain = self.chain(parent);
        let height = 1 + own.map_or(0, |id| self.levels(id, Place::Live).len());
        let is_cycle = own.is_some_and(|id| chain.iter().any(|above| above == id));
        if chain.is_empty() || is_cycle || chain.len() + height > MAX_LEVELS {
            return Err(NO_SUCH_PLACE);
        }
        let of_parent = self.tasks[parent].list.clone();
        if list.is_some_and(|list| list != of_parent) {
            return Err(NO_SUCH_PLACE);
        }
        Ok((of_parent, Some(parent.clone())))
    }

    /// Where a new task would stand.
    pub fn place_new(&self, to: &Target) -> Result<Siblings, Refusal> {
        self.resolve((None, None), None, to)
    }

    pub fn insert(&mut self, id: &str, task: Task) {
        assert!(self.tasks.insert(id.to_owned(), task).is_none(), "{id}");
        self.order.push(id.to_owned());
    }

    /// Puts a task among siblings, behind all of them, with what is below it.
    fn settle(&mut self, id: &str, siblings: Siblings) {
        if self.tasks[id].list != siblings.0 {
            for below in self.below(id, Place::Live) {
                self.change(&below).list.clone_from(&siblings.0);
            }
        }
        let task = self.tasks.get_mut(id).unwrap();
        (task.list, task.parent) = siblings;
        self.put_last(id);
    }

    fn put_last(&mut self, id: &str) {
        self.order.retain(|other| other != id);
        self.order.push(id.to_owned());
    }

    /// A merge patch of what is no completion.
    pub fn patch(
        &mut self,
        id: &str,
        to: &Target,
        apply: impl FnOnce(&mut Task),
    ) -> Result<(), Refusal> {
        let stays = self.siblings(id);
        let siblings = self.resolve(stays.clone(), Some(id), to)?;
        let old = self.tasks[id].clone();
        apply(self.tasks.get_mut(id).unwrap());
        let is_moved = siblings != stays;
        if is_moved || self.tasks[id] != old {
            self.change(id);
        }
        if is_moved {
            self.settle(id, siblings);
        }
        Ok(())
    }

    pub fn move_task(&mut self, id: &str, to: &Target, spot: Option<&Spot>) -> Result<(), Refusal> {
        let stays = self.siblings(id);
        let siblings = self.resolve(stays.clone(), Some(id), to)?;
        if let Some(Spot::Before(other) | Spot::After(other)) = spot {
            let beside = self.task(other, Place::Live);
            if beside.is_none() || self.siblings(other) != siblings {
                return Err(NO_SUCH_PLACE);
            }
        }
        let Some(spot) = spot else {
            if siblings != stays {
                self.change(id);
                self.settle(id, siblings);
            }
            return Ok(());
        };
        if matches!(spot, Spot::Before(other) | Spot::After(other) if other == id) {
            return Ok(());
        }
        let stood = self.group(&siblings);
        let stands = moved(&stood, id, spot);
        if stands != stood {
            self.change(id);
            self.settle(id, siblings);
            // The group in its new order, at the end: among others nothing changes.
            for id in stands {
                self.put_last(&id);
            }
        }
        Ok(())
    }

    /// The live tasks of a list below a parent, in their order.
    pub fn group(&self, siblings: &Siblings) -> Vec<String> {
        let is_there =
            |id: &&String| self.task(id, Place::Live).is_some() && self.siblings(id) == *siblings;
        self.order.iter().filter(is_there).cloned().collect()
    }

    /// Completes or reopens a task. Yields what the server has to make: of which task which
    /// copies follow.
    pub fn complete(&mut self, id: &str, done: bool, subtasks: bool) -> Vec<Successor> {
        let parent = self.tasks[id].parent.clone();
        self.complete_below(id, done, subtasks, parent.as_deref())
    }

    /// The same by a merge patch that moves the task at once.
    pub fn complete_at(
        &mut self,
        id: &str,
        to: &Target,
        done: bool,
    ) -> Result<Vec<Successor>, Refusal> {
        let stays = self.siblings(id);
        let siblings = self.resolve(stays.clone(), Some(id), to)?;
        if siblings != stays && self.tasks[id].completed == done {
            self.change(id);
        }
        let made = self.complete_below(id, done, false, siblings.1.as_deref());
        if siblings != stays {
            self.settle(id, siblings);
        }
        Ok(made)
    }

    fn complete_below(
        &mut self,
        id: &str,
        done: bool,
        subtasks: bool,
        parent: Option<&str>,
    ) -> Vec<Successor> {
        let mut made = Vec::new();
        let mut all = Vec::new();
        if self.tasks[id].completed != done {
            all.push(id.to_owned());
        }
        if subtasks && done {
            for mut level in self.levels(id, Place::Live) {
                level.sort();
                all.extend(level);
            }
        }
        // What has a successor takes along all below it, but for a successor from before.
        let (mut above, mut earlier) = (Vec::new(), Vec::new());
        for one in all {
            let task = self.tasks[&one].clone();
            let is_below = task.parent.as_ref().is_some_and(|it| above.contains(it));
            let goes_along = is_below && !earlier.contains(&one);
            if goes_along {
                above.push(one.clone());
            }
            if task.completed == done {
                continue;
            }
            if goes_along {
                self.change(&one).completed = true;
            } else if self.set(&one, done, parent, &mut made) {
                above.push(one);
                earlier.extend(task.next);
            }
        }
        made
    }

    /// Completes or reopens one task, which goes below a parent with it; whether it has a
    /// successor then.
    fn set(
        &mut self,
        id: &str,
        done: bool,
        parent: Option<&str>,
        made: &mut Vec<Successor>,
    ) -> bool {
        self.change(id).completed = done;
        let task = self.tasks[id].clone();
        match (task.next, task.due, task.every) {
            (None, Some(due), Some(days)) if done => {
                made.push(Successor {
                    of: id.to_owned(),
                    due: due + Days::new(days),
                    days,
                });
                true
            }
            (Some(next), ..) if !done && self.take_back(parent, &next) => {
                self.tasks.get_mut(id).unwrap().next = None;
                false
            }
            (next, ..) => next.is_some(),
        }
    }

    /// Ends the successor of a task, if nobody has touched it, and nothing stands below it but
    /// the copies that were made with it; whether it is gone.
    fn take_back(&mut self, parent: Option<&str>, next: &str) -> bool {
        if !self.tasks.contains_key(next) {
            return true;
        }
        let below = self.below(next, Place::Anywhere);
        let is_copy = |id: &String| {
            let task = &self.tasks[id];
            task.version == 1 && task.made_with.as_deref() == Some(next)
        };
        let is_there = |parent: &str| parent == next || below.iter().any(|id| id == parent);
        if self.tasks[next].version > 1
            || !below.iter().all(is_copy)
            || parent.is_some_and(is_there)
        {
            return false;
        }
        self.end(next);
        true
    }

    /// Takes a successor over from the server, which alone knows the ids of what it has made:
    /// `copy_below` says the next one below the copy of a parent.
    pub fn follow(
        &mut self,
        successor: &Successor,
        next: &str,
        mut copy_below: impl FnMut(&str) -> String,
    ) {
        let old = self.tasks[&successor.of].clone();
        self.tasks.get_mut(&successor.of).unwrap().next = Some(next.to_owned());
        let new = Task {
            due: Some(successor.due),
            ..old.reopened()
        };
        self.insert(next, new);
        let mut copies = BTreeMap::from([(successor.of.clone(), next.to_owned())]);
        for id in self.below(&successor.of, Place::Live) {
            let old = self.tasks[&id].clone();
            let parent = old.parent.as_ref().and_then(|parent| copies.get(parent));
            let (None, Some(parent)) = (&old.next, parent.cloned()) else {
                continue;
            };
            let copy = Task {
                parent: Some(parent.clone()),
                made_with: Some(next.to_owned()),
                due: old.due.map(|due| due + Days::new(successor.days)),
                ..old.reopened()
            };
            let copied = copy_below(&parent);
            self.insert(&copied, copy);
            copies.insert(id, copied);
        }
    }

    pub fn trash(&mut self, id: &str) {
        let mut all = self.below(id, Place::Live);
        all.push(id.to_owned());
        for one in all {
            self.change(&one).with = Some(id.to_owned());
        }
    }

    /// What is below a task in the trash and went there with the same.
    fn together(&self, id: &str) -> Vec<Vec<String>> {
        let with = &self.tasks[id].with;
        let mut above = vec![id.to_owned()];
        let mut levels = Vec::new();
        loop {
            let children = above.iter().flat_map(|id| self.children(id, Place::Trash));
            let level: Vec<String> = children.filter(|id| self.tasks[id].with == *with).collect();
            if level.is_empty() {
                return levels;
            }
            above.clone_from(&level);
            levels.push(level);
        }
    }

    pub fn restore(&mut self, id: &str) {
        let together = self.together(id);
        let task = self.tasks[id].clone();
        let chain = task.parent.as_ref().map(|parent| self.chain(parent));
        let chain = chain.unwrap_or_default();
        let has_room = chain.len() + 1 + together.len() <= MAX_LEVELS;
        let parent = chain.first().filter(|_| has_room).cloned();
        let list = match &parent {
            Some(parent) => self.tasks[parent].list.clone(),
            None => task.list.filter(|list| self.list_is_live(list)),
        };
        let is_moved = self.siblings(id) != (list.clone(), parent.clone());
        let restored = self.change(id);
        restored.with = None;
        restored.parent = parent;
        restored.list.clone_from(&list);
        if is_moved {
            self.put_last(id);
        }
        for id in together.concat() {
            let task = self.change(&id);
            task.with = None;
            task.list.clone_from(&list);
        }
    }

    fn remove(&mut self, id: &str) {
        self.tasks.remove(id).unwrap();
        self.order.retain(|other| other != id);
    }

    /// Ends a task for good, and what is below it; what lies in the trash on its own goes to
    /// the top level.
    pub fn end(&mut self, id: &str) {
        let with = self.tasks[id].with.clone();
        for child in self.children(id, Place::Anywhere) {
            let own = &self.tasks[&child].with;
            if own.is_none() || *own == with {
                self.end(&child);
            } else {
                self.change(&child).parent = None;
            }
        }
        self.remove(id);
    }

    /// The completed tasks without an open one below.
    pub fn clearable(&self) -> Vec<String> {
        let all_done = |id: &str| {
            let mut below = self.below(id, Place::Live).into_iter();
            below.all(|id| self.tasks[&id].completed)
        };
        let live = self
            .order
            .iter()
            .filter(|id| self.task(id, Place::Live).is_some());
        live.filter(|id| self.tasks[*id].completed && all_done(id))
            .cloned()
            .collect()
    }

    /// Moves what is completed to the trash.
    pub fn clear(&mut self) -> usize {
        let cleared = self.clearable();
        let top = |id: &String| {
            let chain = self.chain(id).into_iter();
            chain.take_while(|above| cleared.contains(above)).last()
        };
        let tops: Vec<_> = cleared.iter().map(top).collect();
        for (id, top) in cleared.iter().zip(tops) {
            self.change(id).with = top;
        }
        cleared.len()
    }

    pub fn empty_trash(&mut self) -> usize {
        let trashed = self.those(|task| task.with.is_some());
        for id in &trashed {
            self.remove(id);
        }
        trashed.len()
    }

    fn those(&self, is: impl Fn(&Task) -> bool) -> Vec<String> {
        let ids = self.order.iter();
        ids.filter(|id| is(&self.tasks[*id])).cloned().collect()
    }

    /// Ends tasks with their list; what lies in the trash on its own, below them or in the
    /// list, leaves them.
    fn end_all(&mut self, ended: &[String], list: &str) {
        for id in ended {
            self.remove(id);
        }
        let is_left = |task: &Task| {
            let parent = task
                .parent
                .as_ref()
                .is_some_and(|parent| ended.contains(parent));
            parent || task.list.as_deref() == Some(list)
        };
        for id in self.those(is_left) {
            let task = self.change(&id);
            task.parent.take_if(|parent| ended.contains(parent));
            task.list.take_if(|one| one == list);
        }
    }

    /// What holds whatever has happened.
    pub fn is_whole(&self) {
        for (id, task) in self.tasks.iter().filter(|(_, task)| task.with.is_none()) {
            self.chain(id);
            let parent = task.parent.as_ref().map(|parent| &self.tasks[parent]);
            assert!(parent.is_none_or(|parent| parent.with.is_none() && parent.list == task.list));
            assert!(
                task.list
                    .as_ref()
                    .is_none_or(|list| self.list_is_live(list))
            );
        }
    }

    fn change_list(&mut self, id: &str) -> &mut List {
        let list = self.lists.get_mut(id).unwrap();
        list.version += 1;
        list
    }

    pub fn insert_list(&mut self, id: &str, name: &str) {
        let list = List {
            name: name.to_owned(),
            archived: false,
            version: 1,
            is_trashed: false,
        };
        self.lists.insert(id.to_owned(), list);
        self.list_order.push(id.to_owned());
    }

    pub fn patch_list(&mut self, id: &str, apply: impl FnOnce(&mut List)) {
        let old = self.lists[id].clone();
        apply(self.lists.get_mut(id).unwrap());
        if self.lists[id] != old {
            self.change_list(id);
        }
    }

    pub fn live_lists(&self) -> Vec<String> {
        let ids = self.list_order.iter();
        ids.filter(|id| self.list_is_live(id)).cloned().collect()
    }

    /// Moves a list, and says whether there is such a place.
    pub fn move_list(&mut self, id: &str, spot: &Spot) -> bool {
        if let Spot::Before(other) | Spot::After(other) = spot {
            if !self.list_is_live(other) {
                return false;
            }
            if other == id {
                return true;
            }
        }
        let stood = self.live_lists();
        let stands = moved(&stood, id, spot);
        if stands != stood {
            self.change_list(id);
            self.list_order.retain(|other| !stands.contains(other));
            self.list_order.extend(stands);
        }
        true
    }

    pub fn trash_list(&mut self, id: &str) {
        self.change_list(id).is_trashed = true;
        let in_list = |task: &Task| task.with.is_none() && task.list.as_deref() == Some(id);
        for task in self.those(in_list) {
            self.change(&task).with = Some(id.to_owned());
        }
    }

    pub fn restore_list(&mut self, id: &str) {
        self.change_list(id).is_trashed = false;
        for task in self.those(|task| task.with.as_deref() == Some(id)) {
            self.change(&task).with = None;
        }
    }

    pub fn end_list(&mut self, id: &str) {
        self.lists.remove(id).unwrap();
        self.list_order.retain(|other| other != id);
        let ends = |task: &Task| {
            let own = task.with.as_deref();
            own == Some(id) || own.is_none() && task.list.as_deref() == Some(id)
        };
        let ended = self.those(ends);
        self.end_all(&ended, id);
    }

    pub fn empty_trash_of_lists(&mut self) -> usize {
        let trashed: Vec<String> = self.lists.keys().cloned().collect();
        let trashed: Vec<String> = trashed
            .into_iter()
            .filter(|id| !self.list_is_live(id))
            .collect();
        for id in &trashed {
            self.end_list(id);
        }
        trashed.len()
    }

    /// Renames a tag on all tasks, or takes it off, and says on how many.
    pub fn change_tag(&mut self, from: &str, to: Option<&str>) -> usize {
        if to == Some(from) {
            return 0;
        }
        let tagged = self.those(|task| task.tags.iter().any(|tag| tag == from));
        for id in &tagged {
            let task = self.change(id);
            let mut tags: Vec<String> = Vec::new();
            for tag in std::mem::take(&mut task.tags) {
                let tag = match to {
                    _ if tag != from => tag,
                    Some(to) => to.to_owned(),
                    None => continue,
                };
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
            task.tags = tags;
        }
        tagged.len()
    }
}

/// An order after a move within it.
fn moved(stood: &[String], id: &str, spot: &Spot) -> Vec<String> {
    let mut stands = stood.to_vec();
    stands.retain(|other| other != id);
    let at = |other: &String| stands.iter().position(|it| it == other).unwrap();
    let at = match spot {
        Spot::First => 0,
        Spot::Last => stands.len(),
        Spot::Before(other) => at(other),
        Spot::After(other) => at(other) + 1,
    };
    stands.insert(at, id.to_owned());
    stands
}
