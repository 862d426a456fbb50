//! What a request has of its job: a say in whether it begins, and the answer.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use tokio::sync::oneshot;

use super::error::DbError;

/// Decides between the thread that would begin a job and the request that would
/// give up on it. One of the two wins.
#[derive(Default)]
pub(super) struct JobClaim(AtomicU8);

impl JobClaim {
    const WAITING: u8 = 0;
    const BEGUN: u8 = 1;
    const CANCELLED: u8 = 2;

    /// Whether the job may begin.
    pub fn begin(&self) -> bool {
        self.decide(Self::BEGUN)
    }

    /// Whether the request may give up on it.
    pub fn cancel(&self) -> bool {
        self.decide(Self::CANCELLED)
    }

    fn decide(&self, state: u8) -> bool {
        self.0
            .compare_exchange(Self::WAITING, state, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

type Answer<T> = oneshot::Receiver<Result<T, DbError>>;

/// The answer, or nothing if it is not there by then.
pub(super) async fn answer_by<T>(
    until: Instant,
    answer: &mut Answer<T>,
) -> Result<Result<T, DbError>, ()> {
    match tokio::time::timeout_at(until.into(), answer).await {
        Ok(Ok(result)) => Ok(result),
        // The job was dropped without an answer: it panicked.
        Ok(Err(_)) => Ok(Err(DbError::Bug("a database job panicked".into()))),
        Err(_) => Err(()),
    }
}
