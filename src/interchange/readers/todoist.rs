//! A CSV template or backup of Todoist: one project, without its name.

use std::borrow::Cow;

use csv::StringRecord;

use super::collector::Collector;
use super::csv::{Records, wrong_header};
use super::draft::{Draft, Names, shown};
use super::todoist_dates::{self, When};
use super::zones;
use crate::interchange::document::{Document, Identity, Invalid};
use crate::primitives::timestamp::Timestamp;
use crate::tasks::due::today;
use crate::tasks::fields::Priority;
use crate::tasks::recurrence::Rule;

static NAMES: Names = Names {
    title: "CONTENT",
    description: "DESCRIPTION",
    tags: "CONTENT",
    recurrence: "DATE",
    parent: "INDENT",
    list: "section",
};

/// Reads a file whole.
pub fn read(text: &str, max: usize) -> Result<Document, Invalid> {
    let mut records = Records::of(text)?;
    let Some((line, header)) = records.next()? else {
        return Err(Invalid {
            line: 1,
            detail: "the file is empty: it must begin with a header, TYPE,CONTENT,…".to_owned(),
        });
    };
    let columns: Vec<String> = header
        .iter()
        .map(|name| name.trim().to_ascii_uppercase())
        .collect();
    let has = |name: &str| columns.iter().any(|column| column == name);
    if !has("TYPE") || !has("CONTENT") {
        return Err(wrong_header(line, header, "TYPE and CONTENT"));
    }
    for (at, name) in columns.iter().enumerate() {
        if KNOWN.contains(&name.as_str()) && columns.iter().skip(at + 1).any(|it| it == name) {
            let detail = format!("the column {name:?} stands in the header twice");
            return Err(Invalid { line, detail });
        }
    }
    let mut reader = Reader {
        collector: Collector::new(max),
        section: None,
        open: None,
        above: Vec::new(),
    };
    while let Some((line, record)) = records.next()? {
        reader.row(line, record, &columns)?;
    }
    reader.flush()?;
    Ok(reader.collector.finish())
}

struct Reader {
    collector: Collector,
    section: Option<usize>,
    /// The task that notes are still read for.
    open: Option<Draft>,
    /// The levels and the keys of the tasks above, from the top.
    above: Vec<(usize, String)>,
}

/// The cells of a row that are not empty, with the names of their columns.
struct Row<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Row<'a> {
    fn of(record: &'a StringRecord, columns: &'a [String]) -> Self {
        let cells = record.iter().enumerate();
        let cells = cells.filter(|(_, cell)| !cell.trim().is_empty());
        let name = |at: usize| match columns.get(at).filter(|name| !name.is_empty()) {
            Some(name) => Cow::Borrowed(name.as_str()),
            None => Cow::Owned(format!("column {}", at + 1)),
        };
        Self(cells.map(|(at, cell)| (name(at), cell)).collect())
    }

    fn get(&self, name: &str) -> &'a str {
        let mut found = self.0.iter().filter(|(it, _)| *it == name);
        found.next().map(|(_, cell)| *cell).unwrap_or_default()
    }

    /// The cells of other columns than these.
    fn others(&self, names: &[&str]) -> impl Iterator<Item = (&str, &'a str)> {
        let cells = self.0.iter().map(|(name, cell)| (name.as_ref(), *cell));
        cells.filter(|(name, _)| !names.contains(name))
    }
}

/// The columns that a row can have.
const KNOWN: [&str; 15] = [
    "TYPE",
    "CONTENT",
    "DESCRIPTION",
    "PRIORITY",
    "INDENT",
    "AUTHOR",
    "RESPONSIBLE",
    "DATE",
    "DATE_LANG",
    "TIMEZONE",
    "DURATION",
    "DURATION_UNIT",
    "DEADLINE",
    "DEADLINE_LANG",
    "META",
];

/// The columns of a section or a note that are kept, or say nothing by themselves.
const TECHNICAL: [&str; 5] = [
    "TYPE",
    "CONTENT",
    "DATE_LANG",
    "DURATION_UNIT",
    "DEADLINE_LANG",
];

impl Reader {
    fn flush(&mut self) -> Result<(), Invalid> {
        match self.open.take() {
            Some(draft) => self.collector.task(draft).map(|_| ()),
            None => Ok(()),
        }
    }

