//! Erasing an account, whether its client waits or not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::repository::{Counts, erase_some};
use crate::auth::OwnerId;
use crate::db::bridge::Db;
use crate::db::erase::{Remains, has_remains, remove_remains};
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
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn add(&self, counts: &Counts) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.add(counts);
    }
}

/// When SQLite's file may be written anew, which others who write wait for. Those who wait at
/// the same time are served by one; and however often accounts are erased, others have the
/// most of the time.
#[derive(Clone, Default)]
pub struct Turns(Arc<tokio::sync::Mutex<Option<Instant>>>);

/// How many times as long as writing the file anew took others write before the next time.
const OF_OTHERS: u32 = 9;

/// How long others write at most before the next time: less than a client waits.
const MAX_OF_OTHERS: Duration = Duration::from_secs(5);

/// Erases everything of an owner's, to its last byte. If the first step was done, the rest
/// is done by somebody: if not by this, then by the background job. Says whether its bytes are
/// gone from SQLite's files, too.
///
/// # Errors
///
/// The first step failed, or a later one again and again.
pub(super) async fn erase(
    db: Db,
    owner: OwnerId,
    progress: Progress,
    turns: Turns,
) -> Result<bool, DbError> {
    let mut failures = None;
    loop {
        let erased = owner.clone();
        let step = db.step(move |conn| erase_some(conn, erased.as_str())).await;
        match (step, failures) {
            (Ok((counts, is_last)), _) => {
                failures = Some(0);
                progress.add(&counts);
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
    db.reset_watches(&owner);
    let until = Instant::now() + FOR_REMAINS;
    loop {
        let mut turn = turns.0.lock().await;
        match db.read(until, has_remains).await {
            Ok(true) => {}
            Ok(false) => return Ok(true),
            Err(_) => return Ok(false),
        }
        if let Some(next) = *turn {
            tokio::time::sleep_until(next.into()).await;
        }
        let begun = Instant::now();
        let removed = db.step(remove_remains).await;
        let pause = (begun.elapsed() * OF_OTHERS).min(MAX_OF_OTHERS);
        *turn = Some(Instant::now() + pause);
        drop(turn);
        match removed {
            Ok(Remains::Removed) => return Ok(true),
            Ok(Remains::Read) if Instant::now() < until => tokio::time::sleep(PAUSE).await,
            Ok(Remains::Read | Remains::Large) | Err(_) => return Ok(false),
        }
    }
}
