//! The key set of a Better Auth server, fetched and kept.
//!
//! A thread of its own fetches, so that no worker is ever held up and no two
//! fetches run at once. Requests read the last good set.
//!
//! Invariants: a set that was good is kept until a better one comes, or for 24
//! hours; made-up `kid`s cause at most one fetch in ten seconds; a real rotation
//! costs no token, because a fetch that finds a changed set starts no cool-down.

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
/// How long a request waits for a fetch; the fetch itself has 2 s.
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
        let shared = Arc::new(Shared {
            keys: RwLock::new(None),
            schedule: Mutex::new(Schedule::default()),
            wake: Condvar::new(),
        });
        let (announce, finished) = watch::channel(0);
        let (of_thread, ttl) = (Arc::clone(&shared), settings.ttl);
        let fetcher = Fetcher::new(settings.url.clone());
        std::thread::Builder::new()
            .name("jwks".into())
            .spawn(move || keep_fresh(&of_thread, &fetcher, ttl, &announce))?;
        Ok(Self { shared, finished })
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

    /// What a request remembers before it looks for its key.
    pub(super) fn seen(&self) -> Seen {
        let schedule = self.shared.lock();
        Seen {
            at_arrival: schedule.begun,
            ended: schedule.ended,
        }
    }

    /// Waits until there may be a newer set than the one in which a request has
    /// not found its key. All who wait share one fetch, and each is content with
    /// the first that began after its arrival: its token was out by then, and so
    /// was its key. False if there is nothing to wait for, or no more.
    pub(super) async fn newer_than(&self, seen: &mut Seen) -> bool {
        let mut finished = self.finished.clone();
        let awaited = {
            let mut schedule = self.shared.lock();
            let under_way = schedule.begun > schedule.ended;
            if schedule.ended > seen.ended {
                // It came while the request was looking into the set before.
                schedule.ended
            } else if seen.ended > seen.at_arrival {
                return false;
            } else if under_way {
                schedule.begun
            } else if schedule.good_at.is_none() {
                // Nothing has ever been fetched: the thread tries again on its
                // own, and requests must not make it try more often.
                if schedule.begun > 0 {
                    return false;
                }
                1
            } else {
                let cooling = schedule
                    .cool_until
                    .is_some_and(|until| Instant::now() < until);
                if cooling {
                    return false;
                }
                schedule.wanted = true;
                self.shared.wake.notify_one();
                schedule.begun + 1
            }
        };
        let ended = finished.wait_for(|ended| *ended >= awaited);
        match tokio::time::timeout(PATIENCE, ended).await {
            Ok(Ok(ended)) => {
                seen.ended = *ended;
                true
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

/// The fetches that a request knows of.
pub(super) struct Seen {
    /// Those that had begun when it arrived.
    at_arrival: u64,
    /// Those that had ended when it last looked for its key.
    ended: u64,
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

fn keep_fresh(shared: &Shared, fetcher: &Fetcher, ttl: Duration, announce: &watch::Sender<u64>) {
    let mut pause = Duration::ZERO;
    loop {
        let Some(caused) = wait_for_cause(shared, pause) else {
            return;
        };
        let result = fetcher.fetch().and_then(|document| {
            KeySet::parse(&document)
                .map_err(|why| format!("{} is no key set: {why}", fetcher.url()))
        });
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
                changed = before.is_none_or(|before| before.fingerprint != keys.fingerprint);
                if changed {
                    log::info!(url = fetcher.url(); "the key set was fetched");
                    for note in &keys.notes {
                        log::warn!(url = fetcher.url(); "{note}");
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
                    log::error!(url = fetcher.url(); "the keys are older than 24 hours and are not used any more");
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
