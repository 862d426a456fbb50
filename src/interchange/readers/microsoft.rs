//! Microsoft To Do, as the Graph API responds: tasks, lists of tasks, or pages of them.

use chrono::{NaiveDateTime, Timelike as _};

use super::collector::Collector;
use super::draft::{Draft, Names, shown};
use super::html;
use super::json_items::{Lines, Members, Node};
use super::{graph_rules, zones};
use crate::interchange::document::{Document, Identity, Invalid};
use crate::primitives::timestamp::Timestamp;
use crate::tasks::fields::Priority;

pub static NAMES: Names = Names {
    title: "title",
    description: "body",
    tags: "categories",
    recurrence: "recurrence",
    parent: "checklistItems",
    list: "list",
};

/// What says nothing to a person, or what the API computes.
const TECHNICAL: [&str; 9] = [
    "id",
    "bodyLastModifiedDateTime",
    "hasAttachments",
    "isReminderOn",
    "changeKey",
    "parentFolderId",
    "wellknownListName",
    "isOwner",
    "isShared",
];

/// The max number of categories and of links of a task.
const MAX_PARTS: usize = 1000;

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

pub struct Reader<'a> {
    pub lines: Lines<'a>,
    collector: Collector,
    /// The max number of tasks, and of lists.
    max: usize,
}

impl<'a> Reader<'a> {
    fn root(&mut self, root: Node<'a>) -> Result<(), Invalid> {
        if let Some(items) = Lines::array(root, self.max.saturating_mul(2)) {
            return self.items(items, None);
        }
        let line = self.lines.of(root);
        let members = self.lines.object(root)?.unwrap_or_default();
        if find(&members, "title").is_some() {
            return self.task(line, &members, None);
        }
        if find(&members, "displayName").is_some() {
            return self.list(line, &members);
        }
        let mut found = false;
        for (name, value) in &members {
            match name.as_str() {
                "value" | "lists" | "tasks" => {
                    if let Some(items) = Lines::array(*value, self.max.saturating_mul(2)) {
                        found = true;
                        self.items(items, None)?;
                    }
                }
                "@odata.nextLink" => {
                    let line = self.lines.of(*value);
                    let detail = "says that there are more pages, which are not in this file";
                    self.collector.drop(line, "", name, detail);
                }
                name if is_technical(name) || value.is_empty() => {}
                name => {
                    let detail = format!(
                        "{} is left out: Todoward has nothing for it",
                        shown(value.json())
                    );
                    let line = self.lines.of(*value);
                    self.collector.drop(line, "", name, detail);
                }
            }
        }
        if found {
            return Ok(());
        }
        let detail =
            "the file must be an object with an array \"value\", as the Graph API responds";
        Err(Invalid {
            line,
            detail: detail.to_owned(),
        })
    }

    fn items(&mut self, items: Vec<Node<'a>>, list: Option<usize>) -> Result<(), Invalid> {
        for item in items {
            let line = self.lines.of(item);
            let Some(members) = self.lines.object(item)? else {
                let detail = "an item must be an object: a list, or a task".to_owned();
                return Err(Invalid { line, detail });
            };
            let is_list =
                find(&members, "displayName").is_some() || find(&members, "tasks").is_some();
            // A list in a list is none: it would be a way to make the stack deep.
            match is_list && list.is_none() && find(&members, "title").is_none() {
                true => self.list(line, &members)?,
                false => self.task(line, &members, list)?,
            }
        }
        Ok(())
    }

