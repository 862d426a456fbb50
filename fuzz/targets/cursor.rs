//! Cursors: what was given out is taken, and each place has one.

#![no_main]

use arbitrary::Arbitrary;
use chrono::{DateTime, Datelike as _, NaiveDate};
use libfuzzer_sys::fuzz_target;
use todoward::primitives::id::ResourceId;
use todoward::primitives::timestamp::Timestamp;
use todoward::tasks::cursor::{Position, SortValue};
use todoward::tasks::fields::Priority;
use todoward::tasks::query::ListQuery;
use todoward_fuzz::OWNER;

#[derive(Arbitrary, Debug)]
enum Key {
    CreatedAt,
    UpdatedAt(i64),
    DueDate(Option<i32>),
    Priority(i16),
    Title(String),
}

#[derive(Arbitrary, Debug)]
enum Change {
    None,
    Flip(u16),
    Cut(u16),
    Append(String),
    Other(String),
}

fuzz_target!(|input: (Key, [u8; 16], bool, Change)| {
    let (key, id, descending, change) = input;
    // Whether it is what a task can have.
    let (name, key, can_be) = match key {
        Key::CreatedAt => ("created_at", SortValue::CreatedAt, true),
        Key::UpdatedAt(millis) => {
            let Some(instant) = DateTime::from_timestamp_millis(millis) else {
                return;
            };
            let can_be = (0..=9999).contains(&instant.year()) && millis >= 0;
            let at = SortValue::UpdatedAt(Timestamp::new(instant));
            ("updated_at", at, can_be)
        }
        Key::DueDate(None) => ("due_date", SortValue::DueDate(None), true),
        Key::DueDate(Some(days)) => {
            let Some(day) = NaiveDate::from_num_days_from_ce_opt(days) else {
                return;
            };
            let can_be = (1970..=9999).contains(&day.year());
            ("due_date", SortValue::DueDate(Some(day)), can_be)
        }
        Key::Priority(rank) => {
            let priority = Priority::from_rank(rank);
            ("priority", SortValue::Priority(priority), true)
        }
        Key::Title(title) => {
            let can_be = !title.contains('\0');
            ("title", SortValue::Title(title), can_be)
        }
    };
    let sort = if descending { "-" } else { "" };
    let query = format!("sort={sort}{name}");
    let list = ListQuery::parse(&query, &OWNER).expect("a good query");
    let id = ResourceId::from_bytes(id);
    let place = Position { key, id };
    let cursor = list.cursor_after(&OWNER, &place);
    let changed = match change {
        Change::None => cursor.clone(),
        Change::Flip(at) => {
            let mut bytes = cursor.clone().into_bytes();
            let at = usize::from(at) % bytes.len();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).expect("ASCII")
        }
        Change::Cut(at) => cursor[..usize::from(at) % cursor.len()].to_owned(),
        Change::Append(more) => format!("{cursor}{}", plain(&more)),
        Change::Other(text) => plain(&text),
    };
    let read = ListQuery::parse(&format!("{query}&cursor={changed}"), &OWNER);
    if changed == cursor && can_be {
        assert_eq!(read.map(|list| list.after), Ok(Some(place)));
    } else if let Ok(list) = read {
        // The checksum is no secret, and the fuzzer finds it: then it is the one
        // cursor of another place.
        let other = list.after.clone().expect("a place");
        assert_ne!(other, place);
        assert_eq!(list.cursor_after(&OWNER, &other), changed);
    }
});

/// The characters of a cursor.
fn plain(text: &str) -> String {
    let is_of_cursor = |c: &char| c.is_ascii_alphanumeric() || "-_=".contains(*c);
    text.chars().filter(is_of_cursor).collect()
}
