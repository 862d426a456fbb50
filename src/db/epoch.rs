//! The epoch of this process: a random number that is noted with the first number that it
//! gives to an owner's changes.
//!
//! A restore or a failover can lose changes, whose numbers are then given again. The
//! epoch tells the two apart: it is drawn at the start of the process, and again when
//! the database was lost, so what is numbered after a loss never has the epoch of before.

use std::sync::atomic::{AtomicI64, Ordering};

/// 0: not drawn yet.
static EPOCH: AtomicI64 = AtomicI64::new(0);

/// The epoch of changes that are made now.
pub(super) fn current() -> i64 {
    match EPOCH.load(Ordering::Acquire) {
        0 => {
            let drawn = draw();
            let first = EPOCH.compare_exchange(0, drawn, Ordering::AcqRel, Ordering::Acquire);
            first.err().unwrap_or(drawn)
        }
        epoch => epoch,
    }
}

/// Begins another epoch: the database was lost, and another one may come back.
pub(super) fn begin() {
    EPOCH.store(draw(), Ordering::Release);
}

/// A random number above zero.
fn draw() -> i64 {
    let random = uuid::Uuid::new_v4().as_u128() as i64;
    random.saturating_abs().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_lasts_until_the_next_one_begins() {
        let first = current();
        assert!(first > 0);
        begin();
        assert_ne!(current(), first);
    }
}
