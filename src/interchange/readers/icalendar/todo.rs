//! One VTODO.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};

use super::lines::Property;
use crate::interchange::document::Identity;
use crate::interchange::readers::draft::{Draft, Names, shown};
use crate::interchange::readers::zones;
use crate::interchange::rrule;
use crate::primitives::id::ResourceId;
use crate::primitives::position::is_position;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::due::{TimeZone, due_at};
use crate::tasks::fields::Priority;
use crate::tasks::series::{From, Recurrence};

pub static NAMES: Names = Names {
    title: "SUMMARY",
    description: "DESCRIPTION",
    tags: "CATEGORIES",
    recurrence: "RRULE",
    parent: "RELATED-TO",
    list: "X-TODOWARD-LIST-ID",
};

/// IANA names of the zones that a file describes under names of its own.
pub type Zones = HashMap<String, &'static str>;

/// A VTODO in the making.
pub struct Todo {
    pub draft: Draft,
    /// Where it stands, as X-APPLE-SORT-ORDER has it.
    pub order: Option<i64>,
    pub list_id: Option<String>,
    uid: Option<String>,
    override_of: Option<String>,
    status: Option<String>,
    percent: Option<i64>,
    due: Option<Property>,
    start: Option<Property>,
    own_rule: Option<(String, From)>,
    /// All lines, where there is no UID.
    content: String,
}

/// A DATE or a DATE-TIME.
struct Moment {
    date: NaiveDate,
    time: Option<NaiveTime>,
    zone: Option<&'static str>,
    /// The name of a zone that is not known.
    unknown: Option<String>,
}

impl Todo {
    /// One that may note so many left-out values in words.
    pub fn new(line: u64, room: usize) -> Self {
        Self {
            draft: Draft::new(&NAMES, line, Identity::Content(String::new())).with_room(room),
            order: None,
            list_id: None,
            uid: None,
            override_of: None,
            status: None,
            percent: None,
            due: None,
            start: None,
            own_rule: None,
            content: String::new(),
        }
    }

    /// Takes a property.
    pub fn property(&mut self, property: Property) {
        if self.uid.is_none() && property.name != "DTSTAMP" {
            self.content.push_str(&property.name);
            self.content.push(':');
            self.content.push_str(&property.value);
            self.content.push('\n');
        }
        let value = property.value.trim();
        if value.is_empty() {
            return;
        }
        let draft = &mut self.draft;
        let is_kept = match property.name.as_str() {
            "UID" => {
                self.uid = Some(value.to_owned());
                self.content = String::new();
                true
            }
            "SUMMARY" if draft.title.is_empty() => {
                draft.title = property.text();
                true
            }
            "DESCRIPTION" | "COMMENT" => {
                draft.text(property.text());
                true
            }
            "URL" => {
                draft.text(value);
                true
            }
            "ATTACH" if !is_binary(&property) && value.len() <= 2000 => {
                draft.text(value);
                true
            }
            "CATEGORIES" => {
                property.items().for_each(|tag| draft.tag(&tag));
                true
            }
            "PRIORITY" => {
                let priority = match value.parse::<u8>() {
                    Ok(0) => Some(Priority::None),
                    Ok(1..=4) => Some(Priority::High),
                    Ok(5) => Some(Priority::Medium),
                    Ok(6..=9) => Some(Priority::Low),
                    _ => None,
                };
                draft.priority = priority.unwrap_or_default();
                priority.is_some()
            }
            "STATUS" => {
                self.status = Some(value.to_ascii_uppercase());
                true
            }
            "PERCENT-COMPLETE" => {
                self.percent = value.parse().ok();
                matches!(self.percent, Some(0 | 100))
            }
            "COMPLETED" => {
                draft.completed_at = instant(&property);
                draft.completed_at.is_some()
            }
            "CREATED" => {
                draft.created_at = instant(&property);
                draft.created_at.is_some()
            }
            "LAST-MODIFIED" => {
                draft.updated_at = instant(&property);
                draft.updated_at.is_some()
            }
            "DUE" if self.due.is_none() => {
                self.due = Some(property);
                return;
            }
            "DTSTART" if self.start.is_none() => {
                self.start = Some(property);
                return;
            }
            "RRULE" if draft.rule.is_none() => {
                draft.rule = Some(value.to_owned());
                true
            }
            "RELATED-TO" => {
                let kind = property.parameter("RELTYPE").unwrap_or("PARENT");
                let is_parent = kind.eq_ignore_ascii_case("PARENT") && draft.parent.is_none();
                if is_parent {
                    draft.parent = Some(value.to_owned());
                }
                is_parent
            }
            "RECURRENCE-ID" => {
                self.override_of = Some(value.to_owned());
                false
            }
            "X-APPLE-SORT-ORDER" => {
                self.order = value.parse().ok();
                self.order.is_some()
            }
            "X-TODOWARD-LIST-ID" => {
                self.list_id = Some(value.to_owned());
                true
            }
            "X-TODOWARD-POSITION" => {
                draft.position = Some(value.to_owned()).filter(|it| is_position(it));
                draft.position.is_some()
            }
            "X-TODOWARD-RRULE" => {
                let from = property.parameter("X-FROM").unwrap_or_default();
                let from = From::from_name(&from.to_ascii_lowercase()).unwrap_or_default();
                self.own_rule = Some((value.to_owned(), from));
                true
            }
            // When the file was made, and how often it was changed.
            "DTSTAMP" | "SEQUENCE" => true,
            "CLASS" => value.eq_ignore_ascii_case("PUBLIC"),
            _ => false,
        };
        if !is_kept {
            let detail = match property.name.as_str() {
                "RECURRENCE-ID" => {
                    "is left out: one date of a series that was changed is a task of its own here"
                        .to_owned()
                }
                _ => format!(
                    "{:?} is left out: Todoward has nothing for it",
                    shown(value)
                ),
            };
            self.draft.drop_at(property.line, &property.name, detail);
        }
    }

