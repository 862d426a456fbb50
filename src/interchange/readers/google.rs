//! `Tasks.json` of Google Takeout, and what the Tasks API answers.

use super::collector::Collector;
use super::draft::{Draft, Names, shown};
use super::json_items::{Lines, Members, Node};
use super::zones;
use crate::interchange::document::{Document, Identity, Invalid};
use crate::primitives::timestamp::Timestamp;
use crate::tasks::fields::day;

static NAMES: Names = Names {
    title: "title",
    description: "notes",
    tags: "tags",
    recurrence: "recurrence",
    parent: "parent",
    list: "list",
};

/// What says nothing to a person, or what Google computes.
const TECHNICAL: [&str; 6] = [
    "kind",
    "etag",
    "selfLink",
    "webViewLink",
    "task_type",
    "position",
];

/// The max number of links of a task.
const MAX_LINKS: usize = 1000;

/// Reads a file whole.
pub fn read(text: &str, max: usize) -> Result<Document, Invalid> {
    let (lines, root) = Lines::parse(text)?;
    let mut reader = Reader {
        lines,
        collector: Collector::new(max),
        max,
    };
    reader.root(root)?;
    Ok(reader.collector.finish())
}

struct Reader<'a> {
    lines: Lines<'a>,
    collector: Collector,
    /// The max number of tasks, and of lists.
    max: usize,
}

impl<'a> Reader<'a> {
    fn root(&mut self, root: Node<'a>) -> Result<(), Invalid> {
        let members = self.lines.object(root)?;
        let items = members.as_ref().and_then(|members| find(members, "items"));
        let is_google = members
            .as_ref()
            .and_then(|members| find(members, "kind"))
            .is_some();
        let Some(items) = items.and_then(|items| Lines::array(items, self.max.saturating_mul(2)))
        else {
            // An account without lists has no items.
            if is_google {
                return Ok(());
            }
            let line = self.lines.of(root);
            let detail =
                "the file must be an object with \"kind\" and \"items\", as Takeout's Tasks.json";
            return Err(Invalid {
                line,
                detail: detail.to_owned(),
            });
        };
        for (name, value) in members.iter().flatten() {
            let is_known = matches!(name.as_str(), "items" | "updated" | "title" | "id");
            if is_known || TECHNICAL.contains(&name.as_str()) || value.is_empty() {
                continue;
            }
            let detail = match name.as_str() {
                "nextPageToken" => {
                    "says that there are more pages, which are not in this file".to_owned()
                }
                _ => format!(
                    "{} is left out: Todoward has nothing for it",
                    shown(value.json())
                ),
            };
            self.collector.drop(self.lines.of(*value), "", name, detail);
        }
        let mut loose = Vec::new();
        for item in items {
            let line = self.lines.of(item);
            let Some(members) = self.lines.object(item)? else {
                let detail = "an item must be an object: a list, or a task".to_owned();
                return Err(Invalid { line, detail });
            };
            let kind = match find(&members, "kind") {
                Some(kind) => self.lines.string(kind)?.unwrap_or_default(),
                None => String::new(),
            };
            if kind == "tasks#task" {
                loose.push(item);
            } else {
                self.list(line, &members)?;
            }
        }
        self.tasks(loose, None)
    }

    fn list(&mut self, line: u64, members: &Members<'a>) -> Result<(), Invalid> {
        let name = self.text(members, "title")?.unwrap_or_default();
        let identity = match self.text(members, "id")? {
            Some(id) => Identity::Uid(id),
            None => Identity::Content(name.clone()),
        };
        let updated = self.text(members, "updated")?;
        let list = self.collector.list(line, identity, &name)?;
        if let Some(list) = self.collector.list_mut(list) {
            list.updated_at = updated.as_deref().and_then(zones::instant);
        }
        let mut tasks = Vec::new();
        for (member, value) in members {
            match member.as_str() {
                "id" | "title" | "updated" => {}
                "items" => {
                    tasks = Lines::array(*value, self.max.saturating_add(1)).unwrap_or_default();
                }
                other if TECHNICAL.contains(&other) || value.is_empty() => {}
                other => {
                    let line = self.lines.of(*value);
                    let detail = format!(
                        "{} is left out: a list has nothing for it",
                        shown(value.json())
                    );
                    self.collector.drop(line, &name, other, detail);
                }
            }
        }
        self.tasks(tasks, Some(list))
    }

