//! Files of tasks: the first byte is the format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use todoward::interchange::document::{Document, Dropped, MAX_ITEMS};
use todoward::interchange::format::Format;
use todoward::interchange::readers;

const FORMATS: [Format; 7] = [
    Format::Ndjson,
    Format::Csv,
    Format::ICalendar,
    Format::TodoTxt,
    Format::Google,
    Format::Todoist,
    Format::Microsoft,
];

fuzz_target!(|file: &[u8]| {
    let Some((first, file)) = file.split_first() else {
        return;
    };
    let format = FORMATS[usize::from(*first) % FORMATS.len()];
    match readers::read(format, file, MAX_ITEMS) {
        Ok(document) => check(&document),
        Err(invalid) => assert!(invalid.line >= 1 && !invalid.detail.is_empty()),
    }
});

/// What the import relies on.
fn check(document: &Document) {
    assert!(document.dropped.items.len() <= Dropped::MAX_LISTED);
    assert!(document.dropped.total >= document.dropped.items.len() as u64);
    for (index, task) in document.tasks.iter().enumerate() {
        assert!(task.list.is_none_or(|list| list < document.lists.len()));
        assert!(!task.written.title.as_str().trim().is_empty());
        assert!(task.written.schedule.date.is_some() || task.written.schedule.recurrence.is_none());
        let (mut above, mut steps) = (task.parent, 0);
        while let Some(parent) = above {
            assert_ne!(parent, index, "a cycle");
            steps += 1;
            assert!(steps <= document.tasks.len());
            above = document.tasks[parent].parent;
        }
    }
}
