//! When a task is due, and how it repeats: four fields that need each other.

use chrono::NaiveDate;

use super::due::{DueTime, TimeZone};
use super::fields;
use super::recurrence::Rule;
use super::series::{Recurrence, RecurrencePatch};
use crate::primitives::field_error::FieldError;
use crate::primitives::json::Value;
use crate::primitives::text::Wrong;

const NEEDS_DATE: Wrong = "needs a due_date";
const NEEDS_TIME: Wrong = "needs a due_time";

/// When a task is due.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedule {
    /// The day.
    pub date: Option<NaiveDate>,
    /// The time of that day; needs a day.
    pub time: Option<DueTime>,
    /// The IANA name of the zone of that time; none is wherever the user is. Needs a
    /// time.
    pub zone: Option<String>,
    /// How it repeats; needs a day.
    pub recurrence: Option<Recurrence>,
}

/// A merge patch of a schedule: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SchedulePatch {
    date: Option<Option<NaiveDate>>,
    time: Option<Option<DueTime>>,
    zone: Option<Option<String>>,
    recurrence: Option<Option<RecurrencePatch>>,
}

impl SchedulePatch {
    /// Reads a field, if it is one of a schedule.
    pub fn read(&mut self, name: &str, value: &Value) -> Option<Result<(), Vec<FieldError>>> {
        let read = match name {
            "due_date" => fields::due_date(value).map(|date| self.date = Some(date)),
            "due_time" => time(value).map(|time| self.time = Some(time)),
            "time_zone" => zone(value).map(|zone| self.zone = Some(zone)),
            "recurrence" => {
                let recurrence = RecurrencePatch::parse(value);
                return Some(recurrence.map(|recurrence| self.recurrence = Some(recurrence)));
            }
            _ => return None,
        };
        Some(read.map_err(|why| vec![FieldError::in_body(format!("/{name}"), why)]))
    }

    /// What is set without what it needs, as far as the body shows it. `has` says
    /// whether the result could have a field that the body does not name.
    pub fn contradictions(&self, has: impl Fn(&str) -> bool) -> Vec<FieldError> {
        let date = self.date.map_or_else(|| has("due_date"), |it| it.is_some());
        let time = self.time.map_or_else(
            || has("due_time") && (date || self.date.is_none()),
            |it| it.is_some(),
        );
        let mut errors = Vec::new();
        let mut need = |name: &str, is_set: bool, met: bool, why: Wrong| {
            if is_set && !met {
                errors.push(FieldError::in_body(format!("/{name}"), why));
            }
        };
        let is_set = matches!(self.time, Some(Some(_)));
        need("due_time", is_set, date, NEEDS_DATE);
        need(
            "time_zone",
            matches!(self.zone, Some(Some(_))),
            time,
            NEEDS_TIME,
        );
        let is_set = matches!(self.recurrence, Some(Some(_)));
        need("recurrence", is_set, date, NEEDS_DATE);
        errors
    }

    /// The schedule after the patch. What needs something that is cleared is cleared
    /// with it: so a client that does not know it can clear a date.
    ///
    /// # Errors
    ///
    /// What is set without what it needs, and a rule that has no date.
    pub fn apply(&self, old: &Schedule) -> Result<Schedule, Vec<FieldError>> {
        let mut new = old.clone();
        if let Some(date) = self.date {
            new.date = date;
        }
        if let Some(time) = self.time {
            new.time = time;
        }
        if new.date.is_none() {
            new.time = None;
            new.recurrence = None;
        }
        if let Some(zone) = &self.zone {
            new.zone.clone_from(zone);
        }
        if new.time.is_none() {
            new.zone = None;
        }
        let has = |name: &str| match name {
            "due_date" => new.date.is_some(),
            _ => new.time.is_some(),
        };
        let mut errors = self.contradictions(has);
        if errors.is_empty()
            && let Err(error) = self.apply_recurrence(old, &mut new)
        {
            errors.push(error);
        }
        if errors.is_empty() {
            Ok(new)
        } else {
            Err(errors)
        }
    }

    /// A series begins where its date or its rule is written. What is sent back as it
    /// was read is not written: the anchor stays, and with it the 31st of a series that
    /// is at 28 February.
    fn apply_recurrence(&self, old: &Schedule, new: &mut Schedule) -> Result<(), FieldError> {
        let before = old.recurrence.as_ref();
        let is_date_new = new.date != old.date;
        let (rule, from) = match (&self.recurrence, &new.recurrence) {
            (Some(None), _) => {
                new.recurrence = None;
                return Ok(());
            }
            (Some(Some(patch)), _) => patch.merge(before)?,
            (None, Some(kept)) if is_date_new => (kept.rule().to_owned(), kept.from()),
            (None, _) => return Ok(()),
        };
        let Some(anchor) = new.date else {
            return Ok(());
        };
        let is_same = before.is_some_and(|before| before.says(&rule, from)) && !is_date_new;
        if is_same && self.date.is_some() {
            return Ok(());
        }
        let parsed = Rule::parse(&rule).and_then(|parsed| parsed.first(anchor));
        parsed.map_err(|why| FieldError::in_body("/recurrence/rule", why.into_sentence()))?;
        new.recurrence = Some(Recurrence::begin(rule, from, anchor));
        Ok(())
    }
}

fn time(value: &Value) -> Result<Option<DueTime>, Wrong> {
    const WRONG: Wrong = "must be a time as HH:MM, from 00:00 to 23:59, or null";
    match value {
        Value::Null => Ok(None),
        Value::String(text) => DueTime::parse(text).map(Some).map_err(|_| WRONG),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(WRONG),
    }
}

fn zone(value: &Value) -> Result<Option<String>, Wrong> {
    const WRONG: Wrong =
        "must be the name of a time zone of IANA's database, such as Europe/Berlin, or null";
    match value {
        Value::Null => Ok(None),
        Value::String(name) => match TimeZone::parse(name) {
            Ok(_) => Ok(Some(name.clone())),
            Err(_) => Err(WRONG),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(WRONG),
    }
}
