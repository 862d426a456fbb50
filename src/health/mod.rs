//! Health: whether this process is ready for requests.

pub mod handlers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::auth::Verifier;
use crate::db::bridge::{Db, Probe};
use crate::db::file_identity::REMOVED;

/// How long a result of the database check is reused: a flood of health checks costs
/// the database one statement a second.
const CACHE_TIME: Duration = Duration::from_secs(1);

/// The max time that a health check waits for the database.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// The state behind the health endpoints.
pub struct Health {
    db: Db,
    probe: Probe,
    verifier: Arc<Verifier>,
    migrated: AtomicBool,
    stopping: AtomicBool,
    has_been_ready: AtomicBool,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Health {
    /// `probe` is the statement that checks the database.
    pub fn new(db: Db, probe: Probe, verifier: Arc<Verifier>) -> Self {
        Self {
            db,
            probe,
            verifier,
            migrated: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            has_been_ready: AtomicBool::new(false),
            last: Mutex::new(None),
        }
    }

    /// Whether any token could be verified now.
    fn has_keys(&self) -> bool {
        self.verifier.has_keys()
    }

    /// Records that the migrations are done.
    pub fn set_migrated(&self) {
        self.migrated.store(true, Ordering::Release);
    }

    /// Whether the migrations are done.
    pub fn is_migrated(&self) -> bool {
        self.migrated.load(Ordering::Acquire)
    }

    /// Whether a check has found the database ready.
    pub fn has_been_ready(&self) -> bool {
        self.has_been_ready.load(Ordering::Acquire)
    }

    /// Records that the process is stopping.
    pub fn set_stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether the process is stopping.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether the database responds; the result may be one second old. Concurrent checks
    /// share one statement.
    async fn database_is_ready(&self) -> bool {
        if !self.is_migrated() {
            return false;
        }
        let mut last = self.last.lock().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < CACHE_TIME
        {
            return ready;
        }
        let result = self
            .db
            .check(Instant::now() + CHECK_TIMEOUT, self.probe)
            .await;
        if let Err(error) = &result {
            log::warn!(cause:% = error; "the database is not ready");
        }
        let in_place = self.db.file_is_in_place();
        if !in_place {
            log::error!(cause = REMOVED; "the database is not ready");
        }
        let ready = result.is_ok() && in_place;
        if ready {
            self.has_been_ready.store(true, Ordering::Release);
        }
        *last = Some((Instant::now(), ready));
        ready
    }
}
