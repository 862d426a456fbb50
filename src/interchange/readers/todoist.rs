//! A CSV template or backup of Todoist: one project, without its name.

use std::collections::HashMap;

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
pub fn read(text: &str) -> Result<Document, Invalid> {
    let mut records = Records::of(text);
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
    let mut reader = Reader::default();
    while let Some((line, record)) = records.next()? {
        reader.row(line, record, &columns)?;
    }
    reader.flush()?;
    Ok(reader.collector.finish())
}

#[derive(Default)]
struct Reader {
    collector: Collector,
    section: Option<usize>,
    /// The task that notes are still read for.
    open: Option<Draft>,
    /// The keys of the tasks above, from the top.
    above: Vec<String>,
}

type Row<'a> = HashMap<&'a str, &'a str>;

impl Reader {
    fn flush(&mut self) -> Result<(), Invalid> {
        match self.open.take() {
            Some(draft) => self.collector.task(draft).map(|_| ()),
            None => Ok(()),
        }
    }

    fn row(&mut self, line: u64, record: &StringRecord, columns: &[String]) -> Result<(), Invalid> {
        let cells = columns.iter().map(String::as_str).zip(record.iter());
        let row: Row<'_> = cells.filter(|(_, cell)| !cell.trim().is_empty()).collect();
        let get = |name: &str| row.get(name).copied().unwrap_or_default();
        if row.is_empty() {
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
                for field in ["DESCRIPTION", "DATE", "DEADLINE"] {
                    if !get(field).is_empty() {
                        self.collector
                            .drop(line, content, field, "is left out: a list has none");
                    }
                }
            }
            "note" => match &mut self.open {
                Some(task) => task.texts.push(content.to_owned()),
                None => {
                    let detail =
                        format!("{:?} is left out: it is a note of no task", shown(content));
                    self.collector.drop(line, "", "note", detail);
                }
            },
            "meta" => {
                for (name, cell) in row.iter().filter(|(name, _)| **name != "TYPE") {
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
        let get = |name: &str| row.get(name).copied().unwrap_or_default();
        content(&mut draft, get("CONTENT"));
        if !get("DESCRIPTION").is_empty() {
            draft.texts.push(get("DESCRIPTION").to_owned());
        }
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
        let indent = get("INDENT")
            .trim()
            .parse::<usize>()
            .unwrap_or(1)
            .clamp(1, 100);
        self.above.truncate(indent - 1);
        draft.parent = self.above.last().cloned();
        self.above.push(key.clone());
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
        for (name, cell) in row.iter().filter(|(name, _)| !KNOWN.contains(name)) {
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
    draft.tags = labels
        .iter()
        .filter_map(|label| label.strip_prefix('@'))
        .map(str::to_owned)
        .collect();
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
