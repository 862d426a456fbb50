//! How a task repeats, and where its series is.

use chrono::{Days, NaiveDate};
use serde_json::Result;

use super::fields::day;
use super::recurrence::Rule;
use crate::primitives::field_error::FieldError;
use crate::primitives::json::Value;
use crate::primitives::json_writer as write;
use crate::primitives::text::Wrong;

/// From where the next date of a series counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum From {
    /// From the date that was due.
    #[default]
    Due,
    /// From the day of completion.
    Completion,
}

/// A rule and the place of a task in the series. Kept as its column has it: most tasks
/// go from there to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    rule: String,
    from: From,
    /// The due date that a client last wrote. Days that a month lacks do not move it.
    anchor: NaiveDate,
    /// How many tasks of the series came before this one.
    before: u32,
    column: String,
}

impl From {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Completion => "completion",
        }
    }

    /// Of a name in JSON.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "due" => Some(Self::Due),
            "completion" => Some(Self::Completion),
            _ => None,
        }
    }
}

impl Recurrence {
    /// The begin of a series.
    pub fn begin(rule: String, from: From, anchor: NaiveDate) -> Self {
        Self::new(rule, from, anchor, 0)
    }

    fn new(rule: String, from: From, anchor: NaiveDate, before: u32) -> Self {
        let column = format!("{} {anchor} {before} {rule}", from.name());
        Self {
            rule,
            from,
            anchor,
            before,
            column,
        }
    }

    /// Of a column. None if somebody else has written it.
    pub fn from_column(column: &str) -> Option<Self> {
        let mut parts = column.splitn(4, ' ');
        let from = From::from_name(parts.next()?)?;
        let anchor = day(parts.next()?)?;
        let before = parts.next()?.parse().ok()?;
        Some(Self::new(parts.next()?.to_owned(), from, anchor, before))
    }

    /// As the column has it.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Whether a client has written the same.
    pub fn says(&self, rule: &str, from: From) -> bool {
        self.rule == rule && self.from == from
    }

    /// The rule, as a client has written it.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// From where the next date counts.
    pub fn from(&self) -> From {
        self.from
    }

    /// Where in the series it is: the due date that a client last wrote, and how many
    /// tasks came before.
    pub fn place(&self) -> (NaiveDate, u32) {
        (self.anchor, self.before)
    }

    /// The same series at another place of it.
    pub fn placed(&self, anchor: NaiveDate, before: u32) -> Self {
        Self::new(self.rule.clone(), self.from, anchor, before)
    }

    /// The same series begun anew at another date.
    pub fn restarted(&self, anchor: NaiveDate) -> Self {
        Self::begin(self.rule.clone(), self.from, anchor)
    }

    /// The same series for a copy of a task whose dates are so many days later.
    pub fn shifted(&self, days: i64) -> Self {
        let anchor = shift(self.anchor, days).unwrap_or(self.anchor);
        Self::new(self.rule.clone(), self.from, anchor, self.before)
    }

    /// The date after `due` of a task that is completed on the day `today`, and the
    /// series as the next task has it. None at the end of the series.
    pub fn next(&self, due: NaiveDate, today: NaiveDate) -> Option<(NaiveDate, Self)> {
        let rule = Rule::parse(&self.rule).ok()?;
        let before = self.before.saturating_add(1);
        let next = match self.from {
            From::Due => {
                let yesterday = today.pred_opt().unwrap_or(today);
                rule.next_after(self.anchor, due.max(yesterday))
            }
            From::Completion => {
                let is_last = rule.count().is_some_and(|count| u64::from(before) >= count);
                (!is_last)
                    .then(|| rule.next_from_completion(today))
                    .flatten()
            }
        }?;
        let series = Self::new(self.rule.clone(), self.from, self.anchor, before);
        Some((next, series))
    }

    /// Writes the object of a column, or null.
    pub fn write_json(out: &mut Vec<u8>, column: Option<&str>) -> Result<()> {
        let recurrence = column.and_then(Self::from_column);
        write::or_null(out, recurrence, |out, recurrence| {
            out.extend_from_slice(b"{\"rule\":");
            write::text(out, &recurrence.rule)?;
            out.extend_from_slice(b",\"from\":");
            write::word(out, recurrence.from.name())?;
            out.push(b'}');
            Ok(())
        })
    }
}

/// The day so many days later, within the days that a task can have.
pub fn shift(day: NaiveDate, days: i64) -> Option<NaiveDate> {
    let later = match u64::try_from(days) {
        Ok(days) => day.checked_add_days(Days::new(days)),
        Err(_) => day.checked_sub_days(Days::new(days.unsigned_abs())),
    };
    let last = NaiveDate::from_ymd_opt(9999, 12, 31);
    later.filter(|day| Some(*day) <= last && *day >= NaiveDate::default())
}

/// A merge patch of the recurrence: what is absent stays.
#[derive(Debug, Clone, PartialEq)]
pub struct RecurrencePatch {
    rule: Option<Option<String>>,
    from: Option<From>,
}

impl RecurrencePatch {
    /// Reads a patch; null, which ends the series, is none.
    pub fn parse(value: &Value) -> std::result::Result<Option<Self>, Vec<FieldError>> {
        let error = |pointer: &str, why: Wrong| FieldError::in_body(pointer, why);
        let members = match value {
            Value::Null => return Ok(None),
            Value::Object(members) => members,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                let why = "must be null or an object with rule and from";
                return Err(vec![error("/recurrence", why)]);
            }
        };
        let mut patch = Self {
            rule: None,
            from: None,
        };
        let mut errors = Vec::new();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("rule", Value::Null) => patch.rule = Some(None),
                ("rule", Value::String(rule)) => match Rule::parse(rule) {
                    Ok(_) => patch.rule = Some(Some(rule.clone())),
                    Err(why) => {
                        errors.push(FieldError::in_body("/recurrence/rule", why.to_string()));
                    }
                },
                ("rule", _) => errors.push(error("/recurrence/rule", "must be a string")),
                ("from", Value::Null) => patch.from = Some(From::Due),
                ("from", value) => match value.as_str().and_then(From::from_name) {
                    Some(from) => patch.from = Some(from),
                    None => errors.push(error("/recurrence/from", "must be due or completion")),
                },
                (name, _) => errors.push(FieldError::unknown_field_in("/recurrence", name)),
            }
        }
        if errors.is_empty() {
            Ok(Some(patch))
        } else {
            Err(errors)
        }
    }

    /// What it makes of what is there: a rule and from where it counts.
    pub fn merge(
        &self,
        old: Option<&Recurrence>,
    ) -> std::result::Result<(String, From), FieldError> {
        let rule = match &self.rule {
            Some(rule) => rule.clone(),
            None => old.map(|old| old.rule.clone()),
        };
        let rule = rule.ok_or_else(|| FieldError::in_body("/recurrence/rule", "is required"))?;
        let old_from = old.map(|old| old.from).unwrap_or_default();
        Ok((rule, self.from.unwrap_or(old_from)))
    }
}
