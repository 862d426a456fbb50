//! Todoward's own table, and those that somebody has made like it.

use std::collections::HashMap;

use csv::{ReaderBuilder, StringRecord};

use super::collector::Collector;
use super::draft::{Draft, Names};
use super::zones;
use crate::interchange::columns::{COLUMNS, FORMULA_SIGN, is_formula};
use crate::interchange::document::{Document, Identity, Invalid};
use crate::primitives::id::ResourceId;
use crate::primitives::position::is_position;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::due::{DueTime, TimeZone};
use crate::tasks::fields::{Priority, day};
use crate::tasks::series::From;

static NAMES: Names = Names {
    title: "title",
    description: "description",
    tags: "tags",
    recurrence: "recurrence",
    parent: "parent_id",
    list: "list_id",
};

/// A record that no file has, behind the end of the file: where it is part of a cell,
/// quotes were never closed. The parser itself takes the end for the end of the quotes.
const END: &str = "\0end\0";

/// The records of a file, each with its line. The first is the header.
pub struct Records<'a> {
    text: &'a str,
    reader: csv::Reader<std::io::Chain<&'a [u8], &'static [u8]>>,
    record: StringRecord,
}

impl<'a> Records<'a> {
    /// # Errors
    ///
    /// A record has too many cells.
    pub fn of(text: &'a str) -> Result<Self, Invalid> {
        use std::io::Read as _;
        if let Some(line) = too_wide(text.as_bytes()) {
            let detail = "the record that begins here has more than 1,000 cells".to_owned();
            return Err(Invalid { line, detail });
        }
        let end: &'static [u8] = b"\n\0end\0\n";
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes().chain(end));
        Ok(Self {
            text,
            reader,
            record: StringRecord::new(),
        })
    }

    /// The next record and its line; none at the end.
    pub fn next(&mut self) -> Result<Option<(u64, &StringRecord)>, Invalid> {
        let refused = |line, detail: &str| {
            let detail = detail.to_owned();
            Err(Invalid { line, detail })
        };
        let line = self.reader.position().line();
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return refused(line, "the quotes that begin here never end"),
            Err(_) => return refused(line, "this line is no record of a CSV file"),
        }
        // A record's position is before the empty lines that were skipped.
        let line = self.record.position().map_or(line, |position| {
            let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
            let rest = self.text.as_bytes().get(at..).unwrap_or_default();
            let breaks = rest
                .iter()
                .take_while(|byte| matches!(**byte, b'\r' | b'\n'));
            position.line() + breaks.filter(|byte| **byte == b'\n').count() as u64
        });
        if self.record.len() == 1 && self.record.get(0) == Some(END) {
            return Ok(None);
        }
        if self
            .record
            .iter()
            .next_back()
            .is_some_and(|last| last.contains(END))
        {
            return refused(line, "quotes that begin in this record never end");
        }
        Ok(Some((line, &self.record)))
    }
}

/// The max number of cells of a record: each costs many times the memory of its comma.
const MAX_CELLS: usize = 1000;

/// The line of the first record with too many cells, found before the parser has them all
/// in memory.
fn too_wide(text: &[u8]) -> Option<u64> {
    #[derive(PartialEq)]
    enum At {
        Begin,
        Bare,
        Quoted,
        Quote,
    }
    let (mut at, mut cells, mut line, mut begin) = (At::Begin, 1, 1, 1);
    for byte in text {
        at = match (&at, *byte) {
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) => At::Quoted,
            (At::Begin | At::Quote, b'"') => At::Quoted,
            (_, b',') => {
                cells += 1;
                At::Begin
            }
            (_, b'\r' | b'\n') => {
                cells = 1;
                begin = line + u64::from(*byte == b'\n');
                At::Begin
            }
            _ => At::Bare,
        };
        line += u64::from(*byte == b'\n');
        if cells > MAX_CELLS {
            return Some(begin);
        }
    }
    None
}

