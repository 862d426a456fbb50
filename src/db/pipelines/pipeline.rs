//! One pipeline: what is under way on it, and whether it can take more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use tokio::task::AbortHandle;

use super::HANGS;
use super::open::Opened;
use crate::db::connection::Generation;

/// The longest that the first statement of a pipeline may have waited for its
/// answer before others go the ordinary way.
const STALL: Duration = Duration::from_millis(30);

/// How long an idle pipeline is taken to be alive without asking.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

pub(super) struct Pipeline {
    pub connection: AsyncPgConnection,
    is_alive: Arc<AtomicBool>,
    driver: AbortHandle,
    generation: u64,
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
    /// Nothing any more; another may be opened after this pause.
    Done(Duration),
}

/// A statement's place in a pipeline.
pub(super) struct Place(pub Option<Arc<Pipeline>>);

impl Pipeline {
    pub fn new(opened: Opened, generation: u64) -> Self {
        let now = Instant::now();
        Self {
            connection: opened.connection,
            is_alive: opened.is_alive,
            driver: opened.driver,
            generation,
            under_way: Mutex::new(UnderWay {
                sent_at: VecDeque::new(),
                answered_at: now,
            }),
        }
    }

    /// Takes a place if that is wise.
    pub fn enter(&self, now: Instant, most: usize, crew: &Generation) -> Condition {
        if !self.is_alive.load(Ordering::Acquire) || self.generation != crew.current() {
            return Condition::Done(Duration::ZERO);
        }
        let since = |instant: Instant| now.saturating_duration_since(instant);
        let mut under_way = self.under_way();
        let condition = match under_way.sent_at.front() {
            Some(first) if since(*first) > HANGS => return Condition::Done(HANGS),
            Some(first) if since(*first) > STALL => return Condition::Busy,
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
        (&self.connection).batch_execute("").await.is_ok()
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // It would otherwise wait for a peer that says nothing.
        self.driver.abort();
    }
}

impl Place {
    pub fn pipeline(&self) -> Option<&Arc<Pipeline>> {
        self.0.as_ref()
    }

    pub fn answered(mut self) {
        if let Some(pipeline) = self.0.take() {
            pipeline.answered();
        }
    }
}

/// Without an answer, because the client is gone or was patient for long enough:
/// the place is taken until what is asked behind it has one.
impl Drop for Place {
    fn drop(&mut self) {
        let (Some(pipeline), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(async move {
            if pipeline.still_answers().await {
                pipeline.answered();
            }
        });
    }
}
