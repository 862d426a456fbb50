//! A request's handle on its job: the claim that decides whether it begins, and the
//! result.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use tokio::sync::oneshot;

use super::error::DbError;

/// Decides the race between the thread that wants to begin a job and the request that
/// wants to cancel it. Exactly one of them wins.
#[derive(Default)]
pub(super) struct JobClaim(AtomicU8);

impl JobClaim {
    const WAITING: u8 = 0;
    const BEGUN: u8 = 1;
    const CANCELLED: u8 = 2;

    /// Claims the job for the thread; false if it was cancelled.
    pub fn begin(&self) -> bool {
        self.decide(Self::BEGUN)
    }

    /// Cancels the job for the request; false if it has begun.
    pub fn cancel(&self) -> bool {
        self.decide(Self::CANCELLED)
    }

    fn decide(&self, state: u8) -> bool {
        self.0
            .compare_exchange(Self::WAITING, state, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

type JobResult<T> = oneshot::Receiver<Result<T, DbError>>;

/// Waits for the result until an instant; an error if there is none by then.
pub(super) async fn result_by<T>(
    until: Instant,
    result: &mut JobResult<T>,
) -> Result<Result<T, DbError>, ()> {
    match tokio::time::timeout_at(until.into(), result).await {
        Ok(Ok(result)) => Ok(result),
        // The job was dropped without a result: it panicked.
        Ok(Err(_)) => Ok(Err(DbError::Bug("a database job panicked".into()))),
        Err(_) => Err(()),
    }
}
