//! Makes a document of drafts: everything fits, and what had to change is reported.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::interchange::document::{
    Document, DroppedItem, Identity, Invalid, ListItem, TaskItem, itself,
};
use crate::lists::fields::Name;
use crate::primitives::text::is_visible;
use crate::tasks::input::Written;
use crate::tasks::model::Trashed;
use crate::tasks::tree::MAX_LEVELS;

use super::draft::{Draft, Names, shown};
use super::text::split_at_chars;

/// A document in the making.
#[derive(Debug)]
pub struct Collector {
    /// The max number of tasks, and of lists.
    max: usize,
    document: Document,
    keys: HashMap<String, usize>,
    /// Of each task, what it calls its parent.
    parents: Vec<Option<String>>,
    names: Vec<&'static Names>,
    /// How often each identity was seen.
    seen: HashMap<Identity, u64>,
}

impl Collector {
    /// For at most so many tasks, and as many lists.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            document: Document::default(),
            keys: HashMap::new(),
            parents: Vec::new(),
            names: Vec::new(),
            seen: HashMap::new(),
        }
    }

    /// Checks that there may be one more than `tasks`.
    ///
    /// # Errors
    ///
    /// There are too many: the line of the first one.
    pub fn may_follow(&self, line: u64, tasks: usize) -> Result<(), Invalid> {
        if tasks < self.max {
            return Ok(());
        }
        let max = self.max;
        let detail = format!("a file may have at most {max} tasks, and this is one more: split it");
        Err(Invalid { line, detail })
    }

    /// Adds a list, and returns its index.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub fn list(&mut self, line: u64, identity: Identity, name: &str) -> Result<usize, Invalid> {
        if self.document.lists.len() >= self.max {
            let detail = format!("a file may have at most {} lists", self.max);
            return Err(Invalid { line, detail });
        }
        let name = self.name(line, name);
        let identity = self.unique(line, name.as_str(), identity);
        self.document.lists.push(ListItem {
            line,
            identity,
            name,
            color: None,
            archived: false,
            position: None,
            created_at: None,
            version: None,
            updated_at: None,
            deleted_at: None,
        });
        Ok(self.document.lists.len() - 1)
    }

    /// The list that was added, to be completed.
    pub fn list_mut(&mut self, index: usize) -> Option<&mut ListItem> {
        self.document.lists.get_mut(index)
    }

    fn name(&mut self, line: u64, text: &str) -> Name {
        let bare: String = text.chars().filter(|c| *c != '\0').collect();
        if bare.len() < text.len() {
            let detail = "the characters U+0000 in it are left out";
            self.drop(line, &bare, "name", detail);
        }
        let text = bare;
        let (start, rest) = split_at_chars(text.trim(), 200);
        if !rest.is_empty() {
            let detail = format!(
                "is longer than 200 characters: {:?} is left out",
                shown(rest)
            );
            self.drop(line, start, "name", detail);
        }
        if is_visible(start)
            && let Ok(name) = Name::parse(&start.into())
        {
            return name;
        }
        self.drop(
            line,
            "",
            "name",
            "has no visible character: the list is called \"(no name)\"",
        );
        Name::from_column("(no name)".to_owned())
    }

    /// Notes what is not kept of something that is no task.
    pub fn drop(&mut self, line: u64, item: &str, field: &str, detail: impl Into<String>) {
        self.document.dropped.push(DroppedItem {
            line,
            item: shown(item),
            field: shown(field),
            detail: detail.into(),
        });
    }

    /// An identity that nothing in the file has yet: files are put together by hand, and
    /// programs copy tasks with their ids.
    fn unique(&mut self, line: u64, item: &str, identity: Identity) -> Identity {
        let text = match &identity {
            // The n-th equal one is the n-th again.
            Identity::Content(_) => return identity,
            Identity::Id(id) => id.to_string(),
            Identity::Uid(uid) => uid.clone(),
        };
        let mut n = match self.seen.entry(identity.clone()) {
            Entry::Vacant(place) => {
                place.insert(1);
                return identity;
            }
            Entry::Occupied(times) => *times.get(),
        };
        self.drop(
            line,
            item,
            "id",
            "stands in the file twice: this one is imported under another id",
        );
        loop {
            n += 1;
            let other = Identity::Uid(format!("{text}#{n}"));
            if let Entry::Vacant(place) = self.seen.entry(other.clone()) {
                place.insert(1);
                self.seen.insert(identity, n);
                return other;
            }
        }
    }

    /// Adds a task, and returns its index.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub fn task(&mut self, mut draft: Draft) -> Result<usize, Invalid> {
        self.may_follow(draft.line, self.document.tasks.len())?;
        let title = draft.take_title();
        let description = draft.take_description();
        let tags = draft.take_tags();
        let schedule = draft.take_schedule();
        let identity = draft.identity.clone();
        let identity = self.unique(draft.line, title.as_str(), identity);
        let index = self.document.tasks.len();
        if let Some(key) = draft.key.take() {
            self.keys.entry(key).or_insert(index);
        }
        self.parents.push(draft.parent.take());
        self.names.push(draft.names);
        self.document.tasks.push(TaskItem {
            line: draft.line,
            identity,
            written: Written {
                description,
                completed: draft.completed,
                priority: draft.priority,
                schedule,
                tags,
                ..Written::titled(title)
            },
            completed_at: draft.completed_at.filter(|_| draft.completed),
            list: draft.list,
            parent: None,
            position: draft.position.take(),
            next_id: None,
            created_at: draft.created_at,
            version: None,
            updated_at: draft.updated_at,
            trashed: draft.trashed_at.map(|at| Trashed { at, with: itself() }),
        });
        let title = self.title(index);
        draft.report(&title, &mut self.document.dropped);
        Ok(index)
    }

    fn title(&self, index: usize) -> String {
        let task = self.document.tasks.get(index);
        task.map_or_else(String::new, |task| task.written.title.as_str().to_owned())
    }

    fn drop_of(&mut self, index: usize, field: fn(&Names) -> &'static str, detail: &str) {
        let field = self.names.get(index).map_or("", |names| field(names));
        let line = self.document.tasks.get(index).map_or(0, |task| task.line);
        let title = self.title(index);
        self.drop(line, &title, field, detail);
    }

    /// The document.
    pub fn finish(mut self) -> Document {
        let mut above: Vec<Option<usize>> = Vec::with_capacity(self.parents.len());
        for (index, parent) in std::mem::take(&mut self.parents).into_iter().enumerate() {
            let found = parent.as_ref().and_then(|key| self.keys.get(key).copied());
            if parent.is_some() && found.is_none() {
                self.drop_of(
                    index,
                    |names| names.parent,
                    "is not in the file: the task stands at the top level",
                );
            }
            above.push(found);
        }
        // How far down each task stands, the top is 1; 0 is not known yet.
        let mut depths = vec![0_usize; above.len()];
        let mut is_on_path = vec![false; above.len()];
        for start in 0..above.len() {
            let mut path = Vec::new();
            let mut at = Some(start);
            while let Some(index) = at.filter(|index| depths.get(*index) == Some(&0)) {
                if is_on_path.get(index) == Some(&true) {
                    break;
                }
                set(&mut is_on_path, index, true);
                path.push(index);
                at = above.get(index).copied().flatten();
            }
            // The last one's parent is known, or is on the path itself: a cycle.
            if let (Some(last), Some(parent)) = (path.last().copied(), at)
                && depths.get(parent) == Some(&0)
            {
                set(&mut above, last, None);
                self.drop_of(
                    last,
                    |names| names.parent,
                    "is the task itself or one below it: the task stands at the top level",
                );
            }
            for index in path.into_iter().rev() {
                self.put_below(index, &mut above, &mut depths);
            }
        }
        self.document
    }

    /// Puts a task below its parent, which has its place already.
    fn put_below(&mut self, index: usize, above: &mut [Option<usize>], depths: &mut [usize]) {
        let mut parent = above.get(index).copied().flatten();
        let depth_of = |parent: Option<usize>| {
            parent.map_or(0, |parent| depths.get(parent).copied().unwrap_or_default())
        };
        if depth_of(parent) >= MAX_LEVELS {
            parent = parent.and_then(|parent| above.get(parent).copied().flatten());
            self.drop_of(
                index,
                |names| names.parent,
                "has too many tasks above it: at most 4 stand in a chain, so the task \
                 stands beside it",
            );
        }
        let is_trash = |document: &Document, index: usize| {
            let task = document.tasks.get(index);
            task.is_some_and(|task| task.trashed.is_some())
        };
        if let Some(above) = parent
            && is_trash(&self.document, above)
            && !is_trash(&self.document, index)
        {
            parent = None;
            self.drop_of(
                index,
                |names| names.parent,
                "is deleted: the task stands at the top level",
            );
        }
        let depth = depth_of(parent) + 1;
        set(depths, index, depth);
        set(above, index, parent);
        let list = parent.and_then(|parent| self.document.tasks.get(parent).map(|it| it.list));
        let mut moved = false;
        if let Some(task) = self.document.tasks.get_mut(index) {
            task.parent = parent;
            if let Some(list) = list {
                moved = task.list.is_some() && task.list != list;
                task.list = list;
            }
        }
        if moved {
            self.drop_of(
                index,
                |names| names.list,
                "is not that of the parent: a subtask is in the list of its parent",
            );
        }
    }
}