    fn list(&mut self, line: u64, members: &Members<'a>) -> Result<(), Invalid> {
        let name = self.text(members, "displayName")?.unwrap_or_default();
        let identity = match self.text(members, "id")? {
            Some(id) => Identity::Uid(id),
            None => Identity::Content(name.clone()),
        };
        let list = self.collector.list(line, identity, &name)?;
        for (member, value) in members {
            match member.as_str() {
                "displayName" => {}
                "tasks" | "value" => {
                    if let Some(items) = Lines::array(*value, self.max.saturating_add(1)) {
                        self.items(items, Some(list))?;
                    }
                }
                other if is_technical(other) || value.is_empty() => {}
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
        Ok(())
    }

    fn task(
        &mut self,
        line: u64,
        members: &Members<'a>,
        list: Option<usize>,
    ) -> Result<(), Invalid> {
        let id = self.text(members, "id")?;
        let title = self.text(members, "title")?.unwrap_or_default();
        let identity = match &id {
            Some(id) => Identity::Uid(id.clone()),
            None => Identity::Content(title.clone()),
        };
        let mut draft = Draft::new(&NAMES, line, identity);
        (draft.title, draft.list) = (title, list);
        let key = id.clone().unwrap_or_else(|| format!("line {line}"));
        draft.key = Some(key.clone());
        let mut steps = Vec::new();
        // A due day is the midnight of some zone, which other fields name.
        let zone = self.zone(members)?;
        for (name, value) in members {
            if is_technical(name) || name == "title" || value.is_empty() {
                continue;
            }
            let text = self.lines.string(*value)?;
            let is_kept = match (name.as_str(), text.as_deref()) {
                ("importance", Some(text)) => {
                    draft.priority = match text {
                        "high" => Priority::High,
                        "low" => Priority::Low,
                        _ => Priority::None,
                    };
                    matches!(text, "high" | "normal" | "low")
                }
                ("status", Some(text)) => {
                    draft.completed = text == "completed";
                    matches!(text, "completed" | "notStarted")
                }
                ("createdDateTime", Some(text)) => {
                    keep(&mut draft.created_at, zones::instant(text))
                }
                ("lastModifiedDateTime", Some(text)) => {
                    keep(&mut draft.updated_at, zones::instant(text))
                }
                ("categories", None) => {
                    let (tags, more) = Lines::some(*value, MAX_PARTS).unwrap_or_default();
                    for tag in tags {
                        draft.tag(&self.lines.string(tag)?.unwrap_or_default());
                    }
                    more_left_out(&mut draft, name, more);
                    true
                }
                ("body", None) => self.body(&mut draft, *value)?,
                ("dueDateTime", None) => self.due(&mut draft, *value, zone)?,
                ("completedDateTime", None) => {
                    let moment = self.moment(*value)?;
                    let at = moment.and_then(|(moment, zone)| instant(moment, zone));
                    keep(&mut draft.completed_at, at)
                }
                ("recurrence", None) => {
                    draft.rule = graph_rules::rule(self, *value)?;
                    draft.rule.is_some()
                }
                ("checklistItems", None) => {
                    steps = Lines::array(*value, self.max).unwrap_or_default();
                    true
                }
                ("linkedResources", None) => self.links(&mut draft, *value)?,
                _ => false,
            };
            if !is_kept {
                let at = self.lines.of(*value);
                draft.drop_at(
                    at,
                    name,
                    format!(
                        "{} is left out: Todoward has nothing for it",
                        shown(value.json())
                    ),
                );
            }
        }
        if !draft.completed && draft.completed_at.take().is_some() {
            draft.drop(
                "completedDateTime",
                "is left out: the task is not completed",
            );
        }
        self.collector.task(draft)?;
        for step in steps {
            self.step(step, &key, list)?;
        }
        Ok(())
    }

    /// A step of a checklist is a subtask.
    fn step(&mut self, step: Node<'a>, parent: &str, list: Option<usize>) -> Result<(), Invalid> {
        let line = self.lines.of(step);
        let members = self.lines.object(step)?.unwrap_or_default();
        let title = self.text(&members, "displayName")?.unwrap_or_default();
        let identity = match self.text(&members, "id")? {
            Some(id) => Identity::Uid(format!("{parent}/{id}")),
            None => Identity::Content(title.clone()),
        };
        let mut draft = Draft::new(&NAMES, line, identity);
        (draft.title, draft.list) = (title, list);
        draft.parent = Some(parent.to_owned());
        for (name, value) in &members {
            if is_technical(name) || name == "displayName" || value.is_empty() {
                continue;
            }
            let time = self
                .lines
                .string(*value)?
                .as_deref()
                .and_then(zones::instant);
            let is_kept = match name.as_str() {
                "isChecked" => {
                    draft.completed = value.is_true();
                    true
                }
                "createdDateTime" => keep(&mut draft.created_at, time),
                "checkedDateTime" => keep(&mut draft.completed_at, time),
                _ => false,
            };
            if !is_kept {
                draft.drop(
                    name,
                    format!(
                        "{} is left out: Todoward has nothing for it",
                        shown(value.json())
                    ),
                );
            }
        }
        self.collector.task(draft).map(|_| ())
    }

    fn body(&mut self, draft: &mut Draft, value: Node<'a>) -> Result<bool, Invalid> {
        let Some(members) = self.lines.object(value)? else {
            return Ok(false);
        };
        let content = self.text(&members, "content")?.unwrap_or_default();
        let kind = self.text(&members, "contentType")?.unwrap_or_default();
        draft.text(match kind.eq_ignore_ascii_case("html") {
            true => html::text(&content),
            false => content,
        });
        Ok(true)
    }

    fn links(&mut self, draft: &mut Draft, value: Node<'a>) -> Result<bool, Invalid> {
        let (links, more) = Lines::some(value, MAX_PARTS).unwrap_or_default();
        more_left_out(draft, "linkedResources", more);
        for link in links {
            let members = self.lines.object(link)?.unwrap_or_default();
            let mut parts = Vec::new();
            for name in ["displayName", "applicationName", "webUrl"] {
                parts.extend(self.text(&members, name)?.filter(|it| !it.is_empty()));
            }
            draft.text(parts.join(" – "));
        }
        Ok(true)
    }

    /// A day, in whatever zone its midnight is.
    fn due(
        &mut self,
        draft: &mut Draft,
        value: Node<'a>,
        known: Option<&'static str>,
    ) -> Result<bool, Invalid> {
        let Some((mut moment, mut zone)) = self.moment(value)? else {
            return Ok(false);
        };
        let members = self.lines.object(value)?.unwrap_or_default();
        let name = self.text(&members, "timeZone")?.unwrap_or_default();
        if zone.is_none() && !name.is_empty() {
            let detail = format!("the zone {:?} is left out: it is not known", shown(&name));
            draft.drop("dueDateTime", detail);
        }
        if zone == Some("UTC")
            && let Some(known) = known
            && let Some(local) = zones::local(Timestamp::of_column(moment), known)
        {
            (moment, zone) = (local, Some(known));
        }
        let is_day = zones::is_midnight(moment);
        let (days, is_day) = match zone {
            _ if is_day => (0, true),
            // In UTC the day's midnight in a zone that is not told: east of Greenwich it is
            // in the evening before, west of it in the morning. At ten it is Hawaii.
            Some("UTC") => {
                let minutes = zones::minutes(moment.time()).minutes();
                (i64::from(minutes > 10 * 60), minutes % 15 == 0)
            }
            _ => (0, false),
        };
        let date = match is_day {
            true => moment
                .date()
                .checked_add_signed(chrono::TimeDelta::days(days)),
            false => Some(moment.date()),
        };
        draft.date = date.and_then(zones::day);
        if !is_day {
            draft.time = Some(zones::minutes(moment.time()));
            draft.zone = zone.map(str::to_owned);
        }
        Ok(draft.date.is_some())
    }

    /// The zone that a reminder or a recurrence names, other than UTC.
    fn zone(&mut self, members: &Members<'a>) -> Result<Option<&'static str>, Invalid> {
        for (field, path) in [
            ("recurrence", ["range", "recurrenceTimeZone"].as_slice()),
            ("reminderDateTime", &["timeZone"]),
            ("startDateTime", &["timeZone"]),
        ] {
            let mut at = find(members, field);
            for name in path {
                let inner = match at {
                    Some(node) => self.lines.object(node)?,
                    None => None,
                };
                at = inner.and_then(|members| find(&members, name));
            }
            if let Some(node) = at
                && let Some(zone) = self.lines.string(node)?.as_deref().and_then(zones::iana)
                && zone != "UTC"
            {
                return Ok(Some(zone));
            }
        }
        Ok(None)
    }

    /// A local time and its zone, if it is known.
    fn moment(
        &mut self,
        value: Node<'a>,
    ) -> Result<Option<(NaiveDateTime, Option<&'static str>)>, Invalid> {
        let Some(members) = self.lines.object(value)? else {
            return Ok(None);
        };
        let text = self.text(&members, "dateTime")?.unwrap_or_default();
        let zone = self.text(&members, "timeZone")?.unwrap_or_default();
        let text = text.trim_end_matches('Z');
        let moment = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
        // A leap second is the one before it.
        let moment = moment.and_then(|it| it.with_nanosecond(it.nanosecond() % 1_000_000_000));
        Ok(moment.map(|moment| (moment, zones::iana(&zone))))
    }

    pub fn text(&mut self, members: &Members<'a>, name: &str) -> Result<Option<String>, Invalid> {
        match find(members, name) {
            Some(value) => self.lines.string(value),
            None => Ok(None),
        }
    }
}

/// The instant of a local time; in UTC where the zone is not known.
fn instant(moment: NaiveDateTime, zone: Option<&'static str>) -> Option<Timestamp> {
    zones::day(moment.date())?;
    let zone = zone.filter(|zone| *zone != "UTC");
    let Some(zone) = zone.and_then(|zone| crate::tasks::due::TimeZone::parse(zone).ok()) else {
        return Some(Timestamp::of_column(moment));
    };
    let at = crate::tasks::due::due_at(moment.date(), zones::minutes(moment.time()), &zone)?;
    zones::day(at.utc().date_naive()).map(|_| at)
}

fn more_left_out(draft: &mut Draft, field: &str, more: usize) {
    if more > 0 {
        draft.drop(field, format!("{more} more are left out"));
    }
}

fn keep(place: &mut Option<Timestamp>, time: Option<Timestamp>) -> bool {
    *place = time;
    time.is_some()
}

fn is_technical(name: &str) -> bool {
    name.starts_with("@odata.") || TECHNICAL.contains(&name)
}

pub fn find<'a>(members: &Members<'a>, name: &str) -> Option<Node<'a>> {
    members
        .iter()
        .find(|(it, _)| it == name)
        .map(|(_, value)| *value)
}
