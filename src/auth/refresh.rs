//! The thread that refreshes the key set, and the state that it shares with requests.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::key_set::KeySet;
use crate::settings::Jwks as Settings;

/// The pause after a failed fetch while there are good keys.
const RETRY: Duration = Duration::from_secs(10);
/// The pause after the first failed fetch without keys, when no request can be served.
/// It doubles with each further failure, up to [`RETRY`].
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// The max number of different causes that are logged for one outage.
const MAX_LOGGED_CAUSES: usize = 8;
/// Unknown `kid`s cause no fetch for this time after one that changed nothing.
const COOL_DOWN: Duration = Duration::from_secs(10);
/// How long keys are used without a successful fetch.
const MAX_STALE: Duration = Duration::from_secs(86_400);

pub(super) struct Shared {
    pub keys: RwLock<Option<Arc<KeySet>>>,
    pub schedule: Mutex<Schedule>,
    pub wake: Condvar,
}

#[derive(Default)]
pub(super) struct Schedule {
    /// The numbers of fetches begun and ended; `begun` is one more during a fetch.
    pub begun: u64,
    pub ended: u64,
    /// When the last fetch ended.
    pub ended_at: Option<Instant>,
    /// A request waits for a fetch that has not begun yet.
    pub wanted: bool,
    /// The end of the cool-down, in which unknown `kid`s cause no fetch.
    pub cool_until: Option<Instant>,
    /// When the last good set was fetched.
    pub good_at: Option<Instant>,
    pub failures: u64,
    /// Why the last fetch failed; empty if it did not.
    pub last_error: String,
    /// The causes that were logged in the current outage.
    logged: Vec<String>,
    pub stopped: bool,
}

impl Schedule {
    /// Whether the cause of a failed fetch is to be logged: once in an outage, not for each
    /// attempt.
    fn is_new_cause(&mut self, why: &str) -> bool {
        let is_new =
            self.logged.len() < MAX_LOGGED_CAUSES && self.logged.iter().all(|logged| logged != why);
        if is_new {
            self.logged.push(why.to_owned());
        }
        is_new
    }

    /// Whether there are keys that are too old to be used.
    fn is_stale(&self, now: Instant) -> bool {
        self.good_at
            .is_some_and(|at| now.saturating_duration_since(at) > MAX_STALE)
    }
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_keys(&self, keys: Option<Arc<KeySet>>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

/// The document, or why the fetch failed.
pub(super) type Fetched = Result<Vec<u8>, String>;

/// Fetches and parses a set. A panic in a library, for instance for lack of threads,
/// counts as a failed fetch: it must not end the thread that fetches.
fn fetch_keys(url: &str, fetch: impl Fn() -> Fetched) -> Result<KeySet, String> {
    let fetch_and_read = || {
        let document = fetch()?;
        KeySet::parse(&document).map_err(|why| format!("{url} is no key set: {why}"))
    };
    catch_unwind(AssertUnwindSafe(fetch_and_read))
        .unwrap_or_else(|_| Err(format!("the fetch of {url} panicked")))
}

/// The loop of the thread: fetches when it is due or requested, until `stopped`.
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
                // Logged as well at the end of an outage that was logged.
                if is_news || !schedule.last_error.is_empty() {
                    log::info!(url; "the key set was fetched");
                }
                if is_news {
                    for note in &keys.notes {
                        log::warn!(url; "{note}");
                    }
                    shared.set_keys(Some(Arc::new(keys)));
                }
                schedule.last_error.clear();
                schedule.logged.clear();
                retry = FIRST_RETRY;
                schedule.good_at = Some(Instant::now());
                pause = ttl;
            }
            Err(why) => {
                if schedule.is_new_cause(&why) {
                    log::warn!(cause = why.as_str(); "the key set could not be fetched; trying again");
                }
                schedule.last_error = why;
                schedule.failures += 1;
                if schedule.is_stale(Instant::now()) {
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

/// Waits until a fetch is due or requested, and counts it as begun. None if stopped.
fn wait_for_cause(shared: &Shared, pause: Duration) -> Option<Cause> {
    let due = Instant::now() + pause;
    let mut schedule = shared.lock();
    loop {
        if schedule.stopped {
            return None;
        }
        let left = due.saturating_duration_since(Instant::now());
        if schedule.wanted || left.is_zero() {
            // Without keys every fetch counts as scheduled: there is no cool-down.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_too_old_a_day_after_their_fetch_and_not_before() {
        let day = Duration::from_secs(24 * 60 * 60);
        let good_at = Instant::now();
        let schedule = Schedule {
            good_at: Some(good_at),
            ..Schedule::default()
        };
        assert!(!schedule.is_stale(good_at));
        assert!(!schedule.is_stale(good_at + day));
        assert!(schedule.is_stale(good_at + day + Duration::from_nanos(1)));
        assert!(!Schedule::default().is_stale(good_at + day + day));
    }

    #[test]
    fn the_first_eight_causes_of_an_outage_are_logged_once_each() {
        let mut schedule = Schedule::default();
        for cause in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            assert!(schedule.is_new_cause(cause), "{cause}");
            assert!(!schedule.is_new_cause(cause), "{cause}");
        }
        assert!(!schedule.is_new_cause("i"));
        assert!(!schedule.is_new_cause("a"));
    }
}
