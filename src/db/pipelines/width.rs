//! How many pipelines for writes are used: more as long as they answer more.
//!
//! A commit that waits for a disk or a standby leaves its pipeline idle, and commits
//! that wait at the same time share a flush. Where a commit is only work, more pipelines
//! take the processor from each other. No setting of the server and no duration tells
//! the two apart: a slow disk looks like a slow processor. So it is tried, and measured
//! how many writes pipelines answer that always have one to answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

/// What is judged at a time: so many answers, over at least so long.
const ANSWERS: u32 = 100;
const WINDOW: Duration = Duration::from_millis(100);

/// How much faster more pipelines have to be. Less is noise, and not worth connections.
const GAIN: f64 = 1.08;

/// The max number of windows in which the pipelines of a trial are opened.
const MAX_OPENING: u32 = 10;

/// The pause after a trial that failed; it doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

pub(super) struct Width {
    used: AtomicUsize,
    /// None if there is nothing to try.
    trials: Option<Mutex<(Window, Trials)>>,
}

impl Width {
    /// A multiple of `min`, and `max` at most.
    pub fn new(min: usize, max: usize) -> Self {
        let now = Instant::now();
        let tried = || Mutex::new((Window::since(now), Trials::new(min, max, now)));
        Self {
            used: AtomicUsize::new(min),
            trials: (max > min).then(tried),
        }
    }

    /// The number of pipelines to use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Reports the time between two answers of a pipeline that had a write to answer all
    /// along. `are_open` says whether that many pipelines are open.
    pub fn answered(&self, took: Duration, are_open: impl FnOnce(usize) -> bool) {
        let Some(trials) = &self.trials else {
            return;
        };
        let mut trials = match trials.try_lock() {
            Ok(trials) => trials,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // One answer more or less does not matter.
            Err(TryLockError::WouldBlock) => return,
        };
        let (window, trials) = &mut *trials;
        window.answers += 1;
        window.busy += took;
        if window.answers < ANSWERS {
            return;
        }
        let now = Instant::now();
        if now.saturating_duration_since(window.since) < WINDOW {
            return;
        }
        let rate = are_open(trials.used).then(|| window.rate(trials.used));
        *window = Window::since(now);
        self.used.store(trials.next(now, rate), Ordering::Relaxed);
    }
}

/// The answers of all pipelines since an instant.
struct Window {
    since: Instant,
    answers: u32,
    busy: Duration,
}

impl Window {
    fn since(since: Instant) -> Self {
        Self {
            since,
            answers: 0,
            busy: Duration::ZERO,
        }
    }

    /// How many writes a second so many pipelines answer that have always one to answer.
    fn rate(&self, pipelines: usize) -> f64 {
        let busy = self.busy.max(Duration::from_nanos(1)).as_secs_f64();
        pipelines as f64 * f64::from(self.answers) / busy
    }
}

/// Decides from one window to the next.
struct Trials {
    step: usize,
    max: usize,
    used: usize,
    trial: Option<Trial>,
    /// Whether more are tried next, or fewer.
    upwards: bool,
    not_before: Instant,
    pause: Duration,
}

/// Another number is in use than the one that was the best so far.
struct Trial {
    best: usize,
    best_rate: f64,
    /// The windows in which pipelines were not yet open, or prepared statements.
    opening: u32,
    is_warm: bool,
}

impl Trials {
    fn new(step: usize, max: usize, now: Instant) -> Self {
        Self {
            step,
            max,
            used: step,
            trial: None,
            upwards: true,
            not_before: now,
            pause: PAUSE,
        }
    }

    /// Takes the rate of a window, none if not all pipelines were open, and returns how many
    /// to use from now on.
    fn next(&mut self, now: Instant, rate: Option<f64>) -> usize {
        match (self.trial.take(), rate) {
            (None, Some(rate)) if now >= self.not_before => self.begin(rate),
            (None, _) => {}
            (Some(trial), None) if trial.opening < MAX_OPENING => {
                let opening = trial.opening + 1;
                self.trial = Some(Trial { opening, ..trial });
            }
            (Some(trial), None) => self.fail(now, &trial),
            (Some(trial), Some(_)) if !trial.is_warm => {
                let is_warm = true;
                self.trial = Some(Trial { is_warm, ..trial });
            }
            (Some(trial), Some(rate)) => {
                let pays = match self.used > trial.best {
                    true => rate >= trial.best_rate * GAIN,
                    false => rate * GAIN >= trial.best_rate,
                };
                match pays {
                    true => self.pause = PAUSE,
                    false => self.fail(now, &trial),
                }
            }
        }
        self.used
    }

