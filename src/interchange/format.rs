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

impl Format {
    /// Which of the formats that share a media type a file has. By what it says, so that
    /// one that was cut, or is wrong, is refused by its own reader, with a line.
    pub fn among(candidates: &[Self], file: &[u8]) -> Option<Self> {
        let has = |format| candidates.contains(&format);
        let start = file.get(..file.len().min(64 * 1024)).unwrap_or_default();
        let start = String::from_utf8_lossy(start);
        if has(Self::Todoist) || has(Self::Csv) {
            let mut lines = start.split(['\n', '\r']);
            let header = lines.find(|line| !line.trim().is_empty());
            let header = header.unwrap_or_default().to_ascii_uppercase();
            let mut cells = header
                .split([',', ';', '\t'])
                .map(|cell| cell.trim_matches(['"', ' ', '\u{feff}']));
            let is_todoist =
                cells.clone().any(|it| it == "TYPE") && cells.any(|it| it == "CONTENT");
            if is_todoist && has(Self::Todoist) {
                return Some(Self::Todoist);
            }
        }
        if has(Self::Google) && has(Self::Microsoft) {
            let signs = [
                "\"@odata.",
                "\"displayName\"",
                "\"importance\"",
                "\"value\"",
            ];
            // A title may say "tasks#" too, but not beside Microsoft's names.
            let is_google = start.contains("\"tasks#") && start.contains("\"kind\"");
            let is_microsoft = signs.iter().any(|sign| start.contains(sign));
            return Some(match !is_google && is_microsoft {
                true => Self::Microsoft,
                false => Self::Google,
            });
        }
        candidates.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn a_file_says_which_of_two_formats_it_has() {
        let tables = [Format::Csv, Format::Todoist];
        let json = [Format::Google, Format::Microsoft];
        for (candidates, file, wanted) in [
            (tables, "\u{feff}TYPE,CONTENT,PRIORITY\n", Format::Todoist),
            (tables, "\"type\";\"content\"\n", Format::Todoist),
            (tables, "DATE,TYPE,CONTENT\rx,task,a\r", Format::Todoist),
            (tables, "id,title\n", Format::Csv),
            (tables, "", Format::Csv),
            (json, "{\"kind\": \"tasks#taskLists\"", Format::Google),
            (json, "{\"value\": [", Format::Microsoft),
            (
                json,
                "[{\"title\": \"tasks#1\", \"importance\": \"low\"}]",
                Format::Microsoft,
            ),
            (json, "[", Format::Google),
        ] {
            let found = Format::among(&candidates, file.as_bytes());
            assert_eq!(found, Some(wanted), "{file}");
        }
        let one = Format::among(&[Format::TodoTxt], b"TYPE,CONTENT");
        assert_eq!(one, Some(Format::TodoTxt));
    }
}
