//! The key set of a Better Auth server, fetched and cached.
//!
//! A dedicated thread fetches, so that no HTTP worker is blocked and no two fetches
//! run at once. Requests read the last good set.
//!
//! Invariants: a good set is kept until a newer one arrives, or for 24 hours; unknown
//! `kid`s cause at most one fetch in ten seconds; and a key rotation refuses no valid
//! token, because a fetch that finds a changed set starts no cool-down.

use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::fetch::Fetcher;
use super::key_set::KeySet;
use super::refresh::{Fetched, Schedule, Shared, keep_fresh};
use crate::settings::Jwks as Settings;

/// A request waits for fetches for the timeout of one fetch plus this.
const EXTRA_WAIT: Duration = Duration::from_millis(500);
/// Without keys, requests cause no fetch for this time after one that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The cached key set. Dropping it ends the thread that keeps it fresh.
pub struct Jwks {
    shared: Arc<Shared>,
    finished: watch::Receiver<u64>,
    /// The max time that a request waits for fetches.
    max_wait: Duration,
}

/// The state of the key set for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JwksState {
    /// The number of successful fetches.
    pub successes: u64,
    /// The number of failed fetches.
    pub failures: u64,
    /// The time since the last successful fetch; none without keys.
    pub age: Option<Duration>,
}

impl Jwks {
    /// Starts the thread, which fetches at once.
    ///
    /// # Errors
    ///
    /// The operating system refuses a thread.
    pub fn start(settings: &Settings) -> std::io::Result<Self> {
        let fetcher = Fetcher::new(settings);
        Self::fetching(settings, move || fetcher.fetch())
    }

    /// Starts the thread with this function as the fetch.
    pub(super) fn fetching(
        settings: &Settings,
        fetch: impl Fn() -> Fetched + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            keys: RwLock::new(None),
            schedule: Mutex::new(Schedule::default()),
            wake: Condvar::new(),
        });
        let (announce, finished) = watch::channel(0);
        let max_wait = settings.timeout + EXTRA_WAIT;
        let (of_thread, settings) = (Arc::clone(&shared), settings.clone());
        std::thread::Builder::new()
            .name("jwks".into())
            .spawn(move || keep_fresh(&of_thread, &settings, fetch, &announce))?;
        Ok(Self {
            shared,
            finished,
            max_wait,
        })
    }

    /// A fixed key set, without a thread.
    #[cfg(test)]
    pub(super) fn fixed(keys: Option<KeySet>) -> Self {
        let shared = Shared {
            keys: RwLock::new(keys.map(Arc::new)),
            schedule: Mutex::new(Schedule::default()),
            wake: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
            finished: watch::channel(0).1,
            max_wait: EXTRA_WAIT,
        }
    }

    /// Replaces the key set.
    #[cfg(test)]
    pub(super) fn replace(&self, keys: KeySet) {
        self.shared.set_keys(Some(Arc::new(keys)));
    }

    /// The last good set.
    pub(super) fn keys(&self) -> Option<Arc<KeySet>> {
        self.shared
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The state for the metrics.
    pub fn state(&self) -> JwksState {
        let schedule = self.shared.lock();
        JwksState {
            successes: schedule.ended.saturating_sub(schedule.failures),
            failures: schedule.failures,
            age: schedule.good_at.map(|at| at.elapsed()),
        }
    }

    /// Why the last fetch failed, if it did.
    pub fn last_error(&self) -> Option<String> {
        let last_error = self.shared.lock().last_error.clone();
        (!last_error.is_empty()).then_some(last_error)
    }

    /// Waits for the end of the first fetch, successful or not.
    pub async fn first_fetch(&self) {
        let mut finished = self.finished.clone();
        let ended = finished.wait_for(|ended| *ended > 0);
        // The outcome does not matter here: looking for a key reports it.
        let _ = tokio::time::timeout(self.max_wait, ended).await;
    }

    /// Begins a wait for fetches until `deadline`. To be called before looking for a key,
    /// so that no fetch ends unnoticed in between.
    pub(super) fn fetch_wait(&self, deadline: Instant) -> FetchWait {
        let schedule = self.shared.lock();
        FetchWait {
            begun: schedule.begun,
            ended: schedule.ended,
            until: deadline.min(Instant::now() + self.max_wait),
        }
    }

    /// Waits for the current fetch, or, as that may have begun before the key was
    /// published, for the next one. All waiting requests share the fetches. False if
    /// there is no fetch to wait for.
    pub(super) async fn refreshed(&self, wait: &mut FetchWait) -> bool {
        let awaited = if wait.ended < wait.begun {
            wait.ended = wait.begun;
            wait.begun
        } else if wait.ended == wait.begun && self.request_fetch(wait.begun + 1) {
            wait.ended = wait.begun + 1;
            wait.ended
        } else {
            return false;
        };
        let mut finished = self.finished.clone();
        let ended = finished.wait_for(|ended| *ended >= awaited);
        let until = tokio::time::Instant::from_std(wait.until);
        matches!(tokio::time::timeout_at(until, ended).await, Ok(Ok(_)))
    }

    /// Requests the fetch with this number, unless it has begun already. False if the
    /// cool-down forbids it.
    fn request_fetch(&self, number: u64) -> bool {
        let mut schedule = self.shared.lock();
        if schedule.begun >= number {
            return true;
        }
        if schedule.good_at.is_none() {
            // The thread retries on its own, with growing pauses. A request may cause a
            // retry at once, so that the first one after an outage is served; the pause
            // bounds the retries of many requests.
            if schedule.ended_at.is_some_and(|at| at.elapsed() < PAUSE) {
                return false;
            }
            schedule.wanted = true;
            self.shared.wake.notify_one();
            return true;
        }
        let now = Instant::now();
        if schedule.cool_until.is_some_and(|until| now < until) {
            return false;
        }
        schedule.wanted = true;
        self.shared.wake.notify_one();
        true
    }
}

/// The wait of a request that found no key: the numbers of fetches that had begun and
/// ended, and when the wait ends.
pub(super) struct FetchWait {
    begun: u64,
    ended: u64,
    until: Instant,
}

impl Drop for Jwks {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.wake.notify_one();
    }
}
