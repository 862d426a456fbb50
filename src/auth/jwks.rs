//! The key set of a Better Auth server, fetched and kept.
//!
//! A thread of its own fetches, so that no worker is ever held up and no two
//! fetches run at once. Requests read the last good set.
//!
//! Invariants: a set that was good is kept until a better one comes, or for 24
//! hours; made-up `kid`s cause at most one fetch in ten seconds; a real rotation
//! costs no token, because a fetch that finds a changed set starts no cool-down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::fetch::Fetcher;
use super::keys::KeySet;
use crate::settings::Jwks as Settings;

/// How long a failed fetch waits for the next, while there are good keys.
const RETRY: Duration = Duration::from_secs(10);
/// The same while there are none yet, and nobody can be served.
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// How long unknown `kid`s cause no fetch after one that changed nothing.
const COOL_DOWN: Duration = Duration::from_secs(10);
/// How long keys are good without a successful fetch.
const MAX_STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a request waits for fetches, of which each has 2 s.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// The key set and whatever keeps it fresh. The thread ends with it.
pub struct Jwks {
    shared: Arc<Shared>,
    finished: watch::Receiver<u64>,
}

struct Shared {
    keys: RwLock<Option<Arc<KeySet>>>,
    schedule: Mutex<Schedule>,
    wake: Condvar,
}

#[derive(Default)]
struct Schedule {
    /// Fetches begun and ended so far; they differ by one while one is under way.
    begun: u64,
    ended: u64,
    /// Somebody waits for a fetch that has not begun yet.
    wanted: bool,
    /// Until when unknown `kid`s cause no fetch.
    cool_until: Option<Instant>,
    /// When the last good set was fetched.
    good_at: Option<Instant>,
    failures: u64,
    /// Why the last fetch failed; empty if it did not.
    complaint: String,
    stopped: bool,
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
        let fetcher = Fetcher::new(settings.url.clone());
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
        let (of_thread, settings) = (Arc::clone(&shared), settings.clone());
        std::thread::Builder::new()
            .name("jwks".into())
            .spawn(move || keep_fresh(&of_thread, &settings, fetch, &announce))?;
        Ok(Self { shared, finished })
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
        let _ = tokio::time::timeout(PATIENCE, ended).await;
    }

    /// What a request can still hope for. To be taken before the keys are looked
    /// at, so that no fetch ends unseen between the two.
    pub(super) fn hope(&self) -> Hope {
        let schedule = self.shared.lock();
        Hope {
            begun: schedule.begun,
            ended: schedule.ended,
            until: Instant::now() + PATIENCE,
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
            // Nothing has ever been fetched: the thread tries again on its own,
            // and requests must not make it try more often.
            return schedule.begun == 0;
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

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_keys(&self, keys: Option<Arc<KeySet>>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

/// A document, or why there is none.
type Fetched = Result<Vec<u8>, String>;

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

fn keep_fresh(
    shared: &Shared,
    settings: &Settings,
    fetch: impl Fn() -> Fetched,
    announce: &watch::Sender<u64>,
) {
    let (url, ttl) = (settings.url.as_str(), settings.ttl);
    let mut pause = Duration::ZERO;
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
        let mut changed = false;
        match result {
            Ok(keys) => {
                let known = before.as_deref();
                changed = known.is_none_or(|known| known.fingerprint != keys.fingerprint);
                if changed || known.is_some_and(|known| known.notes != keys.notes) {
                    log::info!(url; "the key set was fetched");
                    for note in &keys.notes {
                        log::warn!(url; "{note}");
                    }
                    shared.set_keys(Some(Arc::new(keys)));
                }
                schedule.complaint.clear();
                schedule.good_at = Some(Instant::now());
                pause = ttl;
            }
            Err(why) => {
                // Once for each cause, not for each of many tries.
                if why != schedule.complaint {
                    log::warn!(cause = why.as_str(); "the key set could not be fetched; trying again");
                    schedule.complaint = why;
                }
                schedule.failures += 1;
                if schedule.good_at.is_some_and(|at| at.elapsed() > MAX_STALE) {
                    log::error!(url; "the keys are older than 24 hours and are not used any more");
                    schedule.good_at = None;
                    shared.set_keys(None);
                }
                pause = if schedule.good_at.is_some() {
                    RETRY.min(ttl)
                } else {
                    FIRST_RETRY
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
