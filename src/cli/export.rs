//! `todoward export`: writes what a user has to standard output.

use std::io::Write as _;
use std::process::ExitCode;

use super::Failure;
use super::progress::Progress;
use crate::auth::OwnerId;
use crate::db::connection::open_alone;
use crate::interchange::export::write_all;
use crate::interchange::format::Format;
use crate::interchange::media;
use crate::settings::Database;

/// Whose tasks, and how they are written.
#[derive(clap::Args)]
pub struct Arguments {
    /// The user: the `sub` of their tokens
    #[arg(long)]
    owner: String,
    /// The format of the file
    #[arg(long, default_value = "ndjson", value_parser = format)]
    format: Format,
}

/// Writes the file.
pub fn run(arguments: &Arguments, database: &Database) -> Result<ExitCode, Failure> {
    write(&arguments.owner, arguments.format, database)
}

/// Writes the file of a user.
pub fn write(sub: &str, format: Format, database: &Database) -> Result<ExitCode, Failure> {
    let owner = owner(sub)?;
    let conn = open_alone(database);
    let mut conn = conn.map_err(|error| Failure::Other(error.to_string()))?;
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let progress = Progress::of(None);
    write_all::<Failure>(&mut conn, &owner, format, |piece, tasks| {
        progress.reached(tasks);
        Ok(out.write_all(piece)?)
    })?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The owner that an operator names.
pub fn owner(sub: &str) -> Result<OwnerId, Failure> {
    OwnerId::named_by_operator(sub).map_err(|why| Failure::Other(format!("the owner {why}")))
}

/// A format that can be written.
pub fn format(name: &str) -> Result<Format, String> {
    let format = media::by_name(name).filter(|format| media::written(*format).is_some());
    format.ok_or_else(|| one_of(true))
}

/// The formats there are, as a sentence.
pub fn one_of(written: bool) -> String {
    let names: Vec<_> = media::names(written).collect();
    format!("must be one of {}", names.join(", "))
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Other(format!(
            "the database failed: {error}; is it up to date? todoward migrate"
        ))
    }
}
