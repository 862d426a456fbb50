//! The formats of files.

/// A format that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON lines, one list or task each: everything, as Todoward has it.
    Ndjson,
    /// A table with a header line.
    Csv,
    /// VTODO components (RFC 5545).
    ICalendar,
    /// A line a task (todo.txt).
    TodoTxt,
    /// `Tasks.json` of Google Takeout.
    Google,
    /// A CSV template of Todoist.
    Todoist,
    /// Microsoft To Do, as the Graph API answers.
    Microsoft,
}
