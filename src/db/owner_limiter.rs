//! Fairness: limits how many database threads one owner may use.
//!
//! Invariant: if there are two threads or more, no owner uses all of them. An owner
//! has at most half of them, rounded up, so that slow searches of one owner do not
//! delay the others.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Owners are distributed over this many queues by a hash with a random key, so that
/// collisions cannot be provoked. The memory is constant (1 MB) because owners have no
/// entries of their own, and two busy owners rarely share a queue.
const QUEUES: usize = 8192;

/// The max number of waiting requests, of all owners and in one queue. When it is
/// reached, a request fails at once: each waiting one has its body in memory.
const MAX_WAITING: usize = 1024;
const MAX_WAITING_IN_QUEUE: usize = 512;

/// The right to use one thread; dropping it returns it.
pub(super) type Permit = OwnedSemaphorePermit;

/// Limits the database threads of each owner.
pub(super) struct OwnerLimiter {
    queues: Vec<Queue>,
    hasher: RandomState,
    waiting: AtomicUsize,
}

struct Queue {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// Why no permit was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPermit {
    /// Too many requests are waiting.
    Full,
    /// No permit was free in time.
    TimedOut,
    /// The worker pool was replaced, and this limiter with it.
    Replaced,
}

impl OwnerLimiter {
    /// A limiter of `max` threads for each owner.
    pub fn new(max: usize) -> Self {
        let queue = || Queue {
            permits: Arc::new(Semaphore::new(max)),
            waiting: AtomicUsize::new(0),
        };
        Self {
            queues: std::iter::repeat_with(queue).take(QUEUES).collect(),
            hasher: RandomState::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Takes a permit without waiting, if one is free.
    #[cfg(feature = "postgres")]
    pub fn try_acquire(&self, owner: &str) -> Option<Permit> {
        Arc::clone(&self.queue(owner)?.permits)
            .try_acquire_owned()
            .ok()
    }

    /// Waits for a permit until an instant. An owner's requests get theirs in order.
    pub async fn acquire(&self, owner: &str, until: Instant) -> Result<Permit, NoPermit> {
        let queue = self.queue(owner).ok_or(NoPermit::Full)?;
        match Arc::clone(&queue.permits).try_acquire_owned() {
            Ok(permit) => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(NoPermit::Replaced),
            Err(TryAcquireError::NoPermits) => {}
        }
        let _everybody = QueuePlace::among(&self.waiting, MAX_WAITING)?;
        let _in_queue = QueuePlace::among(&queue.waiting, MAX_WAITING_IN_QUEUE)?;
        let permit = Arc::clone(&queue.permits).acquire_owned();
        match tokio::time::timeout_at(until.into(), permit).await {
            Ok(permit) => permit.map_err(|AcquireError { .. }| NoPermit::Replaced),
            Err(_) => Err(NoPermit::TimedOut),
        }
    }

    fn queue(&self, owner: &str) -> Option<&Queue> {
        self.queues
            .get(self.hasher.hash_one(owner) as usize % QUEUES)
    }

    /// Fails all waiting requests with [`NoPermit::Replaced`]: they go to the new limiter.
    pub fn close(&self) {
        for queue in &self.queues {
            queue.permits.close();
        }
    }
}

/// A place in a bounded queue; dropping it frees it.
struct QueuePlace<'a>(&'a AtomicUsize);

impl<'a> QueuePlace<'a> {
    fn among(waiting: &'a AtomicUsize, max: usize) -> Result<Self, NoPermit> {
        let before = waiting.fetch_add(1, Ordering::AcqRel);
        let place = Self(waiting);
        (before < max).then_some(place).ok_or(NoPermit::Full)
    }
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::{join, join_all};

    use super::*;

    #[actix_rt::test]
    async fn an_owner_has_a_max_of_permits_and_others_have_theirs() {
        let limiter = OwnerLimiter::new(2);
        let acquire = async |name: &str| limiter.acquire(name, Instant::now()).await;
        let (first, second) = (acquire("alice").await, acquire("alice").await);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(acquire("alice").await.err(), Some(NoPermit::TimedOut));
        // A few of 50 owners may share alice's queue, but not all of them.
        let mut others = Vec::new();
        for number in 0..50 {
            others.extend(acquire(&format!("owner-{number}")).await);
        }
        assert!(others.len() > 40, "{}", others.len());
        drop(first);
        assert!(acquire("alice").await.is_ok());
    }

    #[actix_rt::test]
    async fn with_a_full_queue_a_request_fails_at_once() {
        let limiter = OwnerLimiter::new(1);
        let until = Instant::now() + Duration::from_secs(60);
        let held = limiter.acquire("alice", until).await;
        let many = (0..MAX_WAITING_IN_QUEUE + 10)
            .map(async |_| limiter.acquire("alice", until).await.map(drop));
        let release = async { drop(held) };
        let (told, ()) = join(join_all(many), release).await;
        let refused = told.iter().filter(|permit| permit.is_err()).count();
        assert_eq!(refused, 10);
        drop(told);
        assert!(limiter.acquire("alice", until).await.is_ok());
        assert_eq!(limiter.waiting.load(Ordering::Relaxed), 0);
    }

    #[actix_rt::test]
    async fn waiting_requests_are_released_when_the_threads_are_replaced() {
        let limiter = OwnerLimiter::new(1);
        let until = Instant::now() + Duration::from_secs(60);
        let _held = limiter.acquire("alice", until).await;
        let (waited, ()) = join(limiter.acquire("alice", until), async { limiter.close() }).await;
        assert_eq!(waited.err(), Some(NoPermit::Replaced));
        assert_eq!(
            limiter.acquire("bob", until).await.err(),
            Some(NoPermit::Replaced)
        );
    }
}
