//! Erasing an account, whether its client waits or not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::repository::{Counts, erase_some};
use crate::auth::OwnerId;
use crate::db::bridge::Db;
use crate::db::erase::{Remains, remove_remains};
use crate::db::error::DbError;

/// How often a step that failed is tried again, after the first one.
const TRIES: u32 = 20;

/// The pause before a step that failed is tried again, and while somebody reads what
/// SQLite's WAL has.
const PAUSE: Duration = Duration::from_millis(100);

/// How long remains are waited for before that is left to the background job.
const FOR_REMAINS: Duration = Duration::from_secs(60);

/// What has been erased so far.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<Mutex<Counts>>);

impl Progress {
    /// How many rows it was until now.
    pub fn counts(&self) -> Counts {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, counts: Counts) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.add(counts);
    }
}

/// Erases everything of an owner's, to its last byte. If the first step was done, the rest
/// is done by somebody: if not by this, then by the background job.
///
/// # Errors
///
/// The first step failed, or a later one again and again.
pub(super) async fn erase(db: Db, owner: OwnerId, progress: Progress) -> Result<(), DbError> {
    let mut failures = None;
    loop {
        let erased = owner.clone();
        let step = db.step(move |conn| erase_some(conn, erased.as_str())).await;
        match (step, failures) {
            (Ok((counts, is_last)), _) => {
                failures = Some(0);
                progress.add(counts);
                if is_last {
                    break;
                }
            }
            (Err(_), Some(count)) if count < TRIES => {
                failures = Some(count + 1);
                tokio::time::sleep(PAUSE).await;
            }
            (Err(error), _) => return Err(error),
        }
    }
    // Whoever follows its changes is to begin anew.
    db.watchers().reset(&owner);
    let until = Instant::now() + FOR_REMAINS;
    loop {
        match db.step(remove_remains).await {
            Ok(Remains::Removed) => return Ok(()),
            Ok(Remains::Read) if Instant::now() < until => tokio::time::sleep(PAUSE).await,
            Ok(Remains::Read | Remains::Large) => return Err(DbError::Overloaded),
            Err(error) => return Err(error),
        }
    }
}
