//! Whether this process should be sent requests.

pub mod handlers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::auth::Verifier;
use crate::db::bridge::{Db, Probe};
use crate::db::file_identity::REMOVED;

/// How long an answer about the database is believed: a flood of health checks
/// costs the database one statement a second.
const BELIEVED: Duration = Duration::from_secs(1);

/// The longest that a health check waits for the database.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a load balancer asks.
pub struct Health {
    db: Db,
    probe: Probe,
    verifier: Arc<Verifier>,
    migrated: AtomicBool,
    stopping: AtomicBool,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Health {
    /// Asks this database with this question, and this verifier for its keys.
    pub fn new(db: Db, probe: Probe, verifier: Arc<Verifier>) -> Self {
        Self {
            db,
            probe,
            verifier,
            migrated: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            last: Mutex::new(None),
        }
    }

    /// Whether some token could be verified now.
    fn has_keys(&self) -> bool {
        self.verifier.has_keys()
    }

    /// The tables are up to date.
    pub fn set_migrated(&self) {
        self.migrated.store(true, Ordering::Release);
    }

    /// Whether the tables are up to date.
    pub fn is_migrated(&self) -> bool {
        self.migrated.load(Ordering::Acquire)
    }

    /// The process has been asked to stop.
    pub fn set_stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether the process has been asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether the database answers, as of a second ago. Those who ask at the
    /// same time wait for one answer.
    async fn database_is_ready(&self) -> bool {
        if !self.is_migrated() {
            return false;
        }
        let mut last = self.last.lock().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < BELIEVED
        {
            return ready;
        }
        let answer = self.db.check(Instant::now() + PATIENCE, self.probe).await;
        if let Err(error) = &answer {
            log::warn!(cause:% = error; "the database is not ready");
        }
        let in_place = self.db.file_is_in_place();
        if !in_place {
            log::error!(cause = REMOVED; "the database is not ready");
        }
        let ready = answer.is_ok() && in_place;
        *last = Some((Instant::now(), ready));
        ready
    }
}
