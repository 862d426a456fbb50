//! Owners whose statements hang, as those on a shard whose server is away, have few
//! connections until one of their statements ends: others must not wait for them.
//!
//! Invariant: owners in doubt have a quarter of the threads, all of them together, and a
//! request beyond that fails at once.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Owners are told apart by a hash with a random key, so that collisions cannot be
/// provoked. The memory is constant (8 KB), whatever hangs.
const BUCKETS: usize = 8192;

/// What is known of the owners of a bucket: nothing bad; that a statement of theirs held
/// up a pipeline; that one held up a thread.
const GOOD: u8 = 0;
#[cfg(feature = "postgres")]
const SUSPECT: u8 = 1;
const IN_DOUBT: u8 = 2;

/// The owners with the same hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket(usize);

impl Bucket {
    /// As a number that is not 0.
    pub fn number(self) -> usize {
        self.0 + 1
    }

    pub fn from_number(number: usize) -> Option<Self> {
        number.checked_sub(1).map(Self)
    }
}

pub(super) struct Doubts {
    buckets: Vec<AtomicU8>,
    hasher: RandomState,
    /// The threads of those in doubt; none if there is no thread to spare.
    threads: Option<Arc<Semaphore>>,
}

/// Whether a statement may use a thread.
pub(super) enum Admission {
    Free,
    /// In doubt. To be held until the thread is free again.
    InDoubt(OwnedSemaphorePermit),
    /// In doubt, and others in doubt have the threads.
    Refused,
}

impl Doubts {
    /// Of so many threads. Nobody is ever in doubt if it is one.
    pub fn new(threads: usize) -> Self {
        let some = || Arc::new(Semaphore::new((threads / 4).max(1)));
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU8::new(GOOD)).collect(),
            hasher: RandomState::new(),
            threads: (threads > 1).then(some),
        }
    }

    pub fn bucket(&self, owner: &str) -> Bucket {
        Bucket(self.hasher.hash_one(owner) as usize % BUCKETS)
    }

    /// Whether statements may go over a pipeline.
    #[cfg(feature = "postgres")]
    pub fn may_pipeline(&self, bucket: Bucket) -> bool {
        self.state(bucket) == GOOD
    }

    /// A statement has held up a pipeline.
    #[cfg(feature = "postgres")]
    pub fn suspect(&self, bucket: Bucket) {
        self.raise(bucket, SUSPECT);
    }

    /// A statement has held up a thread.
    pub fn doubt(&self, bucket: Bucket) {
        self.raise(bucket, IN_DOUBT);
    }

    pub fn is_in_doubt(&self, bucket: Bucket) -> bool {
        self.state(bucket) == IN_DOUBT
    }

    /// A statement has succeeded on a thread.
    pub fn clear(&self, bucket: Bucket) {
        if self.state(bucket) != GOOD
            && let Some(state) = self.buckets.get(bucket.0)
        {
            state.store(GOOD, Ordering::Relaxed);
        }
    }

    pub fn admit(&self, bucket: Bucket) -> Admission {
        match &self.threads {
            Some(threads) if self.is_in_doubt(bucket) => {
                match Arc::clone(threads).try_acquire_owned() {
                    Ok(permit) => Admission::InDoubt(permit),
                    Err(_) => Admission::Refused,
                }
            }
            Some(_) | None => Admission::Free,
        }
    }

    fn state(&self, bucket: Bucket) -> u8 {
        let state = self.buckets.get(bucket.0);
        state.map_or(GOOD, |state| state.load(Ordering::Relaxed))
    }

    fn raise(&self, bucket: Bucket, to: u8) {
        if self.threads.is_some()
            && let Some(state) = self.buckets.get(bucket.0)
        {
            state.fetch_max(to, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What owners are told: `free`, `in doubt`, `refused`.
    fn told(admission: &Admission) -> &'static str {
        match admission {
            Admission::Free => "free",
            Admission::InDoubt(_) => "in doubt",
            Admission::Refused => "refused",
        }
    }

    #[test]
    fn those_in_doubt_share_a_quarter_of_the_threads_until_they_succeed() {
        let doubts = Doubts::new(8);
        let owners = [0, 1, 2].map(Bucket);
        owners.into_iter().for_each(|owner| doubts.doubt(owner));
        let admitted = owners.map(|owner| doubts.admit(owner));
        assert_eq!(
            admitted.each_ref().map(told),
            ["in doubt", "in doubt", "refused"]
        );
        assert_eq!(told(&doubts.admit(Bucket(3))), "free");
        drop(admitted);
        assert_eq!(told(&doubts.admit(owners[2])), "in doubt");
        doubts.clear(owners[2]);
        assert_eq!(told(&doubts.admit(owners[2])), "free");
        assert!(doubts.is_in_doubt(owners[0]));
    }

    #[test]
    fn with_two_threads_one_is_for_those_in_doubt_and_with_one_nobody_is() {
        for (threads, expected) in [(2, ["in doubt", "refused"]), (1, ["free", "free"])] {
            let doubts = Doubts::new(threads);
            let alice = doubts.bucket("alice");
            doubts.doubt(alice);
            let admitted = [doubts.admit(alice), doubts.admit(alice)];
            assert_eq!(admitted.each_ref().map(told), expected);
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_suspect_uses_no_pipeline_and_all_threads() {
        let doubts = Doubts::new(4);
        let alice = doubts.bucket("alice");
        assert!(doubts.may_pipeline(alice));
        doubts.suspect(alice);
        assert!(!doubts.may_pipeline(alice));
        assert_eq!(told(&doubts.admit(alice)), "free");
        doubts.doubt(alice);
        doubts.suspect(alice);
        assert!(doubts.is_in_doubt(alice));
        doubts.clear(alice);
        assert!(doubts.may_pipeline(alice));
    }
}
