//! The columns of the CSV file, and cells that a spreadsheet would calculate.

/// The columns, in their order.
pub const COLUMNS: [&str; 18] = [
    "id",
    "title",
    "description",
    "completed",
    "completed_at",
    "priority",
    "due_date",
    "due_time",
    "time_zone",
    "recurrence",
    "recurrence_from",
    "tags",
    "list",
    "list_id",
    "parent_id",
    "position",
    "created_at",
    "updated_at",
];

/// What stands before a cell that would be a formula: spreadsheets then show it as text.
pub const FORMULA_SIGN: char = '\'';

/// Whether a spreadsheet may calculate a cell, or whether it looks as if it had been
/// protected already. Some read full-width forms as the signs that they are forms of, and
/// some take off the white space before a sign.
pub fn is_formula(cell: &str) -> bool {
    let is_space = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    let bare = cell.trim_start_matches(is_space);
    cell.starts_with(['\t', '\r'])
        || bare.starts_with(['=', '+', '-', '@', '\'', '＝', '＋', '－', '＠', '＇'])
}
