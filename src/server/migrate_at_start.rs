//! Migrations at start, and folding texts in the background.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::application::StartError;
use crate::db;
use crate::db::bridge::Db;
use crate::db::error::DbError;
use crate::db::migrate::{MigrateError, migrate};
use crate::health::Health;
use crate::settings::{Database, DatabaseUrl};
use crate::tasks::refold::{self, Place, Step};

/// Runs the migrations at start, if the setting says so. A SQLite file that cannot be
/// used fails the start, because waiting would not help. PostgreSQL is retried in the
/// background.
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
        // Every connection to `:memory:` has a database of its own, so it must be
        // migrated on the connection of the pool.
        DatabaseUrl::SqliteMemory => {
            let done = db.migrate_memory();
            log_migrated(&done.map_err(|error| StartError(error.to_string()))?);
        }
        DatabaseUrl::SqliteFile(_) => {
            let done = migrate(database)
                .map_err(|error| StartError(format!("{:?}: {error}", database.url)))?;
            log_migrated(&done);
            // Records the identity of the file.
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
        let pause = match migrate(database) {
            Ok(done) => {
                log_migrated(&done);
                health.set_migrated();
                return make_indexes(database);
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

/// Builds the missing indexes. Requests do not wait for them.
fn make_indexes(database: &Database) {
    match db::migrate::make_indexes(database) {
        Ok(made) => {
            for index in made {
                log::info!(index = index.as_str(); "index made");
            }
        }
        Err(error) => {
            log::warn!(cause:% = error; "an index cannot be made; lists of owners with very many tasks are slow");
        }
    }
}

/// The pause between two passes over all tasks: replicas of the previous release may
/// still be writing.
const BETWEEN_PASSES: Duration = Duration::from_secs(600);

/// The min pause after a step. A longer step is followed by nine times its duration, so
/// that the steps take at most a tenth of the time.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);

/// The pause after a step that failed or found the lock taken.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Folds the texts of tasks that the previous release has written, until a pass other
/// than the first finds nothing to do.
pub(crate) async fn refold(db: Db, health: Arc<Health>) {
    while !health.is_migrated() {
        tokio::time::sleep(AFTER_FAILURE / 50).await;
    }
    let mut passes = 0;
    loop {
        let folded = refold_once(&db).await;
        passes += 1;
        if folded > 0 {
            log::info!(tasks = folded; "folded for the search");
        } else if passes > 1 {
            return;
        }
        tokio::time::sleep(BETWEEN_PASSES).await;
    }
}

/// Runs one step; none if another replica is running one.
async fn step(db: &Db, after: Option<Place>) -> Result<Option<Step>, DbError> {
    db.step(move |conn| refold::step(conn, after.as_ref()))
        .await
}

async fn refold_once(db: &Db) -> usize {
    let (mut after, mut folded) = (None, 0);
    loop {
        let begun = Instant::now();
        let pause = match step(db, after.clone()).await {
            Ok(Some(step)) => {
                folded += step.folded;
                let Some(next) = step.next else {
                    return folded;
                };
                after = Some(next);
                BETWEEN_STEPS.max(begun.elapsed() * 9)
            }
            // Another replica is running a step.
            Ok(None) => AFTER_FAILURE,
            Err(error) => {
                log::info!(cause:% = error; "tasks are not folded for the search yet; trying again");
                AFTER_FAILURE
            }
        };
        tokio::time::sleep(pause).await;
    }
}

fn log_migrated(done: &[String]) {
    for migration in done {
        log::info!(migration = migration.as_str(); "migrated");
    }
}
