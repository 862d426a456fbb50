//! On which dates a task recurs: RRULE of RFC 5545, by days.

mod dates;
mod lists;
mod parse;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use chrono::{NaiveDate, Weekday};

use lists::{MonthDays, WeekDays};

/// A rule of RFC 5545 section 3.3.10 that a task can have.
///
/// A day that a month lacks is taken as RFC 7529's `SKIP=BACKWARD`, unless the rule
/// has `SKIP=OMIT`: the last day stands for the 29th to 31st, of BYMONTHDAY and of the
/// anchor, with MONTHLY and YEARLY, before BYDAY and BYSETPOS look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    frequency: Frequency,
    /// Periods from one to the next, at least 1.
    interval: i64,
    /// Bit 1 is January; 0 if the rule names none.
    months: u16,
    month_days: MonthDays,
    week_days: WeekDays,
    positions: Vec<i16>,
    week_start: Weekday,
    count: Option<u64>,
    until: Option<NaiveDate>,
    omits: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// Why a text is no rule, as a sentence for the client without the field's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError(Cow<'static, str>);

impl RuleError {
    /// The sentence.
    pub fn into_sentence(self) -> Cow<'static, str> {
        self.0
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RuleError {}

impl Rule {
    /// The max length of a rule, in bytes.
    pub const MAX_BYTES: usize = 500;

    /// The value of an RRULE, in upper case, without white space.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or not supported, and what is right.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        parse::rule(text)
    }

    /// The first date, which is the anchor if that matches.
    ///
    /// # Errors
    ///
    /// There is none up to 31 December 9999.
    pub fn first(&self, anchor: NaiveDate) -> Result<NaiveDate, RuleError> {
        const NONE: RuleError = RuleError(Cow::Borrowed(
            "must have a date, from the due date to UNTIL or to 31 December 9999",
        ));
        dates::next(self, anchor, anchor).ok_or(NONE)
    }

    /// The first date that is after `after`, up to UNTIL and 31 December 9999.
    ///
    /// The anchor is RFC 5545's DTSTART: it is a date of the rule only if it matches, and
    /// COUNT counts what matches, from the anchor on.
    pub fn next_after(&self, anchor: NaiveDate, after: NaiveDate) -> Option<NaiveDate> {
        dates::next(self, anchor, after.succ_opt()?.max(anchor))
    }

    /// The date that follows a completion on that day, which is the anchor. COUNT is for
    /// the caller, who has counted the tasks; UNTIL holds.
    pub fn next_from_completion(&self, day: NaiveDate) -> Option<NaiveDate> {
        dates::next_uncounted(self, day, day.succ_opt()?)
    }

    /// COUNT, at least 1. A number beyond 64 bits is the largest.
    pub fn count(&self) -> Option<u64> {
        self.count
    }
}