    /// The task, with the names that the file explains its zones by.
    pub fn finish(mut self, zones: &Zones) -> Draft {
        self.identify();
        self.complete();
        self.schedule(zones);
        self.draft
    }

    fn identify(&mut self) {
        let Some(uid) = self.uid.take() else {
            self.draft.identity = Identity::Content(std::mem::take(&mut self.content));
            return;
        };
        // Other programs keep the UIDs that Todoward has given, and make some of other kinds.
        let own = ResourceId::parse(&uid).filter(|id| id.why_not_new(Timestamp::now()).is_none());
        self.draft.identity = match (&self.override_of, own) {
            (Some(of), _) => Identity::Uid(format!("{uid}/{of}")),
            (None, Some(id)) => Identity::Id(id),
            (None, None) => Identity::Uid(uid.clone()),
        };
        if self.override_of.is_none() {
            self.draft.key = Some(uid);
        }
    }

    fn complete(&mut self) {
        let draft = &mut self.draft;
        let has_time = draft.completed_at.is_some();
        draft.completed = match self.status.as_deref() {
            Some("COMPLETED") => true,
            Some("NEEDS-ACTION") => false,
            Some("CANCELLED") => {
                draft.drop("STATUS", "CANCELLED is kept as completed");
                true
            }
            Some(other) => {
                let shown = shown(other);
                draft.drop("STATUS", format!("{shown:?} is kept as open"));
                false
            }
            None => has_time || self.percent == Some(100),
        };
        if has_time && !draft.completed {
            draft.drop("COMPLETED", "is left out: the task is not completed");
        }
        if self.percent == Some(100) && !draft.completed {
            let detail = "100 is left out: STATUS says that the task is not completed";
            draft.drop("PERCENT-COMPLETE", detail);
        }
    }

