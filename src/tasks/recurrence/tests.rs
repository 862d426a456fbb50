use chrono::{Datelike as _, Days};
use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    NaiveDate::parse_from_str(text, "%Y%m%d").unwrap()
}

/// The first dates of a rule, at most so many.
fn dates(rule: &Rule, anchor: NaiveDate, limit: usize) -> Vec<NaiveDate> {
    let first = rule.first(anchor).ok();
    std::iter::successors(first, |date| rule.next_after(anchor, *date))
        .take(limit)
        .collect()
}

fn texts(rule: &str, anchor: &str, limit: usize) -> String {
    let found = dates(&Rule::parse(rule).unwrap(), day(anchor), limit);
    let texts: Vec<String> = found
        .iter()
        .map(|day| day.format("%Y%m%d").to_string())
        .collect();
    texts.join(" ")
}

fn wrong(rule: &str) -> String {
    match Rule::parse(rule) {
        Ok(_) => format!("{rule} is taken"),
        Err(error) => error.to_string(),
    }
}

/// Section 3.8.5.3 has these, with these dates.
#[test]
fn the_examples_of_rfc_5545_have_its_dates() {
    for (anchor, rule, wanted) in [
        (
            "19970902",
            "FREQ=DAILY;INTERVAL=10;COUNT=5",
            "19970902 19970912 19970922 19971002 19971012",
        ),
        (
            "19980131",
            "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
            "19980131 19990101 19990102 19990103",
        ),
        (
            "19980131",
            "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
            "19980131 19990101 19990102 19990103",
        ),
        (
            "19970902",
            "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
            "19970902 19970904 19970909 19970911 19970916 19970918 19970923 19970925 19970930 19971002",
        ),
        (
            "19970901",
            "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
            "19970901 19970903 19970905 19970915 19970917 19970919 19970929 19971001 19971003 19971013",
        ),
        (
            "19970905",
            "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
            "19970905 19971003 19971107 19971205 19980102 19980206 19980306 19980403 19980501 19980605",
        ),
        (
            "19970907",
            "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
            "19970907 19970928 19971102 19971130 19980104 19980125 19980301 19980329 19980503 19980531",
        ),
        (
            "19970922",
            "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
            "19970922 19971020 19971117 19971222 19980119 19980216",
        ),
        (
            "19970928",
            "FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=6",
            "19970928 19971029 19971128 19971229 19980129 19980226",
        ),
        (
            "19970930",
            "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
            "19970930 19971001 19971031 19971101 19971130 19971201 19971231 19980101 19980131 19980201",
        ),
        (
            "19970910",
            "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
            "19970910 19970911 19970912 19970913 19970914 19970915 19990310 19990311 19990312 19990313",
        ),
        (
            "19970310",
            "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
            "19970310 19990110 19990210 19990310 20010110 20010210 20010310 20030110 20030210 20030310",
        ),
        (
            "19970519",
            "FREQ=YEARLY;BYDAY=20MO;COUNT=3",
            "19970519 19980518 19990517",
        ),
        (
            "19970313",
            "FREQ=YEARLY;BYMONTH=3;BYDAY=TH;COUNT=5",
            "19970313 19970320 19970327 19980305 19980312",
        ),
        // The anchor is no date of the rule.
        (
            "19970902",
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=5",
            "19980213 19980313 19981113 19990813 20001013",
        ),
        (
            "19970913",
            "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13;COUNT=5",
            "19970913 19971011 19971108 19971213 19980110",
        ),
        (
            "19961105",
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3",
            "19961105 20001107 20041102",
        ),
        (
            "19970904",
            "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
            "19970904 19971007 19971106",
        ),
        (
            "19970929",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=7",
            "19970929 19971030 19971127 19971230 19980129 19980226 19980330",
        ),
        (
            "19970805",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "19970805 19970810 19970819 19970824",
        ),
        (
            "19970805",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "19970805 19970817 19970819 19970831",
        ),
        (
            "20070115",
            "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5;SKIP=OMIT",
            "20070115 20070130 20070215 20070315 20070330",
        ),
    ] {
        let limit = wanted.split(' ').count();
        // One that has COUNT has no more than those.
        let limit = limit + usize::from(rule.contains("COUNT"));
        assert_eq!(texts(rule, anchor, limit), wanted, "{rule}");
    }
}

