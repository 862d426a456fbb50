//! VTODO components of RFC 5545, as the programs for tasks write them.

mod lines;
mod todo;

use std::collections::HashMap;

use self::lines::{Lines, Property, property};
use self::todo::{Todo, Zones};
use super::collector::Collector;
use super::draft::shown;
use super::zones;
use crate::interchange::document::{Document, Dropped, Identity, Invalid};
use crate::lists::fields::Color;
use crate::primitives::id::ResourceId;

/// Properties of a calendar that say nothing about tasks.
const TECHNICAL: [&str; 11] = [
    "VERSION",
    "PRODID",
    "CALSCALE",
    "METHOD",
    "X-WR-TIMEZONE",
    "X-WR-RELCALID",
    "X-PUBLISHED-TTL",
    "REFRESH-INTERVAL",
    "LAST-MODIFIED",
    "UID",
    "SOURCE",
];

/// Reads a file whole.
pub fn read(file: &[u8], max: usize) -> Result<Document, Invalid> {
    let mut lines = Lines::of(file);
    let mut reader = Reader::new(max);
    let mut last = 1;
    while let Some((line, text)) = lines.next()? {
        last = line;
        match property(line, &text) {
            Some(property) => reader.property(property)?,
            None => reader.no_property(line, &text)?,
        }
    }
    if !reader.open.is_empty() {
        let detail = format!(
            "the file ends inside {}: it was cut",
            reader.open.last().map_or("", String::as_str)
        );
        return Err(Invalid { line: last, detail });
    }
    if !reader.has_calendar {
        let detail = "the file must begin with BEGIN:VCALENDAR".to_owned();
        return Err(Invalid { line: 1, detail });
    }
    reader.finish()
}

struct Reader {
    collector: Collector,
    has_calendar: bool,
    /// The components that are open, from the outside.
    open: Vec<String>,
    /// What the calendar says of its list.
    name: Option<(u64, String)>,
    color: Option<Color>,
    /// Lists by what the file calls them.
    by_name: HashMap<String, usize>,
    by_id: HashMap<String, usize>,
    todo: Option<Todo>,
    todos: Vec<Todo>,
    /// Where the tasks of the calendar begin that is open.
    first: usize,
    /// How much the tasks so far have noted in words.
    noted: usize,
    zones: Zones,
    /// What the zone that is open is called.
    zone: Option<String>,
}

/// The max number of zones whose names are kept.
const MAX_ZONES: usize = 1000;

impl Reader {
    fn new(max: usize) -> Self {
        Self {
            collector: Collector::new(max),
            has_calendar: false,
            open: Vec::new(),
            name: None,
            color: None,
            by_name: HashMap::new(),
            by_id: HashMap::new(),
            todo: None,
            todos: Vec::new(),
            first: 0,
            noted: 0,
            zones: Zones::default(),
            zone: None,
        }
    }

    fn no_property(&mut self, line: u64, text: &str) -> Result<(), Invalid> {
        if !self.has_calendar {
            let detail = "the file must begin with BEGIN:VCALENDAR".to_owned();
            return Err(Invalid { line, detail });
        }
        let detail = format!("{:?} is left out: it is no property", shown(text));
        match &mut self.todo {
            Some(todo) => todo.draft.drop_at(line, "line", detail),
            None => self.collector.drop(line, "", "line", detail),
        }
        Ok(())
    }

    fn property(&mut self, property: Property) -> Result<(), Invalid> {
        let value = property.value.trim().to_ascii_uppercase();
        match property.name.as_str() {
            "BEGIN" => return self.begin(property.line, value),
            "END" => return self.end(property.line, &value),
            _ => {}
        }
        match self.open.last().map(String::as_str) {
            None => {
                let detail = "here must be BEGIN:VCALENDAR".to_owned();
                return Err(Invalid {
                    line: property.line,
                    detail,
                });
            }
            Some("VCALENDAR") => self.calendar(&property)?,
            Some("VTODO") => {
                if let Some(todo) = &mut self.todo {
                    todo.property(property);
                }
            }
            Some("VTIMEZONE") => self.zone(property),
            Some(_) => {}
        }
        Ok(())
    }

    fn begin(&mut self, line: u64, name: String) -> Result<(), Invalid> {
        let refused = |detail: &str| {
            let detail = detail.to_owned();
            Err(Invalid { line, detail })
        };
        match (self.open.last().map(String::as_str), name.as_str()) {
            (None, "VCALENDAR") => {
                self.has_calendar = true;
                (self.name, self.color) = (None, None);
                self.first = self.todos.len();
            }
            (None, _) => return refused("here must be BEGIN:VCALENDAR"),
            (Some("VCALENDAR"), "VTODO") => {
                self.collector.may_follow(line, self.todos.len())?;
                let room = Dropped::MAX_LISTED.saturating_sub(self.noted);
                self.todo = Some(Todo::new(line, room));
            }
            (Some(_), "VTODO" | "VCALENDAR") => {
                return refused("the one before has not ended: the file was cut, or mixed up");
            }
            (Some("VCALENDAR"), "VTIMEZONE") => self.zone = None,
            (Some("VCALENDAR"), other) => {
                let detail = "is left out: it is no task";
                self.collector.drop(line, "", &shown(other), detail);
            }
            (Some("VTODO"), other) => {
                if let Some(todo) = &mut self.todo {
                    let detail = "is left out: Todoward has no reminders";
                    todo.draft.drop_at(line, other, detail);
                }
            }
            (Some(_), _) if self.open.len() > 100 => {
                return refused("components are nested too deep");
            }
            (Some(_), _) => {}
        }
        self.open.push(name);
        Ok(())
    }

