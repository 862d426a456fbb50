//! Bodies: strict JSON, and what a task is read from.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use todoward::db::idempotency::Draft as _;
use todoward::db::owned::Owned as _;
use todoward::lists::input::{self as lists, NewList};
use todoward::primitives::id::ResourceId;
use todoward::primitives::json;
use todoward::tasks::input::{Completion, NewTask, Patch};
use todoward_fuzz::OWNER;

fuzz_target!(|body: &[u8]| {
    let loose = serde_json::from_slice::<Value>(body);
    let value = match (json::parse(body), loose) {
        (Ok(value), Ok(loose)) => {
            assert_eq!(value, loose, "two readings of one document");
            value
        }
        (Ok(_), Err(error)) => panic!("not JSON, and taken: {error}"),
        (Err(error), loose) => {
            let why = json::why_refused(body, &error);
            assert!(!why.contains(char::is_control), "{why:?}");
            assert!(loose.is_err() || why.contains("stands twice"), "{why}");
            return;
        }
    };
    let _ = Completion::parse(&value);
    let _ = (lists::Patch::parse(&value), lists::parse_move(&value));
    let _ = NewList::parse(&value);
    if let Err(faults) = Patch::parse(&value) {
        assert!(!faults.is_empty());
        assert!(NewTask::parse(&value).is_err());
        return;
    }
    let Ok(draft) = NewTask::parse(&value) else {
        return;
    };
    // What is written can be sent back, and then changes nothing.
    let task = draft.make(&OWNER, ResourceId::from_bytes([1; 16]));
    let mut text = Vec::new();
    task.write_json(&mut text).expect("a task is JSON");
    let again = Patch::parse(&json::parse(&text).expect("strict JSON")).expect("a patch");
    assert_eq!(again.apply(&task, task.updated_at), Ok(task));
});
