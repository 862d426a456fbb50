//! Large bodies: those of requests while they are read, those of answers while
//! their readers take them.
//!
//! actix copies the whole of an answer into the connection's buffer, however slowly
//! its client reads. A thousand clients that read a byte a second would hold
//! gigabytes (slowhttptest -X), and so would a thousand that send as slowly. So a
//! large answer is given out in pieces, and what is held of both is counted.
//!
//! Invariant: for one owner `MAX_OF_ONE` bytes are held at the most; for all,
//! `MAX_FOR_FIRST`. Nothing ends a reader who takes a byte a second, so many of
//! them together can have all of it. The last part is for owners for whom nothing is
//! held: those few cannot have it, too.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

use crate::auth::OwnerId;
use crate::primitives::problem::{ApiError, Code};

/// What actix takes at once.
const PIECE: usize = 32 * 1024;

/// Smaller bodies are not counted: connections cost more.
pub(super) const LARGE: usize = 2 * PIECE;

/// Room for the largest page there can be: 200 tasks of 142 KiB, which is what one
/// has whose characters are all escaped.
const MAX_OF_ONE: usize = 28 * 1024 * 1024;

/// Of all owners. With the rest of the process, and pages that are just being
/// written, it fits into a container of 256 MiB.
const MAX: usize = 2 * MAX_OF_ONE;

/// The same for an owner's first body, if it is not over [`FIRST`].
const MAX_FOR_FIRST: usize = MAX + 16 * FIRST;

const FIRST: usize = 1024 * 1024;

/// How many bytes of large bodies are held.
#[derive(Debug, Clone, Default)]
pub struct ResponseBudget(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_owner: HashMap<OwnerId, usize>,
}

impl ResponseBudget {
    /// Counts a body of an owner's for as long as what is returned is kept.
    ///
    /// # Errors
    ///
    /// Too much is held already.
    pub fn hold(&self, owner: &OwnerId, length: usize) -> Result<Held, ApiError> {
        if length < LARGE {
            return Ok(Held(None));
        }
        let mut counts = self.counts();
        let of_owner = counts.by_owner.get(owner).copied().unwrap_or(0);
        let is_first = of_owner == 0 && length <= FIRST;
        let most = if is_first { MAX_FOR_FIRST } else { MAX };
        if of_owner + length > MAX_OF_ONE || counts.all + length > most {
            let detail = "too many large bodies are being sent, or wait for their readers; read those first, send fewer at a time, or ask for smaller pages";
            return Err(ApiError::new(Code::Overloaded, detail).with_header("retry-after", "1"));
        }
        counts.all += length;
        counts.by_owner.insert(owner.clone(), of_owner + length);
        Ok(Held(Some(Counted {
            waiting: self.clone(),
            owner: owner.clone(),
            length,
        })))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that is counted until this is dropped, if it is large.
pub struct Held(Option<Counted>);

struct Counted {
    waiting: ResponseBudget,
    owner: OwnerId,
    length: usize,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.waiting.counts();
        counts.all = counts.all.saturating_sub(self.length);
        if let Some(of_owner) = counts.by_owner.get_mut(&self.owner) {
            *of_owner = of_owner.saturating_sub(self.length);
            if *of_owner == 0 {
                counts.by_owner.remove(&self.owner);
            }
        }
    }
}

/// A body that is given out in pieces.
pub struct BudgetedBody {
    rest: Bytes,
    held: Held,
}

impl BudgetedBody {
    /// An answer that is counted until it is sent, or its connection is gone.
    pub fn new(bytes: Vec<u8>, held: Held) -> Self {
        Self {
            rest: bytes.into(),
            held,
        }
    }

    /// A file that is part of the binary.
    pub fn file(bytes: &'static [u8]) -> Self {
        Self::shared(Bytes::from_static(bytes))
    }

    /// What is kept in any case, however many read it.
    pub fn shared(bytes: Bytes) -> Self {
        Self {
            rest: bytes,
            held: Held(None),
        }
    }
}

impl MessageBody for BudgetedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(self.rest.split_to(piece))))
    }

    // A small body is one piece, which actix takes without asking again.
    fn try_into_bytes(self) -> Result<Bytes, Self> {
        if self.rest.len() < LARGE && self.held.0.is_none() {
            Ok(self.rest)
        } else {
            Err(self)
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;
    use crate::auth::{Policy, Verifier, sign_hs256, unix_now};
    use crate::settings::Secret;

    /// There is no way to an owner but a token.
    fn owner(name: &str) -> OwnerId {
        let secret = Secret::parse("a secret of the tests, 0123456789 abcdef").unwrap();
        let policy = Policy::default();
        let token = sign_hs256(&secret, name, 60, &policy).unwrap();
        let verifier = Verifier::new(&[secret], policy);
        verifier.verify(&token, unix_now()).unwrap().owner().clone()
    }

    fn body(
        waiting: &ResponseBudget,
        owner: &OwnerId,
        length: usize,
    ) -> Result<BudgetedBody, ApiError> {
        let held = waiting.hold(owner, length)?;
        Ok(BudgetedBody::new(bytes(length), held))
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_body_is_what_it_was_made_of() {
        let waiting = ResponseBudget::default();
        for length in [0, 1, PIECE, LARGE - 1, LARGE, LARGE + 1, 10 * PIECE + 7] {
            let body = body(&waiting, &owner("a"), length).unwrap();
            assert_eq!(body.size(), BodySize::Sized(length as u64));
            let whole = actix_rt::System::new().block_on(to_bytes(body)).unwrap();
            assert_eq!(whole, bytes(length));
        }
        assert_eq!(waiting.counts().all, 0);
        assert!(waiting.counts().by_owner.is_empty());
    }

    #[test]
    fn who_does_not_read_gets_no_more_and_others_do() {
        let waiting = ResponseBudget::default();
        let unread = [(); 2].map(|()| body(&waiting, &owner("slow"), MAX_OF_ONE / 2));
        assert!(unread.iter().all(Result::is_ok));
        let refused = body(&waiting, &owner("slow"), LARGE).err().unwrap();
        assert_eq!(refused.code(), Code::Overloaded);
        assert!(
            body(&waiting, &owner("slow"), LARGE - 1).is_ok(),
            "small answers go on"
        );
        assert!(body(&waiting, &owner("other"), MAX_OF_ONE).is_ok());
        drop(unread);
        assert!(body(&waiting, &owner("slow"), MAX_OF_ONE).is_ok());
    }

    #[test]
    fn few_who_do_not_read_leave_room_for_others_and_many_hold_no_more_than_all_may() {
        let waiting = ResponseBudget::default();
        let holds = |n: usize, length: usize| body(&waiting, &owner(&n.to_string()), length);
        let largest: Vec<_> = (0..10).map(|n| holds(n, MAX_OF_ONE)).collect();
        let held = largest.iter().filter(|body| body.is_ok()).count();
        assert_eq!(held, MAX / MAX_OF_ONE);
        let first: Vec<_> = (10..100).map(|n| holds(n, FIRST)).collect();
        let held = first.iter().filter(|body| body.is_ok()).count();
        assert_eq!(held, (MAX_FOR_FIRST - MAX) / FIRST);
        assert_eq!(waiting.counts().all, MAX_FOR_FIRST);
        assert!(holds(200, LARGE - 1).is_ok(), "small answers go on");
        drop((largest, first));
        assert_eq!(waiting.counts().all, 0);
    }
}