#[test]
fn a_day_that_a_month_lacks_is_its_last_and_the_anchor_is_not_forgotten() {
    for (anchor, rule, wanted) in [
        (
            "20270131",
            "FREQ=MONTHLY",
            "20270131 20270228 20270331 20270430 20270531",
        ),
        (
            "20270131",
            "FREQ=MONTHLY;SKIP=BACKWARD;INTERVAL=13",
            "20270131 20280229 20290331",
        ),
        (
            "20270131",
            "FREQ=MONTHLY;SKIP=OMIT",
            "20270131 20270331 20270531",
        ),
        (
            "20280229",
            "FREQ=YEARLY",
            "20280229 20290228 20300228 20310228 20320229",
        ),
        (
            "20280229",
            "FREQ=YEARLY;SKIP=OMIT",
            "20280229 20320229 20360229",
        ),
        (
            "20270131",
            "FREQ=YEARLY;BYMONTH=2,4",
            "20270228 20270430 20280229 20280430",
        ),
        (
            "20270101",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "20270228 20280229",
        ),
        // Both become the 28th, once.
        (
            "20270201",
            "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31",
            "20270228 20270328 20270329 20270330",
        ),
        // Before BYDAY: the last day of the month, if it is a Friday.
        (
            "20270101",
            "FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=FR",
            "20270430 20271231 20280331 20280630",
        ),
        // Before BYSETPOS: the second of two, or of one none.
        (
            "20270101",
            "FREQ=MONTHLY;BYMONTHDAY=30,31;BYSETPOS=2",
            "20270131 20270331 20270531",
        ),
        (
            "20270101",
            "FREQ=MONTHLY;BYMONTHDAY=1,31;BYSETPOS=-1",
            "20270131 20270228 20270331",
        ),
        // From the end nothing is moved, and with DAILY and WEEKLY nothing either.
        (
            "20270101",
            "FREQ=MONTHLY;BYMONTHDAY=-31",
            "20270101 20270301 20270501",
        ),
        (
            "20270101",
            "FREQ=DAILY;BYMONTHDAY=31",
            "20270131 20270331 20270531",
        ),
    ] {
        assert_eq!(
            texts(rule, anchor, wanted.split(' ').count()),
            wanted,
            "{rule}"
        );
    }
}

#[test]
fn weekdays_with_and_without_numbers_add_up() {
    let both = "FREQ=MONTHLY;BYDAY=1MO,FR,-1SU,+05WE";
    assert_eq!(
        texts(both, "20270901", 9),
        "20270903 20270906 20270910 20270917 20270924 20270926 20270929 20271001 20271004"
    );
    // Within the year, without BYMONTH; within the month, with it.
    assert_eq!(
        texts("FREQ=YEARLY;BYDAY=-1FR,1FR", "20270101", 3),
        "20270101 20271231 20280107"
    );
    assert_eq!(
        texts("FREQ=YEARLY;BYDAY=1FR;BYMONTH=2,3", "20270101", 3),
        "20270205 20270305 20280204"
    );
    // A 53rd Friday, in years that have one.
    assert_eq!(
        texts("FREQ=YEARLY;BYDAY=53FR", "20260101", 3),
        "20271231 20321231 20381231"
    );
    // A limit of a day of the month.
    assert_eq!(
        texts("FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=1MO", "20270101", 3),
        "20270201 20270301 20271101"
    );
}

