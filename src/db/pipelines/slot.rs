//! The place of one pipeline: opened when it is needed, closed in time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::pipeline::{Condition, Pipeline, Place};
use crate::db::connection::Generation;
use crate::db::owner_limiter::Permit;

/// How long no pipeline is opened after one has failed.
const PAUSE: Duration = Duration::from_secs(1);

/// As long as that grows if the next one fails soon, too.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long no pipeline is opened after the pool was refused a connection: it
/// must not take the place of one that is needed.
const GIVE_WAY: Duration = Duration::from_secs(10);

/// As long as connections of the pool live.
const LIFETIME: Duration = Duration::from_secs(1800);

/// Closed pipelines on which something is still under way. Beyond, no other is
/// opened: a database that is slow must not get more and more connections.
const MAX_CLOSED: usize = 2;

#[derive(Default)]
pub(super) struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    pipeline: Option<Arc<Pipeline>>,
    closed: Vec<Weak<Pipeline>>,
    keeper: Option<AbortHandle>,
    is_opening: bool,
    has_ended: bool,
    not_before: Option<Instant>,
    failures: u32,
}

/// What a request finds.
pub(super) enum Entered {
    Place(Place),
    /// Nothing now: statements are under way. The turn is of use elsewhere.
    Busy(Permit),
    /// Nothing now.
    Nothing,
    /// Nothing now; a pipeline is to be opened.
    Opening(Opening),
}

/// The duty to open the pipeline of a slot.
pub(super) struct Opening {
    pub slot: Arc<Slot>,
    /// The generation whose sessions are known to be apart.
    pub generation: u64,
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.slot.state().is_opening = false;
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_open(&self) -> bool {
        self.state().pipeline.is_some()
    }

    /// A place in the pipeline, or the duty to open it.
    pub fn enter(
        self: &Arc<Self>,
        turn: Permit,
        most: usize,
        longest_wait: Duration,
        crew: &Generation,
    ) -> Entered {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(pipeline) = &state.pipeline {
            let place = |turn| Place::new(Arc::clone(pipeline), turn);
            match pipeline.enter(now, most, longest_wait, crew) {
                Condition::Fit => return Entered::Place(place(turn)),
                Condition::Busy => return Entered::Busy(turn),
                Condition::Idle => drop(place(turn)),
                Condition::Over => state.close(Duration::ZERO),
                Condition::Hanging => state.close_failed(),
            }
            return Entered::Nothing;
        }
        // Before it is asked for its proof: it may end in between.
        let generation = crew.current();
        if !state.may_open(now) || !crew.is_proven() {
            return Entered::Nothing;
        }
        state.is_opening = true;
        let slot = Arc::clone(self);
        Entered::Opening(Opening { slot, generation })
    }

    /// Takes a pipeline that was opened, and closes it when the pool needs its
    /// connection, or after as long as connections of the pool live.
    pub fn open(self: &Arc<Self>, pipeline: Pipeline, mut refusals: watch::Receiver<u64>) {
        let mut state = self.state();
        if state.has_ended {
            return;
        }
        state.pipeline = Some(Arc::new(pipeline));
        let slot = Arc::clone(self);
        let keeper = tokio::spawn(async move {
            let pause = tokio::select! {
                _ = refusals.changed() => GIVE_WAY,
                () = tokio::time::sleep(LIFETIME) => Duration::ZERO,
            };
            slot.state().close(pause);
        });
        state.keeper = Some(keeper.abort_handle());
    }

    /// No pipeline could be opened.
    pub fn not_opened(&self) {
        self.state().close_failed();
    }

    /// A statement was refused on a pipeline. There may be a lock, and each that
    /// came behind it would wait for it.
    pub fn refused(&self, pipeline: &Arc<Pipeline>) {
        if let Some(mut state) = self.with(pipeline) {
            state.close(PAUSE);
        }
    }

    /// A pipeline gave no answer for too long.
    pub fn failed(&self, pipeline: &Arc<Pipeline>) {
        if let Some(mut state) = self.with(pipeline) {
            state.close_failed();
        }
    }

    fn with(&self, pipeline: &Arc<Pipeline>) -> Option<MutexGuard<'_, State>> {
        let state = self.state();
        let current = state.pipeline.as_ref()?;
        Arc::ptr_eq(current, pipeline).then_some(state)
    }

    /// Takes no more statements, for good.
    pub fn end(&self) {
        let mut state = self.state();
        state.has_ended = true;
        state.close(Duration::ZERO);
    }

    /// Whether nothing is under way.
    pub fn is_done(&self) -> bool {
        let state = self.state();
        state.pipeline.is_none() && state.closed.iter().all(|old| old.strong_count() == 0)
    }
}

impl State {
    fn may_open(&mut self, now: Instant) -> bool {
        self.closed.retain(|old| old.strong_count() > 0);
        !self.has_ended
            && !self.is_opening
            && self.closed.len() < MAX_CLOSED
            && self.not_before.is_none_or(|time| time <= now)
    }

    /// What is under way on the pipeline is finished; then it is gone.
    fn close(&mut self, pause: Duration) {
        self.closed
            .extend(self.pipeline.take().as_ref().map(Arc::downgrade));
        self.not_before = Some(Instant::now() + pause);
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
        }
    }

    /// With a pause that doubles while pipelines do not live for long.
    fn close_failed(&mut self) {
        let pipeline = self.pipeline.as_ref();
        if pipeline.is_some_and(|pipeline| pipeline.age() > LONGEST_PAUSE) {
            self.failures = 0;
        }
        let pause = PAUSE * (1 << self.failures.min(6));
        self.failures = self.failures.saturating_add(1);
        self.close(pause.min(LONGEST_PAUSE));
    }
}
