//! Who decides about a job that waits.

use std::sync::atomic::{AtomicU8, Ordering};

/// Decides between the thread that would begin a job and the request that would
/// give up on it. One of the two wins.
#[derive(Default)]
pub(super) struct Ticket(AtomicU8);

impl Ticket {
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
