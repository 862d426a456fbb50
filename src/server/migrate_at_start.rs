//! Bringing the database up to date when the server starts.

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
            let done = migrate(database)
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

/// Nothing waits for them.
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

/// The pause between two passes over all tasks: replicas of the previous release
/// may still write.
const BETWEEN_PASSES: Duration = Duration::from_secs(600);

/// The pause after a step, at least; else the steps have a tenth of the time.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);

/// The pause after a step that could not be.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Folds the texts of tasks that the previous release has written, in the
/// background, until a second pass, or one after it, finds nothing to do.
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

/// None while another replica is at one.
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
            // Another replica is at it.
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
