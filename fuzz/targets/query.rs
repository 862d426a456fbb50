//! The query of a list, and the link to its next page.

#![no_main]

use libfuzzer_sys::fuzz_target;
use todoward::primitives::id::ResourceId;
use todoward::tasks::cursor::{Position, SortValue};
use todoward::tasks::fields::Priority;
use todoward::tasks::query::{self, ListError, ListQuery, SortKey};
use todoward_fuzz::OWNER;

fuzz_target!(|text: &str| {
    let _ = query::clear_completed(text);
    let list = match ListQuery::parse(text, &OWNER) {
        Ok(list) => list,
        Err(ListError::Faults(faults)) => return assert!(!faults.is_empty()),
        Err(ListError::SortValue) => return,
    };
    assert!((1..=200).contains(&list.limit));
    let key = match list.sort.key {
        SortKey::CreatedAt => SortValue::CreatedAt,
        SortKey::UpdatedAt => SortValue::UpdatedAt(ResourceId::from_bytes([1; 16]).created_at()),
        SortKey::DueDate => SortValue::DueDate(None),
        SortKey::Priority => SortValue::Priority(Priority::High),
        SortKey::Title => SortValue::Title("a title".to_owned()),
    };
    let id = ResourceId::from_bytes([2; 16]);
    let place = Position { key, id };
    // The link is for the same list, behind that place.
    let next = list.next_page(&list.cursor_after(&OWNER, &place));
    let mut expected = list;
    expected.after = Some(place);
    assert_eq!(ListQuery::parse(&next, &OWNER), Ok(expected), "{next}");
});