    fn schedule(&mut self, zones: &Zones) {
        let (due, start) = (self.due.take(), self.start.take());
        let is_same = match (&due, &start) {
            (Some(due), Some(start)) => due.value == start.value,
            _ => false,
        };
        // A rule counts from DTSTART; where nothing else is due, that is.
        let (due, start) = match (due, start) {
            (None, Some(start)) if self.draft.rule.is_some() => (Some(start), None),
            (due, start) => (due, start.filter(|_| !is_same)),
        };
        if let Some(start) = start {
            let detail = format!(
                "{:?} is left out: tasks have no day on which they begin",
                shown(&start.value)
            );
            self.draft.drop_at(start.line, "DTSTART", detail);
        }
        if let Some(due) = due {
            self.due(&due, zones);
        }
        // Without a day it stays, and is reported.
        let Some(date) = self.draft.date else {
            return;
        };
        let Some(rule) = self.draft.rule.take() else {
            return;
        };
        let (time, zone) = (self.draft.time, self.draft.zone.as_deref());
        let read = rrule::read(&rule, date, time, zone);
        let Some((own, from)) = self.own_rule.take() else {
            self.draft.rule = Some(read);
            return;
        };
        // Unless somebody else has changed what both say.
        let recurrence = Recurrence::begin(own, from, date);
        let (written, _) = rrule::written(&recurrence, date, time, zone);
        let is_own = written == rule;
        self.draft.rule = Some(if is_own {
            recurrence.rule().to_owned()
        } else {
            read
        });
        if is_own {
            self.draft.from = from;
        }
    }

    fn due(&mut self, property: &Property, zones: &Zones) {
        let draft = &mut self.draft;
        let Some(moment) = moment(property) else {
            let detail = format!(
                "{:?} is left out: it is no day and no time",
                shown(&property.value)
            );
            draft.drop_at(property.line, &property.name, detail);
            return;
        };
        draft.date = Some(moment.date);
        let Some(time) = moment.time else {
            return;
        };
        draft.time = Some(zones::minutes(time));
        let explained = || zones.get(moment.unknown.as_deref()?).copied();
        let zone = moment.zone.or_else(explained);
        draft.zone = zone.map(str::to_owned);
        if time.second() != 0 {
            let detail = format!("the seconds of {time} are left out");
            draft.drop_at(property.line, &property.name, detail);
        }
        if let Some(zone) = moment.unknown.filter(|_| zone.is_none()) {
            let detail = format!("the zone {:?} is left out: it is not known", shown(&zone));
            draft.drop_at(property.line, "TZID", detail);
        }
    }
}

fn moment(property: &Property) -> Option<Moment> {
    let value = property.value.trim();
    let (value, is_utc) = match value.strip_suffix(['Z', 'z']) {
        Some(value) => (value, true),
        None => (value, false),
    };
    let tzid = property.parameter("TZID").filter(|_| !is_utc);
    let digits = |text: &str, len| text.len() == len && text.bytes().all(|it| it.is_ascii_digit());
    let (day, time) = match value.split_once(['T', 't']) {
        Some((day, time)) => (day, Some(time)),
        None => (value, None),
    };
    if !digits(day, 8) {
        return None;
    }
    let date = NaiveDate::parse_from_str(day, "%Y%m%d").ok()?;
    let date = zones::day(date)?;
    let time = match time {
        Some(time) if digits(time, 6) => {
            // A leap second is the one before it.
            let time = NaiveTime::parse_from_str(time, "%H%M%S").ok()?;
            Some(time.with_nanosecond(0)?)
        }
        Some(_) => return None,
        None => None,
    };
    let known = tzid.and_then(zones::iana);
    Some(Moment {
        date,
        time,
        zone: if is_utc { Some("UTC") } else { known },
        unknown: tzid.filter(|_| known.is_none()).map(str::to_owned),
    })
}

/// The instant of a DATE-TIME; what is in no zone is taken for UTC.
fn instant(property: &Property) -> Option<Timestamp> {
    let moment = moment(property)?;
    let time = moment.time.unwrap_or_default();
    let zone = moment.zone.and_then(|zone| TimeZone::parse(zone).ok());
    let at = match zone.filter(|zone| zone.name() != "UTC") {
        Some(zone) => due_at(moment.date, zones::minutes(time), &zone)?,
        None => Timestamp::of_column(NaiveDateTime::new(moment.date, time)),
    };
    zones::day(at.utc().date_naive()).map(|_| at)
}

fn is_binary(property: &Property) -> bool {
    let kind = property.parameter("VALUE");
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("BINARY"))
}
