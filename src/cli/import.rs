//! `todoward import`: reads a file for a user.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::export::{one_of, owner};
use super::progress::Progress;
use super::{Failure, complain, print};
use crate::auth::OwnerId;
use crate::db::change::as_one_change;
use crate::db::connection::{DbConnection, open_alone};
use crate::db::statement::{in_transaction, without_time_limit};
use crate::interchange::document::{Document, Invalid};
use crate::interchange::format::Format;
use crate::interchange::import::plan::{Counts, Plan, plan};
use crate::interchange::import::snapshot;
use crate::interchange::import::write::{Limits, Written, write};
use crate::interchange::{media, readers};
use crate::primitives::timestamp::Timestamp;
use crate::settings::Database;

/// How often an import is planned anew while servers write for the same user.
const TRIES: usize = 20;

/// Which file, and for whom.
#[derive(clap::Args)]
pub struct Arguments {
    /// The file; - is standard input
    file: PathBuf,
    /// The user: the `sub` of their tokens
    #[arg(long)]
    owner: String,
    /// The format of the file, if its name does not end with it
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// Say what it would do, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Imports, and says what was done.
pub fn run(arguments: &Arguments, database: &Database) -> Result<ExitCode, Failure> {
    let owner = owner(&arguments.owner)?;
    let path = &arguments.file;
    let file =
        read(path).map_err(|error| Failure::Other(format!("{}: {error}", path.display())))?;
    let format = format_of(arguments, &file)?;
    let read = || {
        // However many tasks it has: nothing refuses an operator.
        readers::read(format, &file, usize::MAX).map_err(|Invalid { line, detail }| {
            Failure::Other(format!("{}, line {line}: {detail}", path.display()))
        })
    };
    // Before the database is touched.
    let mut document = Some(read()?);
    let conn = open_alone(database);
    let mut conn = conn.map_err(|error| Failure::Other(error.to_string()))?;
    for _ in 0..TRIES {
        let document: Document = match document.take() {
            Some(document) => document,
            None => read()?,
        };
        let known = in_transaction(&mut conn, |conn| {
            without_time_limit(conn)?;
            snapshot::read(conn, &owner)
        })?;
        let plan = plan(format, document, &owner, &known, Timestamp::now());
        if arguments.dry_run || write_all(&mut conn, &owner, &plan)? == Written::All {
            return say(&plan, arguments.dry_run);
        }
    }
    Err(Failure::Other(
        "others write for this user without a pause, and nothing was imported; try again"
            .to_owned(),
    ))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut file = Vec::new();
        std::io::stdin().read_to_end(&mut file)?;
        return Ok(file);
    }
    std::fs::read(path)
}

fn format(name: &str) -> Result<Format, String> {
    media::by_name(name).ok_or_else(|| one_of(false))
}

/// The format that was said, or the one that the name and the content of the file say.
fn format_of(arguments: &Arguments, file: &[u8]) -> Result<Format, Failure> {
    if let Some(format) = arguments.format {
        return Ok(format);
    }
    let extension = arguments.file.extension().unwrap_or_default();
    let candidates: &[Format] = match extension.to_string_lossy().to_lowercase().as_str() {
        "ndjson" | "jsonl" => &[Format::Ndjson],
        "csv" => &[Format::Csv, Format::Todoist],
        "ics" | "ical" => &[Format::ICalendar],
        "txt" => &[Format::TodoTxt],
        "json" => &[Format::Google, Format::Microsoft],
        _ => &[],
    };
    Format::among(candidates, file).ok_or_else(|| {
        let name = arguments.file.display();
        let formats = one_of(false);
        Failure::Other(format!(
            "{name} does not say its format: --format {formats}"
        ))
    })
}

fn write_all(conn: &mut DbConnection, owner: &OwnerId, plan: &Plan) -> Result<Written, Failure> {
    let Counts { tasks, lists } = plan.created();
    if tasks + lists == 0 {
        return Ok(Written::All);
    }
    let progress = Progress::of(Some(tasks + lists));
    let done = as_one_change(conn, owner, |conn| {
        without_time_limit(conn)?;
        write(conn, owner, plan, &Limits::none(), |rows| {
            progress.reached(rows);
            true
        })
    });
    done.map_err(|failed| failed.error.into())
}

fn say(plan: &Plan, dry_run: bool) -> Result<ExitCode, Failure> {
    for item in &plan.dropped.items {
        let (line, item, field, detail) = (item.line, &item.item, &item.field, &item.detail);
        complain(&format!("line {line}: {item:?}: {field} {detail}"));
    }
    let listed = plan.dropped.items.len() as u64;
    if plan.dropped.total > listed {
        complain(&format!("and {} more", plan.dropped.total - listed));
    }
    let done = match dry_run {
        true => "would be imported",
        false => "imported",
    };
    let (new, old) = (plan.created(), plan.existing);
    print(&format!(
        "{} tasks and {} lists {done}; {} tasks and {} lists were there already\n",
        new.tasks, new.lists, old.tasks, old.lists
    ))?;
    Ok(ExitCode::SUCCESS)
}
