//! Ends in the background what has been in the trash for long enough, forgets what ended
//! long ago, and goes on with erasing accounts: at start, and every ten minutes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::QueryResult;

use crate::accounts;
use crate::db::bridge::Db;
use crate::db::connection::DbConnection;
use crate::db::error::DbError;
use crate::db::forget::{forget_epochs, forget_gone};
use crate::db::purge::Step;
use crate::health::Health;
use crate::lists;
use crate::metrics::Metrics;
use crate::primitives::timestamp::Timestamp;
use crate::tasks;

/// The pause between two passes.
const BETWEEN_PASSES: Duration = Duration::from_secs(600);

/// The pause after a step, at least; else the steps have a tenth of the time, but for a
/// step that is held up.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);

/// How long it waits for a first check of readiness. At the same time they would open
/// two connections where one will do.
const FOR_READINESS: Duration = Duration::from_secs(5);

/// The pause after a step that could not be; it doubles, up to that between two passes,
/// while it fails again: an index may be built for long, and a database be read-only.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

type StepOf = fn(&mut DbConnection, Timestamp) -> QueryResult<Step>;

/// How often epochs are looked through, and a large SQLite file is rewritten, in passes:
/// once a day.
const PASSES_PER_DAY: u32 = 144;

/// Ends what has been in the trash for longer than `trash_days`, and forgets what ended
/// more than `changes_days` ago.
pub(crate) struct Purge {
    pub db: Db,
    pub health: Arc<Health>,
    pub trash_days: u32,
    pub changes_days: u32,
    pub metrics: Option<Arc<Metrics>>,
}

impl Purge {
    /// Runs until it is aborted. A step that is under way is a transaction, and ends with
    /// itself.
    pub async fn run(self) {
        while !self.health.is_migrated() {
            tokio::time::sleep(AFTER_FAILURE / 50).await;
        }
        let until = Instant::now() + FOR_READINESS;
        while !self.health.has_been_ready() && Instant::now() < until {
            tokio::time::sleep(AFTER_FAILURE / 50).await;
        }
        let mut failures = 0;
        for pass in 0_u32.. {
            // A list ends after its tasks.
            self.end_all("task", tasks::purge::step, self.trash_days, &mut failures)
                .await;
            self.end_all("list", lists::purge::step, self.trash_days, &mut failures)
                .await;
            self.end_all("gone", forget_gone, self.changes_days, &mut failures)
                .await;
            self.end_all("account", accounts::purge::step, 0, &mut failures)
                .await;
            if pass % PASSES_PER_DAY == 0 {
                self.end_all("epoch", forget_epochs, self.changes_days, &mut failures)
                    .await;
                self.end_all("byte", accounts::purge::remove_bytes, 0, &mut failures)
                    .await;
            }
            tokio::time::sleep(BETWEEN_PASSES).await;
        }
    }

    async fn end_all(&self, kind: &'static str, step: StepOf, days: u32, failures: &mut u32) {
        let before = Timestamp::now().utc() - TimeDelta::days(i64::from(days));
        let before = Timestamp::new(before);
        let mut total = 0;
        loop {
            let begun = Instant::now();
            let done = self.db.step(move |conn| step(conn, before)).await;
            log_change(&done, failures);
            let pause = match done {
                // Others were faster, or it cannot be deleted: the next pass sees.
                Ok(Step::Done | Step::Ended(0)) => break,
                Ok(Step::Ended(count)) => {
                    total += count;
                    if let Some(metrics) = &self.metrics {
                        metrics.purged(kind, count);
                    }
                    (begun.elapsed() * 9).clamp(BETWEEN_STEPS, AFTER_FAILURE)
                }
                Ok(Step::Busy) => AFTER_FAILURE,
                Err(_) => {
                    let doubled = failures.saturating_sub(1).min(10);
                    (AFTER_FAILURE * 2_u32.pow(doubled)).min(BETWEEN_PASSES)
                }
            };
            tokio::time::sleep(pause).await;
        }
        if total > 0 {
            log::info!(kind, count = total; "ended what was kept for long enough");
        }
    }
}

/// One line when it begins to fail, and one when that ends: a database that nobody may
/// write to can stay so for months.
fn log_change(done: &Result<Step, DbError>, failures: &mut u32) {
    match done {
        Err(error) => {
            if *failures == 0 {
                log::warn!(cause:% = error; "what was kept for long enough cannot be ended yet; trying again");
            }
            *failures += 1;
        }
        Ok(Step::Done | Step::Ended(_)) => {
            if *failures > 0 {
                log::info!("what was kept for long enough is ended again");
            }
            *failures = 0;
        }
        Ok(Step::Busy) => {}
    }
}
