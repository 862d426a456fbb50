//! `todoward migrate`: runs the migrations, and can copy the tasks and lists of a SQLite
//! file into the database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Failure, print};
use crate::db::copying::Rows;
use crate::db::migrate::{make_indexes, migrate};
use crate::settings::Database;
use crate::tasks::refold::refold;
use crate::transfer::copy;

/// The source of a copy.
#[derive(clap::Args)]
pub struct Arguments {
    /// Copy every task and list of this SQLite file into DATABASE_URL; can be repeated until
    /// that database is in use
    #[arg(long, value_name = "sqlite://PATH", value_parser = sqlite_file)]
    from: Option<PathBuf>,
}

/// Migrates, copies, and prints what was done.
pub fn run(arguments: &Arguments, database: &Database) -> Result<ExitCode, Failure> {
    let migrated = migrate(database)?;
    for migration in &migrated {
        print(&format!("migrated {migration}\n"))?;
    }
    let indexes = match make_indexes(database) {
        Ok(made) => made
            .iter()
            .map(|name| format!("made the index {name}\n"))
            .collect(),
        // Only speed depends on them.
        Err(error) => format!("no index was made: {error}\n"),
    };
    print(&indexes)?;
    if let Some(source) = &arguments.from {
        copy_from(source, database)?;
    }
    let folded = refold(database)?;
    if folded > 0 {
        print(&format!("folded {folded} tasks for the search\n"))?;
    }
    if migrated.is_empty() && indexes.is_empty() && folded == 0 && arguments.from.is_none() {
        print("the database is up to date; nothing to do\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn copy_from(source: &Path, database: &Database) -> Result<(), Failure> {
    let copied = copy(source, database)?;
    let mut report = Vec::new();
    for (at, (name, rows)) in copied.tables.into_iter().enumerate() {
        let became = became(rows);
        match at {
            0 => report.push(format!(
                "{} {name} in {}: {became}",
                rows.all,
                source.display()
            )),
            _ if rows.all > 0 => report.push(format!("{} {name}: {became}", rows.all)),
            _ => {}
        }
    }
    report.push(format!("{} idempotency keys\n", copied.keys));
    print(&report.join("; "))?;
    Ok(())
}

fn became(rows: Rows) -> String {
    let Rows { all, written, kept } = rows;
    let there = all - written - kept;
    let kept = match kept {
        0 => String::new(),
        kept => format!(", {kept} changed here since and left alone"),
    };
    format!("{written} copied, {there} there already{kept}")
}

/// Accepts only a file, because a password must not be on a command line.
fn sqlite_file(url: &str) -> Result<PathBuf, String> {
    match url.strip_prefix("sqlite://") {
        Some(path) if !path.is_empty() && path != ":memory:" && !path.ends_with('/') => {
            Ok(path.into())
        }
        _ => Err("must be sqlite://relative or sqlite:///absolute".to_owned()),
    }
}
