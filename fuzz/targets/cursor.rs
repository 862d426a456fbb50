//! Cursors: what was issued is accepted, and each position has one.

#![no_main]

use arbitrary::Arbitrary;
use chrono::{DateTime, Datelike as _, NaiveDate};
use libfuzzer_sys::fuzz_target;
use todoward::primitives::id::ResourceId;
use todoward::tasks::columns::{ColumnValue, Kind, SORT_KEYS};
use todoward::tasks::cursor::Position;
use todoward::tasks::query::ListQuery;
use todoward_fuzz::OWNER;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// Keys of the order, and their directions.
    keys: Vec<(u8, bool)>,
    /// What the values are made of; none is NULL.
    values: [Option<(&'a str, i64)>; 6],
    id: [u8; 16],
    change: Change<'a>,
}

#[derive(Arbitrary, Debug)]
enum Change<'a> {
    None,
    Replace(u16),
    Cut(u16),
    Append(&'a str),
    Other(&'a str),
}

fuzz_target!(|input: Input<'_>| {
    let names: Vec<String> = input
        .keys
        .iter()
        .map(|(at, descending)| {
            let (name, _) = SORT_KEYS[usize::from(*at) % SORT_KEYS.len()];
            format!("{}{name}", if *descending { "-" } else { "" })
        })
        .collect();
    let query = format!("sort={}", names.join(","));
    let Ok(list) = ListQuery::parse(&query, &OWNER) else {
        return;
    };
    let (mut values, mut can_be) = (Vec::new(), true);
    for (by, made_of) in list.sort.columns().iter().zip(input.values) {
        let Some((text, number)) = made_of else {
            can_be &= by.column.is_nullable;
            values.push(None);
            continue;
        };
        let Some((value, is_valid)) = value(by.column.kind, text, number) else {
            return;
        };
        can_be &= is_valid;
        values.push(Some(value));
    }
    let id = ResourceId::from_bytes(input.id);
    let position = Position { values, id };
    let cursor = list.cursor_after(&OWNER, &position);
    let changed = match input.change {
        Change::None => cursor.clone(),
        Change::Replace(at) => {
            let mut bytes = cursor.clone().into_bytes();
            let at = usize::from(at) % bytes.len();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).expect("ASCII")
        }
        Change::Cut(at) => cursor[..usize::from(at) % cursor.len()].to_owned(),
        Change::Append(more) => format!("{cursor}{}", plain(more)),
        Change::Other(text) => plain(text),
    };
    let read = ListQuery::parse(&format!("{query}&cursor={changed}"), &OWNER);
    if changed == cursor {
        assert_eq!(read.is_ok(), can_be, "{position:?}");
    }
    if let Ok(list) = read {
        // The checksum is no secret, and the fuzzer finds it: then it is the one cursor
        // of another position.
        let after = list.after.clone().expect("a position");
        assert_eq!(after == position, changed == cursor);
        assert_eq!(list.cursor_after(&OWNER, &after), changed);
    }
});

/// A value, and whether a task can have it.
fn value(kind: Kind, text: &str, number: i64) -> Option<(ColumnValue, bool)> {
    Some(match kind {
        Kind::Text => (ColumnValue::Text(text.to_owned()), !text.contains('\0')),
        Kind::Instant => {
            let instant = DateTime::from_timestamp_millis(number)?.naive_utc();
            let is_valid = (1970..=9999).contains(&instant.year());
            (ColumnValue::Instant(instant), is_valid)
        }
        Kind::Day => {
            let day = NaiveDate::from_num_days_from_ce_opt(i32::try_from(number).ok()?)?;
            (ColumnValue::Day(day), (1970..=9999).contains(&day.year()))
        }
        Kind::Number => (ColumnValue::Number(i16::try_from(number).ok()?), true),
    })
}

/// The characters of a cursor.
fn plain(text: &str) -> String {
    let is_of_cursor = |c: &char| c.is_ascii_alphanumeric() || "-_=".contains(*c);
    text.chars().filter(is_of_cursor).collect()
}
