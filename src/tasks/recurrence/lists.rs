//! BYMONTHDAY and BYDAY as bits, so that each look-up costs the same.

use chrono::{Datelike as _, NaiveDate, Weekday};

/// Days of a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MonthDays {
    /// Bit 1 is the first day.
    from_start: u32,
    /// Bit 1 is the last day.
    from_end: u32,
}

impl MonthDays {
    /// That day alone.
    pub(super) fn of(day: u32) -> Self {
        Self {
            from_start: bit(day),
            from_end: 0,
        }
    }

    /// Day 1 to 31, or -31 to -1 from the end.
    pub(super) fn insert(&mut self, day: i16) {
        let bits = if day > 0 {
            &mut self.from_start
        } else {
            &mut self.from_end
        };
        *bits |= bit(day.unsigned_abs().into());
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether the date is one of them; a last day also stands for those which its
    /// month lacks, unless they are omitted.
    pub(super) fn contain(self, date: NaiveDate, omits: bool) -> bool {
        let (day, last) = (date.day(), u32::from(date.num_days_in_month()));
        // From the last day's own bit on.
        let lacking = if omits || day < last {
            0
        } else {
            u32::MAX << last
        };
        self.from_start & (bit(day) | lacking) != 0 || self.from_end & bit(last - day + 1) != 0
    }
}

/// Weekdays, each of them or the n-th of a month or year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct WeekDays {
    /// By weekday from Monday: bit 0 is each, bit n the n-th.
    from_start: [u64; 7],
    /// Bit n is the n-th last.
    from_end: [u64; 7],
}

impl WeekDays {
    /// Each of that weekday.
    pub(super) fn each(day: Weekday) -> Self {
        let mut days = Self::default();
        days.insert(day, 0);
        days
    }

    /// The n-th, 1 to 53, or -53 to -1 from the end; 0 is each.
    pub(super) fn insert(&mut self, day: Weekday, nth: i16) {
        let bits = if nth < 0 {
            &mut self.from_end
        } else {
            &mut self.from_start
        };
        if let Some(bits) = bits.get_mut(index(day)) {
            *bits |= 1 << nth.unsigned_abs();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn contain(&self, date: NaiveDate, within: Within) -> bool {
        let of = |bits: &[u64; 7]| bits.get(index(date.weekday())).copied();
        let (from_start, from_end) = (
            of(&self.from_start).unwrap_or_default(),
            of(&self.from_end).unwrap_or_default(),
        );
        if from_start & 1 != 0 {
            return true;
        }
        let (at, all) = match within {
            Within::Month => (date.day0(), u32::from(date.num_days_in_month())),
            Within::Year => (date.ordinal0(), if date.leap_year() { 366 } else { 365 }),
        };
        from_start & (2 << (at / 7)) != 0 || from_end & (2 << ((all - 1 - at) / 7)) != 0
    }
}

/// What the n-th weekday is the n-th of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Within {
    Month,
    Year,
}

fn index(day: Weekday) -> usize {
    day.num_days_from_monday() as usize
}

/// Of 1 to 31.
fn bit(n: u32) -> u32 {
    1 << (n % 32)
}