    fn row(&mut self, line: u64, record: &StringRecord, columns: &[String]) -> Result<(), Invalid> {
        let row = Row::of(record, columns);
        let get = |name: &str| row.get(name);
        if row.0.is_empty() {
            return Ok(());
        }
        let content = get("CONTENT");
        match get("TYPE").trim().to_ascii_lowercase().as_str() {
            "task" => {
                self.flush()?;
                self.task(line, record, &row);
            }
            "section" => {
                self.flush()?;
                self.above.clear();
                let identity = Identity::Content(content.to_owned());
                self.section = Some(self.collector.list(line, identity, content)?);
                for (name, cell) in row.others(&TECHNICAL) {
                    let detail =
                        format!("{:?} is left out: a list has nothing for it", shown(cell));
                    self.collector.drop(line, content, name, detail);
                }
            }
            "note" => match &mut self.open {
                Some(task) => {
                    task.text(content);
                    for (name, cell) in row.others(&TECHNICAL) {
                        let detail = format!("{:?} is left out: it is of a note", shown(cell));
                        task.drop_at(line, name, detail);
                    }
                }
                None => {
                    let detail =
                        format!("{:?} is left out: it is a note of no task", shown(content));
                    self.collector.drop(line, "", "note", detail);
                }
            },
            "meta" => {
                for (name, cell) in row.others(&["TYPE"]) {
                    let detail = format!(
                        "{:?} is left out: it is a setting of Todoist's",
                        shown(cell)
                    );
                    self.collector.drop(line, "", name, detail);
                }
            }
            other => {
                let detail = format!(
                    "the row is left out: {:?} is no type that is known",
                    shown(other)
                );
                self.collector.drop(line, content, "TYPE", detail);
            }
        }
        Ok(())
    }

    fn task(&mut self, line: u64, record: &StringRecord, row: &Row<'_>) {
        let cells: Vec<&str> = record.iter().collect();
        let mut draft = Draft::new(&NAMES, line, Identity::Content(cells.join("\u{1f}")));
        let get = |name: &str| row.get(name);
        content(&mut draft, get("CONTENT"));
        draft.text(get("DESCRIPTION"));
        draft.priority = match get("PRIORITY").trim() {
            "1" => Priority::High,
            "2" => Priority::Medium,
            "3" => Priority::Low,
            "4" | "" => Priority::None,
            other => {
                draft.drop(
                    "PRIORITY",
                    format!("{:?} is left out: it is none of 1 to 4", shown(other)),
                );
                Priority::None
            }
        };
        let key = line.to_string();
        let indent = match get("INDENT").trim() {
            "" => 1,
            text => text.parse().ok().filter(|it| *it > 0).unwrap_or_else(|| {
                let detail = format!("{:?} is left out: it is no level", shown(text));
                draft.drop("INDENT", detail);
                1
            }),
        };
        // A level can be left out: what stands as deep as the one before is its sibling.
        self.above.retain(|(above, _)| *above < indent);
        draft.parent = self.above.last().map(|(_, key)| key.clone());
        self.above.push((indent, key.clone()));
        draft.key = Some(key);
        draft.list = self.section;
        date(&mut draft, get("DATE"), get("DATE_LANG"), get("TIMEZONE"));
        for name in ["DEADLINE", "DURATION", "AUTHOR", "RESPONSIBLE", "META"] {
            if !get(name).is_empty() {
                let detail = format!(
                    "{:?} is left out: Todoward has nothing for it",
                    shown(get(name))
                );
                draft.drop(name, detail);
            }
        }
        for (name, cell) in row.others(&KNOWN) {
            draft.drop(
                name,
                format!("{:?} is left out: the column is unknown", shown(cell)),
            );
        }
        self.open = Some(draft);
    }
}

/// The title and the labels in it.
fn content(draft: &mut Draft, content: &str) {
    let mut text = content;
    if let Some(heading) = content.strip_prefix("* ") {
        text = heading;
        draft.drop(
            "CONTENT",
            "the task can be completed here; in Todoist its \"* \" says it cannot",
        );
    }
    let is_label = |word: &&str| word.len() > 1 && word.starts_with('@');
    let (labels, words): (Vec<&str>, Vec<&str>) = text.split(' ').partition(|word| is_label(word));
    for label in labels.iter().filter_map(|label| label.strip_prefix('@')) {
        draft.tag(label);
    }
    draft.title = words.join(" ");
}

fn date(draft: &mut Draft, text: &str, language: &str, zone: &str) {
    if text.trim().is_empty() {
        return;
    }
    let iana = zones::iana(zone);
    let now = today(iana, Timestamp::now());
    let When {
        date,
        time,
        rule,
        from,
        utc,
    } = match todoist_dates::parse(text, language) {
        Some(when) => when,
        None => {
            draft.drop(
                "DATE",
                format!(
                    "{:?} is left out: it is no date that is certain",
                    shown(text)
                ),
            );
            return;
        }
    };
    // A rule without a date begins with its first date from today, as in Todoist.
    let first = || {
        let rule = Rule::parse(rule.as_deref()?).ok()?;
        rule.first(now).ok()
    };
    draft.date = date.or_else(first);
    (draft.time, draft.from) = (time, from);
    draft.rule = rule;
    if time.is_some() {
        draft.zone = if utc {
            Some("UTC".to_owned())
        } else {
            iana.map(str::to_owned)
        };
        if !utc && iana.is_none() && !zone.trim().is_empty() {
            draft.drop(
                "TIMEZONE",
                format!("{:?} is left out: it is no zone that is known", shown(zone)),
            );
        }
    }
}