fn set<T>(values: &mut [T], index: usize, value: T) {
    if let Some(place) = values.get_mut(index) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::document::MAX_ITEMS;

    const NAMES: Names = Names {
        title: "title",
        description: "description",
        tags: "tags",
        recurrence: "recurrence",
        parent: "parent",
        list: "list",
    };

    fn document(tasks: &[(&str, Option<&str>)]) -> Document {
        let mut collector = Collector::new(MAX_ITEMS);
        for (line, (title, parent)) in (1..).zip(tasks) {
            let mut draft = Draft::new(&NAMES, line, Identity::Uid((*title).to_owned()));
            draft.title = (*title).to_owned();
            draft.key = Some((*title).to_owned());
            draft.parent = parent.map(str::to_owned);
            collector.task(draft).unwrap();
        }
        collector.finish()
    }

    fn parents(document: &Document) -> Vec<Option<usize>> {
        document.tasks.iter().map(|task| task.parent).collect()
    }

    #[test]
    fn a_child_may_stand_before_its_parent() {
        let document = document(&[("child", Some("parent")), ("parent", None)]);
        assert_eq!(parents(&document), [Some(1), None]);
        assert_eq!(document.dropped.total, 0);
    }

    #[test]
    fn a_cycle_is_cut_once_and_what_hangs_on_it_stays_there() {
        let document = document(&[
            ("tail", Some("a")),
            ("a", Some("b")),
            ("b", Some("c")),
            ("c", Some("a")),
            ("self", Some("self")),
        ]);
        assert_eq!(parents(&document), [Some(1), Some(2), Some(3), None, None]);
        let cut: Vec<u64> = document.dropped.items.iter().map(|it| it.line).collect();
        assert_eq!(cut, [4, 5]);
    }

    #[test]
    fn the_fifth_level_stands_on_the_fourth() {
        let document = document(&[
            ("1", None),
            ("2", Some("1")),
            ("3", Some("2")),
            ("4", Some("3")),
            ("5", Some("4")),
            ("6", Some("5")),
        ]);
        let wanted = [None, Some(0), Some(1), Some(2), Some(2), Some(2)];
        assert_eq!(parents(&document), wanted);
        assert_eq!(document.dropped.total, 2);
    }

    #[test]
    fn an_id_that_stands_twice_is_two_tasks_and_each_time_the_same_two() {
        let document = document(&[("a", None), ("a", None)]);
        let ids: Vec<&Identity> = document.tasks.iter().map(|it| &it.identity).collect();
        let uid = |text: &str| Identity::Uid(text.to_owned());
        assert_eq!(ids, [&uid("a"), &uid("a#2")]);
        assert_eq!(document.dropped.total, 1);
    }

    #[test]
    fn a_long_chain_is_no_deep_recursion() {
        let names: Vec<String> = (0..MAX_ITEMS).map(|n| n.to_string()).collect();
        let tasks: Vec<(&str, Option<&str>)> = (0..MAX_ITEMS)
            .map(|n| (names[n].as_str(), names.get(n + 1).map(String::as_str)))
            .collect();
        let document = document(&tasks);
        assert_eq!(document.tasks.len(), MAX_ITEMS);
        assert!(document.dropped.total > 49_000);
    }
}
