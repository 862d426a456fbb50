//! Work that leaves the processors to others.

use std::thread::Builder;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// The niceness of a thread that reads or plans a file: while others want all processors
/// it gets about a tenth of what they get, and else all that it needs.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Runs what takes long on a thread of its own, of a low priority. None if it cannot be
/// started, or has panicked.
pub async fn run<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, output) = oneshot::channel();
    let work = move || {
        give_way();
        // Fails if nobody waits any more.
        let _ = done.send(run());
    };
    Builder::new().name("import".into()).spawn(work).ok()?;
    output.await.ok()
}

/// Lowers the priority of this thread, for good: no other work may follow on it.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // Where it is forbidden, the priority stays.
        let thread = rustix::thread::gettid();
        let _ = rustix::process::setpriority_process(Some(thread), NICE);
    }
}

/// For how long a work makes pauses. Then it hurries: it may have a limit, and holds a lock
/// for which others of the same owner wait.
const PAUSES: Duration = Duration::from_secs(5);

/// The longest pause: a step can be slow because it waited.
const LONGEST: Duration = Duration::from_millis(100);

/// Pauses in a work of many steps, each as long as the step before it.
pub struct Pauses {
    begun: Instant,
    step: Instant,
}

impl Pauses {
    /// Begins the first step.
    pub fn begin() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            step: now,
        }
    }

    /// Ends a step, and begins the next one after a pause.
    pub fn pause(&mut self) {
        std::thread::sleep(pause(self.begun.elapsed(), self.step.elapsed()));
        self.step = Instant::now();
    }
}

/// The pause after a step, when all of them have taken so long.
fn pause(all: Duration, step: Duration) -> Duration {
    match all < PAUSES {
        true => step.min(LONGEST),
        false => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    #[cfg(target_os = "linux")]
    async fn what_is_run_aside_has_a_low_priority_and_this_thread_keeps_its_own() {
        let priority = || {
            let thread = rustix::thread::gettid();
            rustix::process::getpriority_process(Some(thread)).unwrap()
        };
        let own = priority();
        assert_eq!(run(priority).await, Some(own.max(NICE)));
        assert_eq!(priority(), own);
    }

    #[actix_rt::test]
    async fn a_panic_aside_is_none() {
        let panics = || -> u8 { panic!("as a bug would") };
        assert_eq!(run(panics).await, None);
    }

    #[test]
    fn a_pause_is_as_long_as_its_step_until_there_was_enough_of_it() {
        let step = Duration::from_millis(3);
        assert_eq!(pause(step, step), step);
        assert_eq!(pause(step, PAUSES), LONGEST);
        assert_eq!(pause(PAUSES, step), Duration::ZERO);
    }
}