/// The max length of tags as JSON, in bytes: values cost more memory than their text.
const MAX_TAGS_JSON: usize = 1024 * 1024;

/// Why a header is that of no table of tasks, by what it has between its cells.
pub fn wrong_header(line: u64, header: &StringRecord, wanted: &str) -> Invalid {
    let text: Vec<&str> = header.iter().collect();
    let text = text.join(",");
    let other = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")];
    let found = other.iter().find(|(sign, _)| text.contains(*sign));
    let detail = match found {
        Some((_, name)) => {
            format!("the header has {name} between its cells: save the table with commas")
        }
        None => format!("the header must name the columns, {wanted} among them"),
    };
    Invalid { line, detail }
}

/// Reads a file whole.
pub fn read(text: &str, max: usize) -> Result<Document, Invalid> {
    let mut records = Records::of(text)?;
    let Some((line, header)) = records.next()? else {
        let detail = "the file is empty: it must begin with a header that names the columns";
        return Err(Invalid {
            line: 1,
            detail: detail.to_owned(),
        });
    };
    let mut columns = Vec::new();
    let mut unknown = Vec::new();
    for name in header {
        let name = name.trim().to_ascii_lowercase();
        let known = COLUMNS.iter().find(|column| **column == name).copied();
        if known.is_some() && columns.contains(&known) {
            let detail = format!("the column {name:?} stands in the header twice");
            return Err(Invalid { line, detail });
        }
        columns.push(known);
        unknown.push(name);
    }
    if !columns.contains(&Some("title")) {
        return Err(wrong_header(line, header, "title"));
    }
    let mut reader = Reader {
        collector: Collector::new(max),
        lists: HashMap::new(),
    };
    while let Some((line, record)) = records.next()? {
        reader.row(line, record, &columns, &unknown)?;
    }
    Ok(reader.collector.finish())
}

struct Reader {
    collector: Collector,
    /// Lists by their id and name.
    lists: HashMap<(String, String), usize>,
}

