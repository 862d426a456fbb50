//! The key set of a Better Auth server, fetched and kept.
//!
//! A thread of its own fetches, so that no worker is ever held up and no two
//! fetches run at once. Requests read the last good set.
//!
//! Invariants: a set that was good is kept until a better one comes, or for 24
//! hours; made-up `kid`s cause at most one fetch in ten seconds; a real rotation
//! costs no token, because a fetch that finds a changed set starts no cool-down.

use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::fetch::Fetcher;
use super::key_set::KeySet;
use super::refresh::{Fetched, Schedule, Shared, keep_fresh};
use crate::settings::Jwks as Settings;

/// How much longer than a fetch may take a request waits for fetches.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long requests cause no fetch after one that failed, while there are no keys.
const PAUSE: Duration = Duration::from_secs(1);

/// The key set and whatever keeps it fresh. The thread ends with it.
pub struct Jwks {
    shared: Arc<Shared>,
    finished: watch::Receiver<u64>,
    /// How long a request waits for fetches.
    patience: Duration,
}

/// What the metrics tell about the key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JwksState {
    /// Fetches that gave a good set.
    pub successes: u64,
    /// Fetches that did not.
    pub failures: u64,
    /// How old the keys are; none if there are none yet.
    pub age: Option<Duration>,
}

impl Jwks {
    /// Starts fetching at once.
    ///
    /// # Errors
    ///
    /// The operating system refuses a thread.
    pub fn start(settings: &Settings) -> std::io::Result<Self> {
        let fetcher = Fetcher::new(settings);
        Self::fetching(settings, move || fetcher.fetch())
    }

    /// Keeps the keys of the documents that `fetch` gives.
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
        let patience = settings.timeout + PATIENCE;
        let (of_thread, settings) = (Arc::clone(&shared), settings.clone());
        std::thread::Builder::new()
            .name("jwks".into())
            .spawn(move || keep_fresh(&of_thread, &settings, fetch, &announce))?;
        Ok(Self {
            shared,
            finished,
            patience,
        })
    }

    /// Keys that nobody fetches.
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
            patience: PATIENCE,
        }
    }

    /// Puts another set in the place of the one that is there.
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

    /// How the fetching goes.
    pub fn state(&self) -> JwksState {
        let schedule = self.shared.lock();
        JwksState {
            successes: schedule.ended.saturating_sub(schedule.failures),
            failures: schedule.failures,
            age: schedule.good_at.map(|at| at.elapsed()),
        }
    }

    /// Why there are no newer keys, if the last fetch failed.
    pub fn complaint(&self) -> Option<String> {
        let complaint = self.shared.lock().complaint.clone();
        (!complaint.is_empty()).then_some(complaint)
    }

    /// Waits for the end of the first fetch, good or not.
    pub async fn tried(&self) {
        let mut finished = self.finished.clone();
        let ended = finished.wait_for(|ended| *ended > 0);
        // However it ends, whoever looks for a key is told.
        let _ = tokio::time::timeout(self.patience, ended).await;
    }

    /// What a request can still hope for until `deadline`. To be taken before the keys
    /// are looked at, so that no fetch ends unseen between the two.
    pub(super) fn hope(&self, deadline: Instant) -> Hope {
        let schedule = self.shared.lock();
        Hope {
            begun: schedule.begun,
            ended: schedule.ended,
            until: deadline.min(Instant::now() + self.patience),
        }
    }

    /// Waits for the fetch under way, which may have begun before a key was
    /// published, or else for one that begins after the hope did. All who wait
    /// share it. False if there is none to wait for.
    pub(super) async fn refreshed(&self, hope: &mut Hope) -> bool {
        let awaited = if hope.ended < hope.begun {
            hope.ended = hope.begun;
            hope.begun
        } else if hope.ended == hope.begun && self.wants(hope.begun + 1) {
            hope.ended = hope.begun + 1;
            hope.ended
        } else {
            return false;
        };
        let mut finished = self.finished.clone();
        let ended = finished.wait_for(|ended| *ended >= awaited);
        let until = tokio::time::Instant::from_std(hope.until);
        matches!(tokio::time::timeout_at(until, ended).await, Ok(Ok(_)))
    }

    /// Asks for the fetch of this number, unless it has begun already. False if
    /// the cool-down does not let it.
    fn wants(&self, number: u64) -> bool {
        let mut schedule = self.shared.lock();
        if schedule.begun >= number {
            return true;
        }
        if schedule.good_at.is_none() {
            // The thread tries again on its own, ever more rarely. A request may make
            // it try at once, so that the first one after an outage is served, but
            // many requests not more often than one.
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

/// The fetches that had begun and ended when a request found no key, and how
/// long it waits in all.
pub(super) struct Hope {
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
