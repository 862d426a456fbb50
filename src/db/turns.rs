//! Turns of owners at the database.
//!
//! Invariant: no owner has more than half of the threads at a time, whatever he
//! asks for and however often, so that slow searches of one hold up nobody else.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Owners share this many queues, by a hash that nobody can aim: no owner needs an
/// entry of his own, so nothing grows, and two busy ones seldom meet.
const QUEUES: usize = 1024;

/// The right to one thread; given back when it is dropped.
pub(super) type Turn = OwnedSemaphorePermit;

/// Who may use how many of the database threads.
pub(super) struct Turns {
    queues: Vec<Arc<Semaphore>>,
    hasher: RandomState,
}

impl Turns {
    /// At most half of these threads for an owner, and at least one.
    pub fn of(threads: usize) -> Self {
        let most = (threads / 2).max(1);
        Self {
            queues: std::iter::repeat_with(|| Arc::new(Semaphore::new(most)))
                .take(QUEUES)
                .collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits until it is the owner's turn, in the order of his requests; none if
    /// it is not by then.
    pub async fn take(&self, owner: &str, until: Instant) -> Option<Turn> {
        let queue = self.hasher.hash_one(owner) as usize % QUEUES;
        let queue = self.queues.get(queue)?;
        if let Ok(turn) = Arc::clone(queue).try_acquire_owned() {
            return Some(turn);
        }
        let turn = Arc::clone(queue).acquire_owned();
        tokio::time::timeout_at(until.into(), turn).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn an_owner_has_half_of_the_threads_and_others_have_theirs() {
        let turns = Turns::of(4);
        let take = async |name: &str| turns.take(name, Instant::now()).await;
        let (first, second) = (take("alice").await, take("alice").await);
        assert!(first.is_some() && second.is_some());
        assert!(take("alice").await.is_none());
        // One of 50 might be in the same queue, all of them never are.
        let mut others = Vec::new();
        for number in 0..50 {
            others.extend(take(&format!("owner-{number}")).await);
        }
        assert!(others.len() > 40, "{}", others.len());
        drop(first);
        assert!(take("alice").await.is_some());
    }

    #[actix_rt::test]
    async fn a_single_thread_is_everybodys_in_turn() {
        for threads in [1, 2, 3] {
            let turns = Turns::of(threads);
            let turn = turns.take("alice", Instant::now()).await;
            assert!(turn.is_some());
            assert!(turns.take("alice", Instant::now()).await.is_none());
        }
    }
}
