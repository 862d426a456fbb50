//! Bringing the database up to date when the server starts.

use std::sync::Arc;
use std::time::Duration;

use crate::app::StartError;
use crate::db::{self, Db, MigrateError};
use crate::health::Health;
use crate::settings::{Database, DatabaseUrl};

/// Migrates at start, by setting. A file of SQLite that cannot be used ends the
/// start: nothing will mend it. PostgreSQL may come later.
pub(crate) fn bring_up_to_date(
    database: &Database,
    db: &Db,
    health: &Arc<Health>,
) -> Result<(), StartError> {
    if !database.migrate_on_start {
        health.set_migrated();
        return Ok(());
    }
    match database.url {
        // Each connection to memory is another database: the one of the pool.
        DatabaseUrl::SqliteMemory => {
            let done = db.migrate_memory();
            log_migrated(&done.map_err(|error| StartError(error.to_string()))?);
        }
        DatabaseUrl::SqliteFile(_) => {
            let done = db::migrate(database)
                .map_err(|error| StartError(format!("{:?}: {error}", database.url)))?;
            log_migrated(&done);
            // From now on it is this file and no other of its name.
            db.file_is_in_place();
        }
        DatabaseUrl::Postgres(_) => {
            let (database, health) = (database.clone(), Arc::clone(health));
            std::thread::Builder::new()
                .name("migrate".into())
                .spawn(move || migrate_until_done(&database, &health))
                .map_err(|error| StartError(format!("cannot start a thread: {error}")))?;
            return Ok(());
        }
    }
    health.set_migrated();
    Ok(())
}

fn migrate_until_done(database: &Database, health: &Health) {
    loop {
        let pause = match db::migrate(database) {
            Ok(done) => {
                log_migrated(&done);
                health.set_migrated();
                return;
            }
            Err(error @ MigrateError::Connection(_)) => {
                log::warn!(cause:% = error; "waiting for the database");
                Duration::from_secs(1)
            }
            Err(error @ MigrateError::Failed(_)) => {
                log::error!(cause:% = error; "the database cannot be brought up to date; trying again");
                Duration::from_secs(5)
            }
        };
        std::thread::sleep(pause);
    }
}

fn log_migrated(done: &[String]) {
    for migration in done {
        log::info!(migration = migration.as_str(); "migrated");
    }
}