    fn begin(&mut self, best_rate: f64) {
        let best = self.used;
        let more = best + self.step;
        let fewer = best.saturating_sub(self.step);
        let (can_grow, can_shrink) = (more <= self.max, fewer >= self.step);
        self.used = match (can_grow, can_shrink) {
            (false, false) => return,
            (true, false) => more,
            (false, true) => fewer,
            (true, true) if self.upwards => more,
            (true, true) => fewer,
        };
        self.upwards = self.used > best;
        self.trial = Some(Trial {
            best,
            best_rate,
            opening: 0,
            is_warm: false,
        });
    }

    fn fail(&mut self, now: Instant, trial: &Trial) {
        self.used = trial.best;
        self.upwards = !self.upwards;
        self.not_before = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which so many pipelines answer so many writes a second.
    struct Machine {
        trials: Trials,
        now: Instant,
        rate: fn(usize) -> Option<f64>,
    }

    impl Machine {
        fn new(step: usize, max: usize, rate: fn(usize) -> Option<f64>) -> Self {
            let now = Instant::now();
            let trials = Trials::new(step, max, now);
            Self { trials, now, rate }
        }

        /// The numbers in use in so many windows.
        fn run(&mut self, windows: usize) -> Vec<usize> {
            let next = |_| {
                self.now += WINDOW;
                let rate = (self.rate)(self.trials.used);
                self.trials.next(self.now, rate)
            };
            (0..windows).map(next).collect()
        }

        /// In what share of the windows more were in use than fewest.
        fn share_above(&mut self, number: usize, windows: usize) -> f64 {
            let used = self.run(windows);
            let above = used.iter().filter(|used| **used > number).count();
            above as f64 / windows as f64
        }
    }

    /// Each commit waits, and those that wait share the flush.
    fn waiting(pipelines: usize) -> Option<f64> {
        Some(
            [
                0.0, 5500.0, 11_000.0, 13_000.0, 15_000.0, 15_900.0, 17_000.0,
            ][pipelines.min(6)],
        )
    }

    /// A commit is work, and there is one processor.
    fn working(pipelines: usize) -> Option<f64> {
        Some(30_000.0 - 500.0 * pipelines as f64)
    }

    #[test]
    fn where_commits_wait_it_grows_up_to_the_max_at_once() {
        let mut machine = Machine::new(2, 6, waiting);
        assert_eq!(machine.run(6), [4, 4, 4, 6, 6, 6]);
        // Fewer are tried now and then.
        let used = machine.run(10_000);
        assert!(used.iter().all(|used| [4, 6].contains(used)));
        let fewer = used.iter().filter(|used| **used == 4).count();
        assert!((1..100).contains(&fewer), "{fewer}");
    }

    #[test]
    fn where_commits_are_only_work_more_are_tried_ever_less_and_never_kept() {
        let mut machine = Machine::new(2, 6, working);
        assert_eq!(machine.run(4), [4, 4, 2, 2]);
        assert!(machine.share_above(2, 10_000) < 0.01);
        assert!(machine.share_above(2, 10_000) > 0.0);
    }

    #[test]
    fn it_follows_what_commits_cost() {
        let mut machine = Machine::new(1, 6, waiting);
        machine.run(100);
        assert!(machine.share_above(3, 100) > 0.9);
        machine.rate = working;
        machine.run(5000);
        assert!(machine.share_above(1, 5000) < 0.01);
        machine.rate = waiting;
        machine.run(5000);
        assert!(machine.share_above(3, 5000) > 0.9);
    }

    #[test]
    fn pipelines_that_cannot_be_opened_end_the_trial() {
        let mut machine = Machine::new(2, 6, |pipelines| (pipelines <= 2).then_some(9.0));
        let used = machine.run(20);
        assert_eq!(used.iter().filter(|used| **used == 4).count(), 11);
        assert_eq!(used.last(), Some(&2));
        // Nor is anything tried while those in use are closed.
        machine.rate = |_| None;
        assert_eq!(machine.run(1000), vec![2; 1000]);
    }

    #[test]
    fn a_max_below_two_steps_leaves_nothing_to_try() {
        let mut machine = Machine::new(2, 3, waiting);
        assert_eq!(machine.run(100), vec![2; 100]);
    }

    #[test]
    fn answers_are_judged_when_there_are_enough_and_over_long_enough() {
        let width = Width::new(1, 4);
        let slow = Duration::from_millis(5);
        for _ in 0..ANSWERS - 1 {
            width.answered(slow, |_| panic!("too early"));
        }
        let window = Window {
            answers: 200,
            busy: Duration::from_secs(1),
            ..Window::since(Instant::now())
        };
        assert!((window.rate(3) - 600.0).abs() < 1e-9);
        let fixed = Width::new(3, 3);
        fixed.answered(slow, |_| panic!("never"));
        assert_eq!((width.used(), fixed.used()), (1, 3));
    }
}
