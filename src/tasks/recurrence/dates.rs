//! The dates of a rule.
//!
//! Not by the crate `rrule` (0.14): it computes times, one by one from the start, gives
//! up after 100,000 steps that find nothing, and knows no SKIP, which comes before what
//! it makes of BYDAY and BYSETPOS. A rule by days is a test of a day and a few periods.

use chrono::{Datelike as _, NaiveDate};

use super::lists::{MonthDays, WeekDays, Within};
use super::{Frequency, Rule};

/// The first date of the rule from `from` on, which is not before the anchor.
pub(super) fn next(rule: &Rule, anchor: NaiveDate, from: NaiveDate) -> Option<NaiveDate> {
    let series = Series::new(rule, anchor)?;
    let date = series.next(from)?;
    match rule.count {
        Some(count) if series.count_before(date) >= count => None,
        _ => Some(date),
    }
}

/// The same, whatever COUNT says.
pub(super) fn next_uncounted(rule: &Rule, anchor: NaiveDate, from: NaiveDate) -> Option<NaiveDate> {
    Series::new(rule, anchor)?.next(from)
}

/// A rule and its anchor, which says what the rule leaves open.
struct Series<'a> {
    rule: &'a Rule,
    anchor: NaiveDate,
    last: NaiveDate,
    months: u16,
    month_days: MonthDays,
    week_days: WeekDays,
    within: Within,
}

impl<'a> Series<'a> {
    fn new(rule: &'a Rule, anchor: NaiveDate) -> Option<Self> {
        let end = NaiveDate::from_ymd_opt(9999, 12, 31)?;
        let (mut months, mut month_days, mut week_days) =
            (rule.months, rule.month_days, rule.week_days);
        if month_days.is_empty() && week_days.is_empty() {
            match rule.frequency {
                Frequency::Daily => {}
                Frequency::Weekly => week_days = WeekDays::each(anchor.weekday()),
                Frequency::Monthly => month_days = MonthDays::of(anchor.day()),
                Frequency::Yearly => {
                    month_days = MonthDays::of(anchor.day());
                    if months == 0 {
                        months = 1 << anchor.month();
                    }
                }
            }
        }
        Some(Self {
            rule,
            anchor,
            last: rule.until.map_or(end, |until| until.min(end)),
            months,
            month_days,
            week_days,
            within: if rule.frequency == Frequency::Yearly && rule.months == 0 {
                Within::Year
            } else {
                Within::Month
            },
        })
    }

    /// The first date from `from` on, whatever COUNT says.
    fn next(&self, from: NaiveDate) -> Option<NaiveDate> {
        let first = self.index(from);
        let mut dates = Vec::new();
        // One more than the dates take to repeat: of the first, a part is past.
        for index in first..=first + self.repeats_after() {
            self.period(index, &mut dates)?;
            if let Some(date) = dates.iter().find(|date| **date >= from) {
                return (*date <= self.last).then_some(*date);
            }
        }
        None
    }

    /// How many dates are before that one, which is in the series.
    fn count_before(&self, date: NaiveDate) -> u64 {
        let mut dates = Vec::new();
        let mut count = |index, from: NaiveDate, before: NaiveDate| -> u64 {
            let found = self.period(index, &mut dates).map(|()| dates.iter());
            let found = found.into_iter().flatten();
            found.filter(|it| (from..before).contains(*it)).count() as u64
        };
        let last = self.index(date);
        let ends = count(0, self.anchor, date)
            + if last > 0 {
                count(last, self.anchor, date)
            } else {
                0
            };
        // Those between are whole.
        let between = (last - 1).max(0);
        let repeats_after = self.repeats_after();
        let mut of_first = |periods| -> u64 {
            (1..=periods)
                .map(|index| count(index, NaiveDate::MIN, NaiveDate::MAX))
                .sum()
        };
        let rounds = match between / repeats_after {
            0 => 0,
            rounds => rounds.unsigned_abs() * of_first(repeats_after),
        };
        ends + rounds + of_first(between % repeats_after)
    }

