//! The queries of tasks, and the link to the next page of a list.

#![no_main]

use chrono::{NaiveDate, NaiveTime};
use libfuzzer_sys::fuzz_target;
use todoward::primitives::id::ResourceId;
use todoward::tasks::columns::{ColumnValue, Kind};
use todoward::tasks::cursor::Position;
use todoward::tasks::query::{Clear, CountQuery, ListError, ListQuery};
use todoward_fuzz::OWNER;

fuzz_target!(|text: &str| {
    let _ = Clear::parse(text);
    let _ = CountQuery::parse(text);
    let _ = todoward::lists::query::ListsQuery::parse(text, &OWNER);
    let list = match ListQuery::parse(text, &OWNER) {
        Ok(list) => list,
        Err(ListError::InvalidParameters(errors)) => return assert!(!errors.is_empty()),
        Err(ListError::InvalidCursor) => return,
    };
    assert!((1..=200).contains(&list.limit));
    let columns = list.sort.columns();
    let values = columns.iter().map(|by| Some(value(by.column.kind)));
    let position = Position {
        values: values.collect(),
        id: ResourceId::from_bytes([2; 16]),
    };
    // The link is for the same list, after that position.
    let next = list.next_page(&list.cursor_after(&OWNER, &position));
    let mut expected = list;
    expected.after = Some(position);
    assert_eq!(ListQuery::parse(&next, &OWNER), Ok(expected), "{next}");
});

fn value(kind: Kind) -> ColumnValue {
    let day = NaiveDate::default();
    match kind {
        Kind::Text => ColumnValue::Text("a text".to_owned()),
        Kind::Instant => ColumnValue::Instant(day.and_time(NaiveTime::MIN)),
        Kind::Day => ColumnValue::Day(day),
        Kind::Number => ColumnValue::Number(1),
    }
}
