//! One pipeline: what is under way on it, and whether it can take more.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::open::{Driver, Opened};
use super::session::Session;
use crate::db::connection::Generation;
use crate::db::owner_limiter::Permit;

/// From when a pipeline without an answer counts as hanging, and is replaced.
const HANGS: Duration = Duration::from_secs(1);

/// How long an idle pipeline is taken to be alive without asking.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// The longest that it is asked whether it still answers. It is replaced long
/// before; this ends what a peer that says nothing would keep for ever.
const GIVE_UP: Duration = Duration::from_secs(5);

pub(super) struct Pipeline {
    pub session: Session,
    pub generation: u64,
    driver: Driver,
    opened_at: Instant,
    under_way: Mutex<UnderWay>,
}

/// When the statements were sent that have no answer yet. Answers come in the
/// order of the statements.
struct UnderWay {
    sent_at: VecDeque<Instant>,
    answered_at: Instant,
}

/// What a pipeline can do for the next request.
pub(super) enum Condition {
    Fit,
    /// Nothing now.
    Busy,
    /// Nothing now; to be asked whether it still answers.
    Idle,
    /// Nothing any more.
    Over,
    /// Nothing any more; it may be the database.
    Hanging,
}

/// A statement's place in a pipeline.
pub(super) struct Place {
    pub pipeline: Arc<Pipeline>,
    turn: Option<Permit>,
    is_answered: bool,
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
                answered_at: now,
            }),
        }
    }

    pub fn age(&self) -> Duration {
        self.opened_at.elapsed()
    }

    /// Takes a place if that is wise: if fewer than `most` statements are under way,
    /// and the first of them has not waited for longer than `longest_wait`.
    pub fn enter(
        &self,
        now: Instant,
        most: usize,
        longest_wait: Duration,
        crew: &Generation,
    ) -> Condition {
        let is_current = self.generation == crew.current() && crew.is_proven();
        if !is_current || !self.driver.is_alive() {
            return Condition::Over;
        }
        let since = |instant: Instant| now.saturating_duration_since(instant);
        let mut under_way = self.under_way();
        let condition = match under_way.sent_at.front() {
            Some(first) if since(*first) > HANGS => return Condition::Hanging,
            Some(first) if since(*first) > longest_wait => return Condition::Busy,
            Some(_) if under_way.sent_at.len() >= most => return Condition::Busy,
            None if since(under_way.answered_at) > TRUSTED_IDLE => Condition::Idle,
            Some(_) | None => Condition::Fit,
        };
        under_way.sent_at.push_back(now);
        condition
    }

    fn answered(&self) {
        let mut under_way = self.under_way();
        under_way.sent_at.pop_front();
        under_way.answered_at = Instant::now();
    }

    pub async fn still_answers(&self) -> bool {
        let asked = timeout(GIVE_UP, self.session.answers());
        asked.await.unwrap_or(false)
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub fn new(pipeline: Arc<Pipeline>, turn: Permit) -> Self {
        Self {
            pipeline,
            turn: Some(turn),
            is_answered: false,
        }
    }

    pub fn answered(mut self) {
        self.is_answered = true;
        self.pipeline.answered();
    }
}

/// Without an answer, because the client is gone or was patient for long enough:
/// the place, and the owner's turn, are taken until what is asked behind it has
/// one.
impl Drop for Place {
    fn drop(&mut self) {
        let (false, Ok(runtime)) = (self.is_answered, Handle::try_current()) else {
            return;
        };
        let (pipeline, turn) = (Arc::clone(&self.pipeline), self.turn.take());
        runtime.spawn(async move {
            let _turn = turn;
            if pipeline.still_answers().await {
                pipeline.answered();
            }
        });
    }
}
