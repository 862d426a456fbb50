//! `todoward owner …`: what an operator does with everything of one user, on the database.

use std::process::ExitCode;

use super::{Failure, export, print};
use crate::accounts::repository::{Counts, erase_some, give_all};
use crate::auth::OwnerId;
use crate::db;
use crate::db::connection::{DbConnection, open_alone};
use crate::db::erase::remove_all_remains;
use crate::interchange::format::Format;
use crate::settings::Database;

/// What to do.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Write everything of a user to standard output, as todoward export does
    Export {
        /// The user: the `sub` of their tokens
        sub: String,
        /// The format of the file
        #[arg(long, default_value = "ndjson", value_parser = export::format)]
        format: Format,
    },
    /// Erase everything of a user, for good
    Erase {
        /// The user: the `sub` of their tokens
        sub: String,
        /// Do it without asking
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Give everything of one user to another one
    Reassign {
        /// Whose it is
        from: String,
        /// Whose it becomes
        to: String,
    },
}

/// Does it, and says what was done.
pub fn run(command: &Command, database: &Database) -> Result<ExitCode, Failure> {
    if let Command::Export { sub, format } = command {
        return export::write(sub, *format, database);
    }
    check_names(command)?;
    let mut conn = open_alone(database).map_err(|error| Failure::Other(error.to_string()))?;
    match command {
        Command::Export { .. } => {}
        Command::Erase { sub, .. } => {
            let counts = erase(&mut conn, sub).map_err(failed)?;
            print(&format!("{counts} erased\n"))?;
        }
        Command::Reassign { from, to } => {
            let counts = give(&mut conn, from, to)?;
            print(&format!("{counts} reassigned\n"))?;
        }
    }
    // Nobody else has the file.
    remove_all_remains(&mut conn).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

fn erase(conn: &mut DbConnection, owner: &str) -> diesel::QueryResult<Counts> {
    let mut all = Counts::default();
    loop {
        let (counts, is_last) = erase_some(conn, owner)?;
        all.add(&counts);
        if is_last {
            return Ok(all);
        }
    }
}

/// Nobody is named by nothing, which notes of the database are kept under; and what is given to
/// somebody whom no token can name, nobody could ever see.
fn check_names(command: &Command) -> Result<(), Failure> {
    let refused = match command {
        Command::Export { .. } => None,
        Command::Erase { sub, .. } => sub.is_empty().then_some("SUB names nobody".to_owned()),
        Command::Reassign { from, .. } if from.is_empty() => Some("FROM names nobody".to_owned()),
        Command::Reassign { to, .. } => OwnerId::named_by_operator(to)
            .err()
            .map(|why| format!("TO {why}")),
    };
    refused.map_or(Ok(()), |why| Err(Failure::Other(why)))
}

fn give(conn: &mut DbConnection, from: &str, to: &str) -> Result<Counts, Failure> {
    give_all(conn, from, to).map_err(|failure| match failure {
        db::statement::Failure::Database(error) => failed(error),
        // Nothing refuses an operator.
        db::statement::Failure::Rejected(_) => Failure::Other("it was refused".to_owned()),
    })
}

fn failed(error: diesel::result::Error) -> Failure {
    Failure::Other(format!("the database failed: {error}"))
}