    /// Takes tasks in the order of their positions, which are among siblings. Each is read
    /// twice, so that their members are never all in memory.
    fn tasks(&mut self, tasks: Vec<Node<'a>>, list: Option<usize>) -> Result<(), Invalid> {
        let mut sorted = Vec::with_capacity(tasks.len());
        for task in tasks {
            let line = self.lines.of(task);
            let Some(members) = self.lines.object(task)? else {
                let detail = "a task must be an object".to_owned();
                return Err(Invalid { line, detail });
            };
            let position = self.text(&members, "position")?.unwrap_or_default();
            sorted.push((position, line, task));
        }
        sorted.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        for (_, line, task) in sorted {
            let members = self.lines.object(task)?.unwrap_or_default();
            let draft = self.task(line, &members, list)?;
            self.collector.task(draft)?;
        }
        Ok(())
    }

    fn task(
        &mut self,
        line: u64,
        members: &Members<'a>,
        list: Option<usize>,
    ) -> Result<Draft, Invalid> {
        let id = self.text(members, "id")?;
        let title = self.text(members, "title")?.unwrap_or_default();
        let identity = match &id {
            Some(id) => Identity::Uid(id.clone()),
            None => Identity::Content(title.clone()),
        };
        let mut draft = Draft::new(&NAMES, line, identity);
        (draft.title, draft.key, draft.list) = (title, id, list);
        let mut updated = None;
        for (name, value) in members {
            if TECHNICAL.contains(&name.as_str())
                || matches!(name.as_str(), "id" | "title")
                || value.is_empty()
            {
                continue;
            }
            let text = self.lines.string(*value)?;
            let mut is_kept = true;
            match (name.as_str(), &text) {
                ("notes", Some(text)) => draft.text(text.as_str()),
                ("parent", Some(text)) => draft.parent = Some(text.clone()),
                ("status", Some(text)) => {
                    draft.completed = text == "completed";
                    is_kept = matches!(text.as_str(), "completed" | "needsAction");
                }
                ("due", Some(text)) => {
                    draft.date = text.get(..10).and_then(day);
                    is_kept = draft.date.is_some();
                }
                ("completed", Some(text)) => {
                    draft.completed_at = zones::instant(text);
                    is_kept = draft.completed_at.is_some();
                }
                ("updated", Some(text)) => {
                    updated = zones::instant(text);
                    is_kept = updated.is_some();
                }
                ("created", Some(text)) => {
                    draft.created_at = zones::instant(text);
                    is_kept = draft.created_at.is_some();
                }
                ("deleted", None) => {
                    // From now on, so that there are days left to restore it.
                    draft.trashed_at = value.is_true().then(Timestamp::now);
                }
                ("links", None) => is_kept = self.links(&mut draft, *value)?,
                _ => is_kept = false,
            }
            if !is_kept {
                let at = self.lines.of(*value);
                let detail = match name.as_str() {
                    "hidden" => "is left out: Todoward hides no tasks".to_owned(),
                    _ => format!(
                        "{} is left out: Todoward has nothing for it",
                        shown(value.json())
                    ),
                };
                draft.drop_at(at, name, detail);
            }
        }
        draft.updated_at = updated;
        if !draft.completed && draft.completed_at.take().is_some() {
            draft.drop("completed", "is left out: the task is not completed");
        }
        Ok(draft)
    }

    /// A line for each link. False if there is something else.
    fn links(&mut self, draft: &mut Draft, value: Node<'a>) -> Result<bool, Invalid> {
        let Some((links, more)) = Lines::some(value, MAX_LINKS) else {
            return Ok(false);
        };
        if more > 0 {
            let detail = format!("{more} more are left out");
            draft.drop_at(self.lines.of(value), "links", detail);
        }
        for link in links {
            let Some(members) = self.lines.object(link)? else {
                return Ok(false);
            };
            let about = self
                .text(&members, "description")?
                .filter(|it| !it.is_empty());
            let url = self.text(&members, "link")?.unwrap_or_default();
            draft.text(match about {
                Some(about) => format!("{about}: {url}"),
                None => url,
            });
        }
        Ok(true)
    }

    fn text(&mut self, members: &Members<'a>, name: &str) -> Result<Option<String>, Invalid> {
        match find(members, name) {
            Some(value) => self.lines.string(value),
            None => Ok(None),
        }
    }
}

fn find<'a>(members: &Members<'a>, name: &str) -> Option<Node<'a>> {
    members
        .iter()
        .find(|(it, _)| it == name)
        .map(|(_, value)| *value)
}