impl Reader {
    fn row(
        &mut self,
        line: u64,
        record: &StringRecord,
        columns: &[Option<&'static str>],
        names: &[String],
    ) -> Result<(), Invalid> {
        if record.iter().all(str::is_empty) {
            return Ok(());
        }
        let content: Vec<&str> = record.iter().collect();
        let identity = Identity::Content(content.join("\u{1f}"));
        let mut draft = Draft::new(&NAMES, line, identity);
        let (mut list, mut list_id) = (String::new(), String::new());
        for (at, cell) in record.iter().enumerate() {
            let cell = cell
                .strip_prefix(FORMULA_SIGN)
                .filter(|rest| is_formula(rest))
                .unwrap_or(cell);
            if cell.is_empty() {
                continue;
            }
            match columns.get(at).copied().flatten() {
                Some("list") => list = cell.to_owned(),
                Some("list_id") => list_id = cell.to_owned(),
                Some(column) => cell_of(&mut draft, column, cell),
                None => {
                    let further = format!("column {}", at + 1);
                    let name = names.get(at).filter(|name| !name.is_empty());
                    let name = name.unwrap_or(&further);
                    let shown = super::draft::shown(cell);
                    draft.drop(
                        name,
                        format!("{shown:?} is left out: the column is unknown"),
                    );
                }
            }
        }
        schedule(&mut draft);
        if !list.is_empty() || !list_id.is_empty() {
            draft.list = Some(self.list(line, list_id, list)?);
        }
        self.collector.task(draft).map(|_| ())
    }

    fn list(&mut self, line: u64, id: String, name: String) -> Result<usize, Invalid> {
        // With an id, that is the list; the name may have been edited in one row alone.
        let key = match id.is_empty() {
            true => (String::new(), name.clone()),
            false => (id.clone(), String::new()),
        };
        if let Some(list) = self.lists.get(&key) {
            return Ok(*list);
        }
        let identity = match ResourceId::parse(&id) {
            Some(id) => Identity::Id(id),
            None if id.is_empty() => Identity::Content(name.clone()),
            None => Identity::Uid(id),
        };
        let list = self.collector.list(line, identity, &name)?;
        self.lists.insert(key, list);
        Ok(list)
    }
}

/// Takes a cell of a known column.
fn cell_of(draft: &mut Draft, column: &str, cell: &str) {
    let trimmed = cell.trim();
    let wrong = match column {
        "id" => {
            draft.key = Some(trimmed.to_owned());
            draft.identity = match ResourceId::parse(trimmed) {
                Some(id) => Identity::Id(id),
                None => Identity::Uid(trimmed.to_owned()),
            };
            None
        }
        "parent_id" => {
            draft.parent = Some(trimmed.to_owned());
            None
        }
        "title" => {
            draft.title = cell.to_owned();
            None
        }
        "description" => {
            draft.text(cell);
            None
        }
        "completed" => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => {
                draft.completed = true;
                None
            }
            "false" | "0" | "no" => None,
            _ => Some("is neither true nor false"),
        },
        "completed_at" => time(&mut draft.completed_at, trimmed),
        "created_at" => time(&mut draft.created_at, trimmed),
        "updated_at" => time(&mut draft.updated_at, trimmed),
        "priority" => match Priority::from_name(&trimmed.to_ascii_lowercase()) {
            Some(priority) => {
                draft.priority = priority;
                None
            }
            None => Some("is not none, low, medium or high"),
        },
        "due_date" => {
            draft.date = day(trimmed);
            draft.date.is_none().then_some("is no day as YYYY-MM-DD")
        }
        "due_time" => {
            draft.time = DueTime::parse(trimmed).ok();
            draft.time.is_none().then_some("is no time as HH:MM")
        }
        "time_zone" => {
            draft.zone = match TimeZone::parse(trimmed) {
                Ok(zone) => Some(zone.name().to_owned()),
                Err(_) => zones::iana(trimmed).map(str::to_owned),
            };
            draft.zone.is_none().then_some("is no time zone")
        }
        "recurrence" => {
            draft.rule = Some(trimmed.to_owned());
            None
        }
        "recurrence_from" => match From::from_name(trimmed) {
            Some(from) => {
                draft.from = from;
                None
            }
            None => Some("is neither due nor completion"),
        },
        "tags" => {
            let is_array = cell.starts_with('[') && cell.len() <= MAX_TAGS_JSON;
            let array = is_array.then(|| serde_json::from_str::<Vec<String>>(cell).ok());
            match array.flatten() {
                Some(tags) => tags.iter().for_each(|tag| draft.tag(tag)),
                None => cell.split('\n').for_each(|tag| draft.tag(tag)),
            }
            None
        }
        _ => {
            let is_one = is_position(trimmed);
            draft.position = is_one.then(|| trimmed.to_owned());
            (!is_one).then_some("is no position")
        }
    };
    if let Some(why) = wrong {
        let shown = super::draft::shown(cell);
        draft.drop(column, format!("{shown:?} is left out: it {why}"));
    }
}

fn time(place: &mut Option<Timestamp>, cell: &str) -> Option<&'static str> {
    *place = zones::instant(cell);
    let wrong = "is no instant as 2026-01-31T08:00:00Z";
    place.is_none().then_some(wrong)
}

/// Tells what has nothing to stand on.
fn schedule(draft: &mut Draft) {
    if draft.date.is_none() && draft.time.take().is_some() {
        draft.drop("due_time", "is left out: it needs a due_date");
    }
    if draft.time.is_none() && draft.zone.take().is_some() {
        draft.drop("time_zone", "is left out: it needs a due_time");
    }
    if !draft.completed && draft.completed_at.take().is_some() {
        draft.drop("completed_at", "is left out: the task is not completed");
    }
}