    fn end(&mut self, line: u64, name: &str) -> Result<(), Invalid> {
        match self.open.pop() {
            Some(open) if open == name => {}
            Some(open) => {
                let detail = format!("here is an END of {:?} inside {open}", shown(name));
                return Err(Invalid { line, detail });
            }
            None => {
                let detail = format!("here is an END of {:?}, which did not begin", shown(name));
                return Err(Invalid { line, detail });
            }
        }
        if name == "VTODO"
            && let Some(todo) = self.todo.take()
        {
            self.noted += todo.draft.noted();
            self.todos.push(todo);
        }
        // Its name may stand behind its tasks.
        if name == "VCALENDAR" && self.todos.len() > self.first {
            let list = self.list()?;
            for todo in self.todos.iter_mut().skip(self.first) {
                todo.draft.list = list;
            }
        }
        Ok(())
    }

    /// The IANA name of a zone that has another one: `X-LIC-LOCATION`, as libical writes it.
    fn zone(&mut self, property: Property) {
        match property.name.as_str() {
            "TZID" => self.zone = Some(property.value.trim().to_owned()),
            "X-LIC-LOCATION" => {
                let known = zones::iana(&property.value);
                if let (Some(zone), Some(known)) = (self.zone.take(), known)
                    && self.zones.len() < MAX_ZONES
                {
                    self.zones.insert(zone, known);
                }
            }
            _ => {}
        }
    }

    /// The list of the calendar, which is made for its first task.
    fn list(&mut self) -> Result<Option<usize>, Invalid> {
        let Some((line, name)) = self.name.clone() else {
            return Ok(None);
        };
        if let Some(list) = self.by_name.get(&name) {
            return Ok(Some(*list));
        }
        let list = self
            .collector
            .list(line, Identity::Content(name.clone()), &name)?;
        if let Some(list) = self.collector.list_mut(list) {
            list.color = self.color.clone();
        }
        self.by_name.insert(name, list);
        Ok(Some(list))
    }

    fn calendar(&mut self, property: &Property) -> Result<(), Invalid> {
        match property.name.as_str() {
            "X-WR-CALNAME" | "NAME" => {
                let name = property.text();
                let first = self.name.as_ref().map(|(_, first)| first == &name);
                match first {
                    _ if name.trim().is_empty() => {}
                    None => self.name = Some((property.line, name)),
                    Some(is_same) if !is_same => self.left_out(property),
                    Some(_) => {}
                }
            }
            "X-APPLE-CALENDAR-COLOR" | "COLOR" => {
                // Apple's have two digits more, for what shines through.
                let color = property.value.trim().get(..7).unwrap_or_default();
                match Color::parse(&color.into()) {
                    Ok(color) => self.color = color,
                    Err(_) => self.left_out(property),
                }
            }
            "X-TODOWARD-LIST" => self.own_list(property)?,
            name if TECHNICAL.contains(&name) || property.value.is_empty() => {}
            _ => self.left_out(property),
        }
        Ok(())
    }

    fn left_out(&mut self, property: &Property) {
        let detail = format!(
            "{:?} is left out: a list has nothing for it",
            shown(&property.value)
        );
        let name = shown(&property.name);
        self.collector.drop(property.line, "", &name, detail);
    }

    fn own_list(&mut self, property: &Property) -> Result<(), Invalid> {
        let id = property.parameter("X-ID").unwrap_or_default().to_owned();
        let name = property.text();
        let identity = match ResourceId::parse(&id) {
            Some(id) => Identity::Id(id),
            None => Identity::Content(name.clone()),
        };
        let list = self.collector.list(property.line, identity, &name)?;
        if let Some(list) = self.collector.list_mut(list) {
            let color = property.parameter("X-COLOR").unwrap_or_default();
            list.color = Color::parse(&color.into()).ok().flatten();
            list.archived = property.parameter("X-ARCHIVED") == Some("TRUE");
        }
        self.by_id.insert(id, list);
        Ok(())
    }

    fn finish(mut self) -> Result<Document, Invalid> {
        // The order that people have arranged, as Apple's, Nextcloud's and Tasks.org's have
        // it: seconds since 2001, by default those of the creation.
        if self.todos.iter().any(|todo| todo.order.is_some()) {
            self.todos.sort_by_key(|todo| {
                let created = todo
                    .draft
                    .created_at
                    .map(|at| at.utc().timestamp() - 978_307_200);
                todo.order.or(created).unwrap_or(i64::MAX)
            });
        }
        for todo in self.todos {
            let by_id = todo.list_id.as_ref().map(|id| self.by_id.get(id).copied());
            let mut draft = todo.finish(&self.zones);
            match by_id {
                Some(Some(list)) => draft.list = Some(list),
                Some(None) => {
                    let detail = "is left out: no list of the file has this id";
                    draft.drop("X-TODOWARD-LIST-ID", detail);
                }
                None => {}
            }
            self.collector.task(draft)?;
        }
        Ok(self.collector.finish())
    }
}