/// Section 3.3.10: "A set of recurrence instances starts at the beginning of the
/// interval defined by the FREQ rule part", also of the one that the anchor is in.
#[test]
fn positions_are_of_the_whole_period_also_of_the_first() {
    // 2 September 2026 is a Wednesday; the first of that week's set is past.
    let first = "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1";
    assert_eq!(texts(first, "20260902", 2), "20260907 20260914");
    assert_eq!(
        texts("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=2,-1,2", "20260916", 3),
        "20260928 20261012 20261026"
    );
    assert_eq!(
        texts("FREQ=DAILY;BYDAY=MO;BYSETPOS=-1", "20260902", 2),
        "20260907 20260914"
    );
}

#[test]
fn only_what_matches_is_a_date_and_counted() {
    // A Tuesday.
    let fridays = "FREQ=WEEKLY;BYDAY=FR;COUNT=2";
    assert_eq!(texts(fridays, "20261201", 9), "20261204 20261211");
    let rule = Rule::parse("FREQ=DAILY;COUNT=5").unwrap();
    // The 5th is the last, however many were skipped.
    assert_eq!(
        rule.next_after(day("20260101"), day("20260104")),
        Some(day("20260105"))
    );
    assert_eq!(rule.next_after(day("20260101"), day("20260105")), None);
    assert_eq!(
        rule.next_after(day("20260101"), day("20250101")),
        Some(day("20260101"))
    );
    assert_eq!(rule.count(), Some(5));
    let early = Rule::parse("FREQ=MONTHLY;BYMONTHDAY=5").unwrap();
    let next = early.next_after(day("20260115"), day("20260101"));
    assert_eq!(next, Some(day("20260205")));
    // The first and the last of one are one.
    let mondays = "FREQ=DAILY;BYDAY=MO;BYSETPOS=1,-1;COUNT=3";
    assert_eq!(texts(mondays, "20260907", 9), "20260907 20260914 20260921");
    let one = Rule::parse("FREQ=MONTHLY;COUNT=1").unwrap();
    assert_eq!(dates(&one, day("20260131"), 9), [day("20260131")]);
}

#[test]
fn the_last_day_counts_and_its_time_does_not() {
    for until in [
        "20260103",
        "20260103T000000Z",
        "20260103T235960",
        "20260103T120000Z",
    ] {
        let rule = format!("FREQ=DAILY;UNTIL={until}");
        assert_eq!(texts(&rule, "20260101", 9), "20260101 20260102 20260103");
    }
    let over = Rule::parse("FREQ=DAILY;UNTIL=20251231").unwrap();
    assert!(over.first(day("20260101")).is_err());
    assert_eq!(texts("FREQ=DAILY", "99991230", 9), "99991230 99991231");
    assert_eq!(
        texts("FREQ=WEEKLY;BYDAY=TH,FR,SA", "99991227", 9),
        "99991230 99991231"
    );
}

