//! One pipeline: its statements in flight, and whether it accepts more.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::open::{Driver, Opened};
use super::session::Session;
use crate::db::connection::{Generation, Sessions};
use crate::db::owner_limiter::Permit;

/// If the first statement of a pipeline has waited longer for its response, further
/// statements go to the worker pool.
const STALL: Duration = Duration::from_millis(15);

/// After this time without a response a pipeline counts as hanging and is replaced.
const HANGS: Duration = Duration::from_secs(1);

/// How long an idle pipeline is assumed to be alive without a check.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// The time limit of the check whether a pipeline responds. It is replaced long
/// before; the limit releases what a hanging peer would hold for ever.
const GIVE_UP: Duration = Duration::from_secs(5);

pub(super) struct Pipeline {
    pub session: Session,
    pub generation: u64,
    driver: Driver,
    opened_at: Instant,
    under_way: Mutex<UnderWay>,
}

/// When the statements in flight were sent. Responses come in the same order.
struct UnderWay {
    sent_at: VecDeque<Instant>,
    last_response_at: Instant,
}

/// Whether a pipeline accepts the next statement.
pub(super) enum Condition {
    Fit,
    /// Too many statements in flight, or the first one waits too long.
    Busy,
    /// Idle for so long that a check must come first.
    Idle,
    /// The connection has ended or belongs to an old generation.
    Over,
    /// The first statement has no response for too long; the database may hang.
    Hanging,
}

/// A statement's place in a pipeline.
pub(super) struct Place {
    pub pipeline: Arc<Pipeline>,
    permit: Option<Permit>,
    is_complete: bool,
}

impl Pipeline {
    pub fn new(opened: Opened, generation: u64) -> Self {
        let now = Instant::now();
        Self {
            session: opened.session,
            driver: opened.driver,
            generation,
            opened_at: now,
            under_way: Mutex::new(UnderWay {
                sent_at: VecDeque::new(),
                last_response_at: now,
            }),
        }
    }

    pub fn age(&self) -> Duration {
        self.opened_at.elapsed()
    }

    /// Takes a place if fewer than `max` statements are in flight and the first of them
    /// has not waited for too long.
    pub fn enter(&self, now: Instant, max: usize, generations: &Generation) -> Condition {
        let is_current = self.generation == generations.current();
        let is_usable = is_current && generations.sessions().is_some_and(Sessions::can_prepare);
        if !is_usable || !self.driver.is_alive() {
            return Condition::Over;
        }
        let since = |instant: Instant| now.saturating_duration_since(instant);
        let mut under_way = self.under_way();
        let condition = match under_way.sent_at.front() {
            Some(first) if since(*first) > HANGS => return Condition::Hanging,
            Some(first) if since(*first) > STALL => return Condition::Busy,
            Some(_) if under_way.sent_at.len() >= max => return Condition::Busy,
            None if since(under_way.last_response_at) > TRUSTED_IDLE => Condition::Idle,
            Some(_) | None => Condition::Fit,
        };
        under_way.sent_at.push_back(now);
        condition
    }

    /// Ends the first statement in flight. Returns how long it took if it was sent before
    /// the response to the one before it: then the network is no part of that.
    fn complete(&self) -> Option<Duration> {
        let mut under_way = self.under_way();
        let sent_at = under_way.sent_at.pop_front();
        let before = std::mem::replace(&mut under_way.last_response_at, Instant::now());
        let took = under_way.last_response_at.saturating_duration_since(before);
        sent_at.filter(|sent_at| *sent_at < before).map(|_| took)
    }

    /// How many statements are in flight.
    pub fn in_flight(&self) -> usize {
        self.under_way().sent_at.len()
    }

    /// How long no statement was in flight.
    pub fn unused_for(&self) -> Duration {
        let under_way = self.under_way();
        match under_way.sent_at.is_empty() {
            true => under_way.last_response_at.elapsed(),
            false => Duration::ZERO,
        }
    }

    pub async fn is_responsive(&self) -> bool {
        let asked = timeout(GIVE_UP, self.session.is_alive());
        asked.await.unwrap_or(false)
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub fn new(pipeline: Arc<Pipeline>, permit: Option<Permit>) -> Self {
        Self {
            pipeline,
            permit,
            is_complete: false,
        }
    }

    /// Returns how long the statement took if that can be told; see [`Pipeline::complete`].
    pub fn complete(mut self) -> Option<Duration> {
        self.is_complete = true;
        self.pipeline.complete()
    }
}

/// Without a response, because the client disconnected or the read timed out, the
/// place and the owner's permit stay taken until the pipeline has responded to a check
/// that was sent after the statement.
impl Drop for Place {
    fn drop(&mut self) {
        let (false, Ok(runtime)) = (self.is_complete, Handle::try_current()) else {
            return;
        };
        let (pipeline, permit) = (Arc::clone(&self.pipeline), self.permit.take());
        runtime.spawn(async move {
            let _permit = permit;
            if pipeline.is_responsive().await {
                pipeline.complete();
            }
        });
    }
}
