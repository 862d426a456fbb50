//! JSON lines: a list or a task each, with the fields of the API and those that it does
//! not show, so that nothing is lost.

use std::io::Write as _;

use crate::db::owned::Owned;
use crate::lists::model::List;
use crate::tasks::model::Task;

/// A list.
pub fn list(list: &List, out: &mut Vec<u8>) {
    line("list", list, out, |_| ());
}

/// A task.
pub fn task(task: &Task, out: &mut Vec<u8>) {
    line("task", task, out, |out| {
        if let Some(recurrence) = &task.schedule.recurrence {
            let (anchor, before) = recurrence.place();
            // Writing to memory cannot fail.
            let _ = write!(
                out,
                ",\"series\":{{\"anchor\":\"{anchor}\",\"before\":{before}}}"
            );
        }
        if let Some(trashed) = task.trashed.filter(|trashed| trashed.with != task.id) {
            let _ = write!(out, ",\"deleted_with\":\"{}\"", trashed.with);
        }
    });
}

fn line(kind: &str, row: &impl Owned, out: &mut Vec<u8>, more: impl Fn(&mut Vec<u8>)) {
    let begin = out.len();
    let _ = write!(out, "{{\"{kind}\":");
    // A column with a value that Todoward never writes: such a row cannot be read by
    // the API either.
    if row.write_json(out).is_err() {
        out.truncate(begin);
        return;
    }
    out.pop();
    more(out);
    out.extend_from_slice(b"}}\n");
}
