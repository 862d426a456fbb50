//! The thread that keeps the key set fresh, and what it shares with requests.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::key_set::KeySet;
use crate::settings::Jwks as Settings;

/// How long a failed fetch waits for the next, while there are good keys.
const RETRY: Duration = Duration::from_secs(10);
/// The same after the first one while there are none, and nobody can be served.
/// Each further one waits twice as long, up to [`RETRY`].
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// The causes of one outage that are logged.
const MAX_TOLD: usize = 8;
/// How long unknown `kid`s cause no fetch after one that changed nothing.
const COOL_DOWN: Duration = Duration::from_secs(10);
/// How long keys are good without a successful fetch.
const MAX_STALE: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct Shared {
    pub keys: RwLock<Option<Arc<KeySet>>>,
    pub schedule: Mutex<Schedule>,
    pub wake: Condvar,
}

#[derive(Default)]
pub(super) struct Schedule {
    /// Fetches begun and ended so far; they differ by one while one is under way.
    pub begun: u64,
    pub ended: u64,
    /// When the last one ended.
    pub ended_at: Option<Instant>,
    /// Somebody waits for a fetch that has not begun yet.
    pub wanted: bool,
    /// Until when unknown `kid`s cause no fetch.
    pub cool_until: Option<Instant>,
    /// When the last good set was fetched.
    pub good_at: Option<Instant>,
    pub failures: u64,
    /// Why the last fetch failed; empty if it did not.
    pub complaint: String,
    /// The causes that were logged since fetching failed.
    told: Vec<String>,
    pub stopped: bool,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_keys(&self, keys: Option<Arc<KeySet>>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

/// A document, or why there is none.
pub(super) type Fetched = Result<Vec<u8>, String>;

/// A panic in a library, for which there is no thread or no memory, must not be
/// the end of all fetches: it counts as one that failed.
fn fetch_keys(url: &str, fetch: impl Fn() -> Fetched) -> Result<KeySet, String> {
    let fetch_and_read = || {
        let document = fetch()?;
        KeySet::parse(&document).map_err(|why| format!("{url} is no key set: {why}"))
    };
    catch_unwind(AssertUnwindSafe(fetch_and_read))
        .unwrap_or_else(|_| Err(format!("the fetch of {url} panicked")))
}

/// Fetches when it is due and when it is wanted, until the set is dropped.
pub(super) fn keep_fresh(
    shared: &Shared,
    settings: &Settings,
    fetch: impl Fn() -> Fetched,
    announce: &watch::Sender<u64>,
) {
    let (url, ttl) = (settings.url.as_str(), settings.ttl);
    let mut pause = Duration::ZERO;
    let mut retry = FIRST_RETRY;
    loop {
        let Some(caused) = wait_for_cause(shared, pause) else {
            return;
        };
        let result = fetch_keys(url, &fetch);
        let before = shared
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut schedule = shared.lock();
        schedule.ended = schedule.begun;
        schedule.ended_at = Some(Instant::now());
        let mut changed = false;
        match result {
            Ok(keys) => {
                let known = before.as_deref();
                changed = known.is_none_or(|known| known.fingerprint != keys.fingerprint);
                let is_news = changed || known.is_some_and(|known| known.notes != keys.notes);
                // It also ends an outage that was told.
                if is_news || !schedule.complaint.is_empty() {
                    log::info!(url; "the key set was fetched");
                }
                if is_news {
                    for note in &keys.notes {
                        log::warn!(url; "{note}");
                    }
                    shared.set_keys(Some(Arc::new(keys)));
                }
                schedule.complaint.clear();
                schedule.told.clear();
                retry = FIRST_RETRY;
                schedule.good_at = Some(Instant::now());
                pause = ttl;
            }
            Err(why) => {
                // Once for each cause, not for each of many tries.
                if schedule.told.len() < MAX_TOLD && !schedule.told.contains(&why) {
                    log::warn!(cause = why.as_str(); "the key set could not be fetched; trying again");
                    schedule.told.push(why.clone());
                }
                schedule.complaint = why;
                schedule.failures += 1;
                if schedule.good_at.is_some_and(|at| at.elapsed() > MAX_STALE) {
                    log::error!(url; "the keys are older than 24 hours and are not used any more");
                    schedule.good_at = None;
                    shared.set_keys(None);
                }
                pause = if schedule.good_at.is_some() {
                    RETRY.min(ttl)
                } else {
                    let now = retry;
                    retry = RETRY.min(2 * now);
                    now
                };
            }
        }
        if caused == Cause::UnknownKid && !changed {
            schedule.cool_until = Some(Instant::now() + COOL_DOWN);
        }
        let ended = schedule.ended;
        drop(schedule);
        announce.send_replace(ended);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Schedule,
    UnknownKid,
}

/// Waits until a fetch is due or wanted, and begins it. None is the end.
fn wait_for_cause(shared: &Shared, pause: Duration) -> Option<Cause> {
    let due = Instant::now() + pause;
    let mut schedule = shared.lock();
    loop {
        if schedule.stopped {
            return None;
        }
        let left = due.saturating_duration_since(Instant::now());
        if schedule.wanted || left.is_zero() {
            // Before the first good set every fetch is one of the schedule.
            let cause = match schedule.wanted && schedule.good_at.is_some() {
                true => Cause::UnknownKid,
                false => Cause::Schedule,
            };
            schedule.wanted = false;
            schedule.begun += 1;
            return Some(cause);
        }
        let waited = shared.wake.wait_timeout(schedule, left);
        schedule = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}