#[test]
fn a_completion_is_counted_from_and_not_counted() {
    let next = |rule: &str, from| Rule::parse(rule).unwrap().next_from_completion(day(from));
    assert_eq!(
        next("FREQ=DAILY;INTERVAL=3", "20260110"),
        Some(day("20260113"))
    );
    assert_eq!(
        next("FREQ=DAILY;COUNT=1", "20260110"),
        Some(day("20260111"))
    );
    assert_eq!(next("FREQ=MONTHLY", "20260131"), Some(day("20260228")));
    assert_eq!(
        next("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "20260107"),
        Some(day("20260119"))
    );
    assert_eq!(next("FREQ=DAILY;UNTIL=20260110", "20260110"), None);
    assert_eq!(next("FREQ=DAILY", "99991231"), None);
}

#[test]
fn a_rule_without_a_date_is_found_out() {
    for never in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;SKIP=OMIT",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=2MO",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        // Only in leap years, of which it meets none.
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29;SKIP=OMIT",
        "FREQ=YEARLY;INTERVAL=99999999999999999999;BYMONTH=1;BYMONTHDAY=1",
        "FREQ=DAILY;INTERVAL=4294967295;BYDAY=TU",
    ] {
        // A Monday in a year that is odd.
        let found = Rule::parse(never).unwrap().first(day("20270104"));
        assert!(found.is_err(), "{never}: {found:?}");
    }
    // The only one of 400 years, and the first for 40.
    assert_eq!(
        texts(
            "FREQ=YEARLY;INTERVAL=400;BYMONTH=2;BYMONTHDAY=29;SKIP=OMIT",
            "16000301",
            1
        ),
        "20000229"
    );
    assert_eq!(
        texts("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "20720301", 2),
        "21120229 21400229"
    );
}

#[test]
fn counting_over_centuries_is_exact() {
    for rule in [
        "FREQ=DAILY;INTERVAL=7;BYMONTH=2",
        "FREQ=WEEKLY;BYDAY=MO,WE;BYMONTH=1,2",
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;BYDAY=5FR;INTERVAL=7",
        "FREQ=YEARLY;BYDAY=53FR",
        "FREQ=YEARLY;INTERVAL=3;BYMONTHDAY=31",
    ] {
        let until = Rule::parse(&format!("{rule};UNTIL=35991231")).unwrap();
        let anchor = day("20270131");
        let found = dates(&until, anchor, 100_000);
        let last = found[found.len() - 1].year();
        assert!(last > 3550, "{rule}: {last}");
        let (last, before) = (found[found.len() - 1], found[found.len() - 2]);
        let counted = |count| Rule::parse(&format!("{rule};COUNT={count}")).unwrap();
        assert_eq!(
            counted(found.len()).next_after(anchor, before),
            Some(last),
            "{rule}"
        );
        assert_eq!(
            counted(found.len() - 1).next_after(anchor, before),
            None,
            "{rule}"
        );
    }
}

#[test]
fn what_is_no_rule_is_refused_with_a_sentence() {
    for (rule, wanted) in [
        (
            "",
            "must be parts as NAME=VALUE with one semicolon between two: FREQ=WEEKLY;BYDAY=MO",
        ),
        (
            "RRULE:FREQ=DAILY",
            "must be the value alone, without RRULE: before it",
        ),
        ("FREQ=daily", "must be in upper case, without white space"),
        ("FREQ=DAILY\n", "must be in upper case, without white space"),
        (
            "COUNT=3",
            "must have FREQ: DAILY, WEEKLY, MONTHLY or YEARLY",
        ),
        (
            "FREQ=HOURLY",
            "has a wrong FREQ: it must be DAILY, WEEKLY, MONTHLY or YEARLY: a task recurs by days",
        ),
        ("FREQ=DAILY;FREQ=DAILY", "must not have FREQ twice"),
        (
            "FREQ=DAILY;INTERVAL=0",
            "has a wrong INTERVAL: it must be a whole number, at least 1",
        ),
        (
            "FREQ=DAILY;COUNT=3;UNTIL=20260101",
            "must not have both COUNT and UNTIL",
        ),
        (
            "FREQ=DAILY;BYHOUR=9",
            "must not have BYHOUR: a task recurs by days; use due_time for the time",
        ),
        (
            "FREQ=YEARLY;BYWEEKNO=1",
            "must not have BYWEEKNO: use BYMONTH and BYDAY",
        ),
        (
            "FREQ=DAILY;SKIP=FORWARD",
            "has a wrong SKIP: it must be OMIT or BACKWARD",
        ),
        (
            "FREQ=WEEKLY;BYMONTHDAY=1",
            "must not have BYMONTHDAY with FREQ=WEEKLY",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO,1TU",
            "must not have numbers in BYDAY unless FREQ is MONTHLY or YEARLY",
        ),
        (
            "FREQ=MONTHLY;BYSETPOS=1",
            "must have BYMONTH, BYMONTHDAY or BYDAY beside BYSETPOS, to take positions of",
        ),
        (
            "FREQ=DAILY;X-SECRET=1",
            "has an unknown part; there are FREQ, INTERVAL, COUNT, UNTIL, BYMONTH, \
            BYMONTHDAY, BYDAY, BYSETPOS, WKST and SKIP",
        ),
    ] {
        assert_eq!(wrong(rule), wanted, "{rule:?}");
    }
    assert_eq!(
        Rule::parse("COUNT=3").unwrap_err().into_sentence(),
        wrong("COUNT=3")
    );
    let long = format!("FREQ=YEARLY;BYMONTH=1{}", ",1".repeat(240));
    assert_eq!(long.len(), 501);
    assert_eq!(wrong(&long), "must be at most 500 bytes");
    assert!(Rule::parse(&long[..499]).is_ok());
}

#[test]
fn what_the_grammar_does_not_have_is_refused() {
    for bad in [
        "FREQ",
        "FREQ=",
        "FREQ=DAILY;",
        ";FREQ=DAILY",
        "FREQ=DAILY;;COUNT=1",
        "FREQ=DAILY,WEEKLY",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY",
        "FREQ=DAILY;RSCALE=GREGORIAN",
        "FREQ=YEARLY;BYYEARDAY=1",
        "FREQ=DAILY;BYMINUTE=1",
        "FREQ=DAILY;BYSECOND=1",
        "FREQ=DAILY;BYEASTER=1",
        "FREQ=DAILY; COUNT=1",
        "FREQ=DAILY;\u{a0}COUNT=1",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;COUNT=+1",
        "FREQ=DAILY;COUNT=1.5",
        "FREQ=DAILY;COUNT=٣",
        "FREQ=DAILY;COUNT=",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;BYMONTH=0",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYMONTH=-1",
        "FREQ=DAILY;BYMONTH=001",
        "FREQ=DAILY;BYMONTH=1,",
        "FREQ=DAILY;BYMONTH=,1",
        "FREQ=DAILY;BYMONTH=5L",
        "FREQ=DAILY;BYMONTHDAY=0",
        "FREQ=DAILY;BYMONTHDAY=32",
        "FREQ=DAILY;BYMONTHDAY=-32",
        "FREQ=DAILY;BYMONTHDAY=--1",
        "FREQ=WEEKLY;BYDAY=1TU,MO",
        "FREQ=DAILY;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=MONTHLY;BYDAY=MO1",
        "FREQ=MONTHLY;BYDAY=M",
        "FREQ=MONTHLY;BYDAY=XX",
        "FREQ=MONTHLY;BYDAY=-MO",
        "FREQ=MONTHLY;BYDAY=é",
        "FREQ=MONTHLY;BYDAY=1é",
        "FREQ=MONTHLY;BYDAY=001MO",
        "FREQ=DAILY;BYDAY=MO;BYSETPOS=0",
        "FREQ=DAILY;BYDAY=MO;BYSETPOS=367",
        "FREQ=DAILY;BYDAY=MO;BYSETPOS=1000",
        "FREQ=DAILY;WKST=1MO",
        "FREQ=DAILY;WKST=MO,TU",
        "FREQ=DAILY;WKST=MO;WKST=MO",
        "FREQ=DAILY;SKIP=",
        "FREQ=DAILY;UNTIL=20260230",
        "FREQ=DAILY;UNTIL=2026010",
        "FREQ=DAILY;UNTIL=2026-01-01",
        "FREQ=DAILY;UNTIL=20260101T",
        "FREQ=DAILY;UNTIL=20260101T240000Z",
        "FREQ=DAILY;UNTIL=20260101T006000Z",
        "FREQ=DAILY;UNTIL=20260101T000061",
        "FREQ=DAILY;UNTIL=20260101T000000+0100",
        "FREQ=DAILY;UNTIL=20260101Z",
        "FREQ=DAILY;UNTIL=+2026011",
        "FREQ=DAILY;UNTIL=20260101T00000é",
        "FREQ=DAILY\0",
        "FREQ=DAILY;COUNT=1;COUNT=1",
    ] {
        assert!(Rule::parse(bad).is_err(), "{bad:?}");
    }
    for good in [
        "COUNT=2;FREQ=DAILY",
        "FREQ=MONTHLY;BYDAY=+1MO,-01TU",
        "FREQ=MONTHLY;BYMONTHDAY=+1,-31,01",
        "FREQ=DAILY;INTERVAL=99999999999999999999999;COUNT=99999999999999999999999",
        "FREQ=DAILY;BYMONTH=01,1",
        "FREQ=YEARLY;BYDAY=53MO;BYSETPOS=+366,-366",
        "WKST=SU;FREQ=DAILY;BYMONTHDAY=31;SKIP=BACKWARD",
    ] {
        assert!(Rule::parse(good).is_ok(), "{good}: {}", wrong(good));
    }
}

/// Rules of every kind, most of which can be parsed.
fn some_rule() -> impl Strategy<Value = String> {
    let part = |name: &'static str, value: &'static str, max| {
        let values = prop::collection::vec(value, 1..=max);
        let text = values.prop_map(move |values| format!(";{name}={}", values.join(",")));
        prop_oneof![2 => Just(String::new()), 1 => text]
    };
    let end = prop_oneof![
        Just(String::new()),
        ";COUNT=[1-9][0-9]?",
        ";UNTIL=20[2-4][0-9](0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])"
    ];
    let freq =
        "FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;INTERVAL=[1-9][0-9]?)?(;WKST=(SU|WE))?(;SKIP=OMIT)?";
    let days = part("BYDAY", "(-?[1-6])?(MO|TU|WE|TH|FR|SA|SU)", 5);
    let parts = (
        freq,
        part("BYMONTH", "[1-9]|1[0-2]", 3),
        part("BYMONTHDAY", "-?([1-9]|1[0-9]|2[0-9]|3[01])", 6),
        prop_oneof![days, part("BYDAY", "MO|TU|WE|TH|FR|SA|SU", 5)],
        part("BYSETPOS", "-?[1-9]", 3),
        end,
    );
    parts.prop_map(|(freq, months, month_days, days, positions, end)| {
        [freq, months, month_days, days, positions, end].concat()
    })
}

fn some_day() -> impl Strategy<Value = NaiveDate> {
    let first = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    (0..7670_u64).prop_map(move |days| first + Days::new(days))
}

proptest! {
    #[test]
    fn the_dates_of_any_rule_grow_and_keep_its_ends(text in some_rule(), anchor in some_day(), skip in 0..9000_u64) {
        let Ok(rule) = Rule::parse(&text) else { return Ok(()) };
        let found = dates(&rule, anchor, 120);
        prop_assert!(found.iter().all(|date| *date >= anchor));
        prop_assert!(found.is_sorted_by(|one, other| one < other), "{found:?}");
        if let Some(count) = rule.count {
            prop_assert!(found.len() as u64 <= count);
        }
        if let Some(until) = rule.until {
            prop_assert!(found.iter().all(|date| *date <= until));
        }
        // From anywhere it is the same series.
        let after = anchor + Days::new(skip);
        if found.last().is_some_and(|last| *last > after) {
            let next = found.iter().find(|date| **date > after).copied();
            prop_assert_eq!(rule.next_after(anchor, after), next);
        }
    }

    #[test]
    fn no_text_and_no_day_makes_a_panic(text in ".{0,60}|[A-Z0-9=;,+-]{0,60}", rule in some_rule(), a: i32, b: i32) {
        let _ = Rule::parse(&text);
        let days = |number: i32| {
            let day = NaiveDate::from_num_days_from_ce_opt(number % 96_000_000);
            day.unwrap_or(if number < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
        };
        if let Ok(rule) = Rule::parse(&rule) {
            let _ = rule.next_after(days(a), days(b));
            let _ = rule.first(days(a));
            let _ = rule.next_from_completion(days(b));
        }
    }
}
