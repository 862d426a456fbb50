//! `todoward sync-reset`: makes every client fetch everything anew.

use std::process::ExitCode;

use super::{Failure, print};
use crate::db::forget::reset_cursors;
use crate::settings::Database;

/// Resets, and says so.
pub fn run(database: &Database) -> Result<ExitCode, Failure> {
    reset_cursors(database)?;
    print(
        "every cursor of changes is reset: clients are told sync_reset, and fetch everything anew\n",
    )?;
    Ok(ExitCode::SUCCESS)
}
