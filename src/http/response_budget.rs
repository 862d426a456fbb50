//! Limits the memory of large bodies: of requests while they are read, of responses
//! while clients read them.
//!
//! actix copies a whole response into the connection's buffer, however slowly the client
//! reads. A thousand clients that read a byte a second would hold gigabytes (slow read
//! attack, slowhttptest -X), and so would a thousand that send as slowly. So a large
//! response is passed to actix in pieces, and the bytes of both kinds are counted.
//!
//! Invariant: at most `MAX_PER_OWNER` bytes are held for one owner, and at most
//! `MAX_FOR_FIRST` for all. A client that reads a byte a second is not cut off, so many
//! of them together can use up `MAX`. The part above it is reserved for owners for whom
//! nothing is held, so that a few slow owners cannot lock out the others.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

use crate::auth::OwnerId;
use crate::primitives::problem::{ApiError, Code};

/// The size of the pieces that are passed to actix, in bytes.
const PIECE: usize = 32 * 1024;

/// Smaller bodies are not counted: a connection itself costs more.
pub(super) const LARGE: usize = 2 * PIECE;

/// The largest possible page: 200 tasks of 142 KiB, in which every character is escaped.
pub(super) const LARGEST_BODY: usize = 28 * 1024 * 1024;

const MAX_PER_OWNER: usize = LARGEST_BODY;

/// The limit of all owners. Together with the rest of the process and pages that are
/// being written it fits into a container of 256 MiB.
const MAX: usize = 2 * MAX_PER_OWNER;

/// The limit of all owners for an owner's first body of at most [`FIRST`] bytes.
const MAX_FOR_FIRST: usize = MAX + 16 * FIRST;

const FIRST: usize = 1024 * 1024;

/// The budget: counts the bytes of large bodies.
#[derive(Debug, Clone, Default)]
pub struct ResponseBudget(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_owner: HashMap<OwnerId, usize>,
}

impl ResponseBudget {
    /// Counts a body of an owner until the returned value is dropped.
    ///
    /// # Errors
    ///
    /// 503 `overloaded`: the budget is used up.
    pub fn hold(&self, owner: &OwnerId, length: usize) -> Result<Held, ApiError> {
        if length < LARGE {
            return Ok(Held(None));
        }
        let mut counts = self.counts();
        let of_owner = counts.by_owner.get(owner).copied().unwrap_or(0);
        let is_first = of_owner == 0 && length <= FIRST;
        let max = if is_first { MAX_FOR_FIRST } else { MAX };
        if of_owner + length > MAX_PER_OWNER || counts.all + length > max {
            let detail = "too many large bodies are being sent, or wait for their readers; read those first, send fewer at a time, or ask for smaller pages";
            return Err(ApiError::new(Code::Overloaded, detail).with_header("retry-after", "1"));
        }
        counts.all += length;
        counts.by_owner.insert(owner.clone(), of_owner + length);
        Ok(Held(Some(Counted {
            budget: self.clone(),
            owner: owner.clone(),
            length,
        })))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reservation in the budget, returned when dropped; empty for small bodies.
#[derive(Default)]
pub struct Held(Option<Counted>);

impl Held {
    /// Keeps another reservation together with this one.
    pub fn add(&mut self, other: Self) {
        match (&mut self.0, other.0) {
            (Some(counted), Some(mut other)) => {
                counted.length += std::mem::take(&mut other.length);
            }
            (none @ None, other) => *none = other,
            (Some(_), None) => {}
        }
    }
}

struct Counted {
    budget: ResponseBudget,
    owner: OwnerId,
    length: usize,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.budget.counts();
        counts.all = counts.all.saturating_sub(self.length);
        if let Some(of_owner) = counts.by_owner.get_mut(&self.owner) {
            *of_owner = of_owner.saturating_sub(self.length);
            if *of_owner == 0 {
                counts.by_owner.remove(&self.owner);
            }
        }
    }
}

/// A response body that is passed to actix in pieces.
pub struct BudgetedBody {
    rest: Bytes,
    held: Held,
}

impl BudgetedBody {
    /// A response that is counted until it is sent or its connection is closed.
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

    /// Bytes that are in memory in any case, so they are not counted.
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

    // actix sends a small body in one piece, without polling.
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

    /// An owner can be created from a token only.
    fn owner(name: &str) -> OwnerId {
        let secret = Secret::parse("a secret of the tests, 0123456789 abcdef").unwrap();
        let policy = Policy::default();
        let token = sign_hs256(&secret, name, 60, &policy).unwrap();
        let verifier = Verifier::new(&[secret], policy);
        verifier.verify(&token, unix_now()).unwrap().owner().clone()
    }

    fn body(
        budget: &ResponseBudget,
        owner: &OwnerId,
        length: usize,
    ) -> Result<BudgetedBody, ApiError> {
        let held = budget.hold(owner, length)?;
        Ok(BudgetedBody::new(bytes(length), held))
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_body_is_what_it_was_made_of() {
        let budget = ResponseBudget::default();
        for length in [0, 1, PIECE, LARGE - 1, LARGE, LARGE + 1, 10 * PIECE + 7] {
            let body = body(&budget, &owner("a"), length).unwrap();
            assert_eq!(body.size(), BodySize::Sized(length as u64));
            let whole = actix_rt::System::new().block_on(to_bytes(body)).unwrap();
            assert_eq!(whole, bytes(length));
        }
        assert_eq!(budget.counts().all, 0);
        assert!(budget.counts().by_owner.is_empty());
    }

    #[test]
    fn an_owner_who_does_not_read_gets_no_more_and_others_do() {
        let budget = ResponseBudget::default();
        let unread = [(); 2].map(|()| body(&budget, &owner("slow"), MAX_PER_OWNER / 2));
        assert!(unread.iter().all(Result::is_ok));
        let refused = body(&budget, &owner("slow"), LARGE).err().unwrap();
        assert_eq!(refused.code(), Code::Overloaded);
        assert!(
            body(&budget, &owner("slow"), LARGE - 1).is_ok(),
            "small answers go on"
        );
        assert!(body(&budget, &owner("other"), MAX_PER_OWNER).is_ok());
        drop(unread);
        assert!(body(&budget, &owner("slow"), MAX_PER_OWNER).is_ok());
    }

    #[test]
    fn a_few_slow_readers_leave_room_for_others_and_many_stay_within_the_limit() {
        let budget = ResponseBudget::default();
        let holds = |n: usize, length: usize| body(&budget, &owner(&n.to_string()), length);
        let largest: Vec<_> = (0..10).map(|n| holds(n, MAX_PER_OWNER)).collect();
        let held = largest.iter().filter(|body| body.is_ok()).count();
        assert_eq!(held, MAX / MAX_PER_OWNER);
        let first: Vec<_> = (10..100).map(|n| holds(n, FIRST)).collect();
        let held = first.iter().filter(|body| body.is_ok()).count();
        assert_eq!(held, (MAX_FOR_FIRST - MAX) / FIRST);
        assert_eq!(budget.counts().all, MAX_FOR_FIRST);
        assert!(holds(200, LARGE - 1).is_ok(), "small answers go on");
        drop((largest, first));
        assert_eq!(budget.counts().all, 0);
    }
}