    /// After how many periods the dates are the same ones again: the calendar repeats
    /// after 400 years, which are whole weeks. So no search is longer.
    fn repeats_after(&self) -> i64 {
        let periods = match self.rule.frequency {
            Frequency::Daily => 146_097,
            Frequency::Weekly => 20_871,
            Frequency::Monthly => 4_800,
            Frequency::Yearly => 400,
        };
        periods / greatest_common_divisor(periods, self.rule.interval)
    }

    /// The period that a day is in, or the last one before it.
    fn index(&self, day: NaiveDate) -> i64 {
        let periods = match self.rule.frequency {
            Frequency::Daily => number(day) - number(self.anchor),
            Frequency::Weekly => (number(day) - self.first_week()).div_euclid(7),
            Frequency::Monthly => month(day) - month(self.anchor),
            Frequency::Yearly => i64::from(day.year()) - i64::from(self.anchor.year()),
        };
        periods.div_euclid(self.rule.interval).max(0)
    }

    /// The day on which the anchor's week begins.
    fn first_week(&self) -> i64 {
        let weekday = self.anchor.weekday();
        number(self.anchor) - i64::from(weekday.days_since(self.rule.week_start))
    }

    /// All dates of a period, in order, also those before the anchor and after the end;
    /// none if the period begins after the end.
    fn period(&self, index: i64, dates: &mut Vec<NaiveDate>) -> Option<()> {
        let offset = index.saturating_mul(self.rule.interval);
        let day = |number: i64| NaiveDate::from_num_days_from_ce_opt(number.try_into().ok()?);
        let (first, days) = match self.rule.frequency {
            Frequency::Daily => (day(number(self.anchor).saturating_add(offset))?, 1),
            Frequency::Weekly => {
                let days = offset.saturating_mul(7);
                (day(self.first_week().saturating_add(days))?, 7)
            }
            Frequency::Monthly => {
                let month = month(self.anchor).saturating_add(offset);
                let year = month.div_euclid(12).try_into().ok()?;
                let month = u32::try_from(month.rem_euclid(12)).ok()? + 1;
                let first = NaiveDate::from_ymd_opt(year, month, 1)?;
                (first, first.num_days_in_month().into())
            }
            Frequency::Yearly => {
                let year = i64::from(self.anchor.year()).saturating_add(offset);
                let first = NaiveDate::from_ymd_opt(year.try_into().ok()?, 1, 1)?;
                (first, if first.leap_year() { 366 } else { 365 })
            }
        };
        if first > self.last {
            return None;
        }
        dates.clear();
        dates.extend(
            first
                .iter_days()
                .take(days)
                .filter(|day| self.matches(*day)),
        );
        self.keep_positions(dates);
        Some(())
    }

    fn matches(&self, day: NaiveDate) -> bool {
        // With DAILY the days of a month only limit (section 3.3.10): none is moved.
        let omits = self.rule.omits || self.rule.frequency == Frequency::Daily;
        (self.months == 0 || self.months & (1 << day.month()) != 0)
            && (self.month_days.is_empty() || self.month_days.contain(day, omits))
            && (self.week_days.is_empty() || self.week_days.contain(day, self.within))
    }

    /// BYSETPOS.
    fn keep_positions(&self, dates: &mut Vec<NaiveDate>) {
        if self.rule.positions.is_empty() {
            return;
        }
        let kept = self.rule.positions.iter().filter_map(|position| {
            let distance = usize::from(position.unsigned_abs());
            let at = if *position > 0 {
                distance.checked_sub(1)
            } else {
                dates.len().checked_sub(distance)
            };
            dates.get(at?).copied()
        });
        let mut kept: Vec<NaiveDate> = kept.collect();
        kept.sort_unstable();
        kept.dedup();
        *dates = kept;
    }
}

fn number(day: NaiveDate) -> i64 {
    day.num_days_from_ce().into()
}

fn month(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month0())
}

fn greatest_common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
