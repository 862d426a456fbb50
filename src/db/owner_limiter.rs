//! OwnerLimiter of owners at the database.
//!
//! Invariant: where there are two threads or more, no owner has all of them,
//! whatever he asks for and however often: he has at most half of them, rounded
//! up. So slow searches of one hold up nobody else.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Owners share this many queues, by a hash that nobody can aim: no owner needs an
/// entry of his own, so nothing grows (they take 1 MB), and two busy ones seldom
/// meet.
const QUEUES: usize = 8192;

/// Requests that may wait, of all owners and of those who share a queue. A full
/// queue is answered at once; and what waits has its body in memory.
const MAX_WAITING: usize = 1024;
const MAX_WAITING_IN_QUEUE: usize = 512;

/// The right to one thread; given back when it is dropped.
pub(super) type Permit = OwnedSemaphorePermit;

/// Who may use how many of the database threads.
pub(super) struct OwnerLimiter {
    queues: Vec<Queue>,
    hasher: RandomState,
    waiting: AtomicUsize,
}

struct Queue {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// Why an owner has no turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPermit {
    /// Too many wait.
    Full,
    /// It did not come in time.
    Late,
    /// The threads were replaced; there are other turns.
    Replaced,
}

impl OwnerLimiter {
    /// At most so many threads for an owner.
    pub fn new(most: usize) -> Self {
        let queue = || Queue {
            turns: Arc::new(Semaphore::new(most)),
            waiting: AtomicUsize::new(0),
        };
        Self {
            queues: std::iter::repeat_with(queue).take(QUEUES).collect(),
            hasher: RandomState::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// A turn, if it need not be waited for.
    #[cfg(feature = "postgres")]
    pub fn take_now(&self, owner: &str) -> Option<Permit> {
        Arc::clone(&self.queue(owner)?.turns)
            .try_acquire_owned()
            .ok()
    }

    /// Waits until it is the owner's turn, in the order of his requests.
    pub async fn take(&self, owner: &str, until: Instant) -> Result<Permit, NoPermit> {
        let queue = self.queue(owner).ok_or(NoPermit::Full)?;
        match Arc::clone(&queue.turns).try_acquire_owned() {
            Ok(turn) => return Ok(turn),
            Err(TryAcquireError::Closed) => return Err(NoPermit::Replaced),
            Err(TryAcquireError::NoPermits) => {}
        }
        let _everybody = Place::among(&self.waiting, MAX_WAITING)?;
        let _in_queue = Place::among(&queue.waiting, MAX_WAITING_IN_QUEUE)?;
        let turn = Arc::clone(&queue.turns).acquire_owned();
        match tokio::time::timeout_at(until.into(), turn).await {
            Ok(turn) => turn.map_err(|AcquireError { .. }| NoPermit::Replaced),
            Err(_) => Err(NoPermit::Late),
        }
    }

    fn queue(&self, owner: &str) -> Option<&Queue> {
        self.queues
            .get(self.hasher.hash_one(owner) as usize % QUEUES)
    }

    /// Sends everybody who waits away, to the turns that replace these.
    pub fn close(&self) {
        for queue in &self.queues {
            queue.turns.close();
        }
    }
}

/// A place among those who wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn among(waiting: &'a AtomicUsize, most: usize) -> Result<Self, NoPermit> {
        let before = waiting.fetch_add(1, Ordering::AcqRel);
        let place = Self(waiting);
        (before < most).then_some(place).ok_or(NoPermit::Full)
    }
}

impl Drop for Place<'_> {
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
    async fn an_owner_has_so_many_and_others_have_theirs() {
        let turns = OwnerLimiter::new(2);
        let take = async |name: &str| turns.take(name, Instant::now()).await;
        let (first, second) = (take("alice").await, take("alice").await);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(take("alice").await.err(), Some(NoPermit::Late));
        // One of 50 might be in the same queue, all of them never are.
        let mut others = Vec::new();
        for number in 0..50 {
            others.extend(take(&format!("owner-{number}")).await);
        }
        assert!(others.len() > 40, "{}", others.len());
        drop(first);
        assert!(take("alice").await.is_ok());
    }

    #[actix_rt::test]
    async fn beyond_so_many_waiting_one_is_told_at_once() {
        let turns = OwnerLimiter::new(1);
        let until = Instant::now() + Duration::from_secs(60);
        let held = turns.take("alice", until).await;
        let many = (0..MAX_WAITING_IN_QUEUE + 10)
            .map(async |_| turns.take("alice", until).await.map(drop));
        let release = async { drop(held) };
        let (told, ()) = join(join_all(many), release).await;
        let refused = told.iter().filter(|turn| turn.is_err()).count();
        assert_eq!(refused, 10);
        drop(told);
        assert!(turns.take("alice", until).await.is_ok());
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
    }

    #[actix_rt::test]
    async fn who_waits_is_sent_away_when_the_threads_are_replaced() {
        let turns = OwnerLimiter::new(1);
        let until = Instant::now() + Duration::from_secs(60);
        let _held = turns.take("alice", until).await;
        let (waited, ()) = join(turns.take("alice", until), async { turns.close() }).await;
        assert_eq!(waited.err(), Some(NoPermit::Replaced));
        assert_eq!(
            turns.take("bob", until).await.err(),
            Some(NoPermit::Replaced)
        );
    }
}
