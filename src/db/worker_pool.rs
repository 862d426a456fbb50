//! The threads that run statements, and how they handle failures.
//!
//! Invariant: a connection that hangs occupies one thread for a bounded time. A peer
//! that disappears, or a proxy that swallows every byte, would otherwise block a
//! thread for ever: libpq has no time limit for a response.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use diesel::r2d2::R2D2Connection as _;

use super::connection::{DbConnection, Generation, LogSometimes, Manager, Pooled};
use super::error::{DbError, Effect, RunError, Verdict, verdict};
#[cfg(feature = "postgres")]
use super::pipelines::Pipelines;
use super::statement::Access;
use crate::settings::{Database, DatabaseUrl};
use prometheus::IntCounter;

/// The max number of attempts of a statement that the database refuses without effect.
const TRIES: u32 = 3;

/// How much longer than `statement_timeout`, which the server enforces, a statement
/// may take before its connection counts as hanging.
const GRACE: Duration = Duration::from_secs(1);

/// The pause between two attempts to get SQLite's lock from another process.
const LOCK_PAUSE: Duration = Duration::from_millis(1);

/// How long an idle connection is assumed to be alive without a check.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// The max pause between two attempts to open a connection. r2d2 pauses for at most
/// half of its `connection_timeout`.
const RECONNECT: Duration = Duration::from_millis(500);

/// How often idle threads check whether they are retired, and the watch looks for
/// hanging ones.
const TICK: Duration = Duration::from_secs(1);

/// The max number of pools that hang at the same time; then none is replaced any more.
const MAX_HANGING: usize = 8;

/// A job for one of the threads.
pub(super) type Job = Box<dyn FnOnce(&Worker, &Kept) + Send>;

/// What a thread keeps from one job to the next, because it cannot leave the thread and
/// takes long to build. Not a thread-local variable: those end in an order of their own.
#[derive(Default)]
pub(super) struct Kept(RefCell<Option<Box<dyn Any>>>);

pub(super) type Pool = r2d2::Pool<Manager>;

/// Threads, a pool with one connection for each of them, and the pipelines.
pub(super) struct WorkerPool {
    pub pool: Pool,
    #[cfg(feature = "postgres")]
    pub pipelines: Option<Arc<Pipelines>>,
    /// Set when the pool was replaced: each thread ends after its current job.
    retired: AtomicBool,
    workers: Vec<Arc<Worker>>,
}

/// The part of a thread that jobs use.
pub(super) struct Worker {
    pool: Pool,
    failures_behind: IntCounter,
    generation: Generation,
    statement_timeout: Duration,
    epoch: Instant,
    /// When the current statement began, in milliseconds since `epoch`; 0 if idle.
    busy_since: AtomicU64,
}

impl WorkerPool {
    /// Starts a thread for each queue. Connections are opened on demand, so this succeeds
    /// while the database is down.
    pub fn start(
        database: &Database,
        queues: &[Receiver<Job>],
        failures_behind: &IntCounter,
    ) -> std::io::Result<Arc<Self>> {
        let is_postgres = matches!(database.url, DatabaseUrl::Postgres(_));
        let generation = Generation::default();
        let pool = r2d2::Pool::builder()
            .max_size(u32::try_from(queues.len()).unwrap_or(u32::MAX))
            .min_idle(Some(0))
            .connection_timeout(RECONNECT * 2)
            .idle_timeout(is_postgres.then_some(Duration::from_secs(600)))
            .max_lifetime(is_postgres.then_some(Duration::from_secs(1800)))
            .test_on_check_out(false)
            .error_handler(Box::new(LogSometimes::new(generation.clone())))
            .build_unchecked(Manager::new(database, generation.clone()));
        let workers = queues.iter().map(|_| {
            Arc::new(Worker {
                pool: pool.clone(),
                failures_behind: failures_behind.clone(),
                generation: generation.clone(),
                statement_timeout: database.statement_timeout,
                epoch: Instant::now(),
                busy_since: AtomicU64::new(0),
            })
        });
        let worker_pool = Arc::new(Self {
            workers: workers.collect(),
            pool: pool.clone(),
            #[cfg(feature = "postgres")]
            pipelines: Pipelines::new(database, &generation, failures_behind),
            retired: AtomicBool::new(false),
        });
        for (number, (worker, jobs)) in worker_pool.workers.iter().zip(queues).enumerate() {
            let (worker_pool, worker, jobs) =
                (Arc::clone(&worker_pool), Arc::clone(worker), jobs.clone());
            std::thread::Builder::new()
                .name(format!("db-{number}"))
                .spawn(move || worker_pool.work(&worker, &jobs))?;
        }
        Ok(worker_pool)
    }

    fn work(&self, worker: &Worker, jobs: &Receiver<Job>) {
        let kept = Kept::default();
        while !self.retired.load(Ordering::Acquire) {
            match jobs.recv_timeout(TICK) {
                // A panic ends the job, whose request gets an error, and not the thread.
                Ok(job) => drop(catch_unwind(AssertUnwindSafe(|| job(worker, &kept)))),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn hangs(&self) -> bool {
        self.workers.iter().any(|worker| worker.hangs())
    }
}

/// A job of many statements that is under way.
pub struct Progress<'a> {
    pub(super) worker: &'a Worker,
    pub(super) kept: &'a Kept,
    pub(super) is_wanted: &'a dyn Fn() -> bool,
}

impl Progress<'_> {
    /// What this thread has kept of an earlier job, or builds now. All jobs that keep
    /// something keep the same.
    ///
    /// # Errors
    ///
    /// It cannot be built.
    pub fn kept<T: Clone + 'static, E>(
        &self,
        build: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let kept = |kept: &Option<Box<dyn Any>>| kept.as_ref()?.downcast_ref().cloned();
        let known = kept(&self.kept.0.borrow());
        if let Some(known) = known {
            return Ok(known);
        }
        let built = build()?;
        self.kept.0.replace(Some(Box::new(built.clone())));
        Ok(built)
    }

    /// To be called before each statement: whether somebody still waits for the result.
    pub fn goes_on(&self) -> bool {
        self.worker.begin_next();
        (self.is_wanted)()
    }
}

/// Starts the watch: a thread that replaces the worker pool when one of its threads
/// hangs, until `db` is dropped. Only for PostgreSQL: SQLite runs in this process and
/// must have one writer.
pub(super) fn watch<T: Send + Sync + 'static>(
    database: Database,
    queues: Vec<Receiver<Job>>,
    failures_behind: IntCounter,
    first: Arc<WorkerPool>,
    db: Weak<T>,
    replaced: impl Fn(Arc<WorkerPool>) + Send + 'static,
) -> std::io::Result<()> {
    let watch = move || {
        let mut worker_pool = first;
        let mut hanging: Vec<Arc<WorkerPool>> = Vec::new();
        while db.strong_count() > 0 {
            std::thread::sleep(TICK);
            hanging.retain(|old| old.hangs());
            if !worker_pool.hangs() || hanging.len() >= MAX_HANGING {
                continue;
            }
            log::error!("a connection to the database hangs; all are replaced");
            match WorkerPool::start(&database, &queues, &failures_behind) {
                Ok(new) => {
                    worker_pool.retired.store(true, Ordering::Release);
                    hanging.push(std::mem::replace(&mut worker_pool, Arc::clone(&new)));
                    replaced(new);
                }
                Err(error) => log::error!(cause:% = error; "no thread can be started"),
            }
        }
    };
    std::thread::Builder::new()
        .name("db-watch".into())
        .spawn(watch)
        .map(drop)
}

impl Worker {
    fn hangs(&self) -> bool {
        let limit = self.statement_timeout + GRACE;
        let since = Duration::from_millis(self.busy_since.load(Ordering::Relaxed));
        !since.is_zero() && self.epoch.elapsed().saturating_sub(since) > limit
    }

    /// Runs a function on a connection, and again on failures that a retry may fix.
    /// `acquired` is called once, when the first wait for a connection has ended, with or
    /// without success.
    pub fn execute<T>(
        &self,
        access: Access,
        acquire_until: Instant,
        acquired: impl FnOnce(),
        run: &impl Fn(&mut DbConnection) -> Result<T, RunError>,
    ) -> Result<T, DbError> {
        let begun = Instant::now();
        let mut refused = 0;
        let mut acquired = Some(acquired);
        loop {
            let remaining = acquire_until.saturating_duration_since(Instant::now());
            let pooled = self
                .pool
                .get_timeout(remaining.max(Duration::from_millis(1)));
            if let Some(acquired) = acquired.take() {
                acquired();
            }
            let mut pooled = pooled.map_err(|error| DbError::Unavailable(error.into()))?;
            if !self.generation.has(&pooled) || self.is_stale(access, &mut pooled) {
                pooled.discard = true;
                continue;
            }
            let RunError { error, effect } = match self.watched(|| run(&mut pooled.connection)) {
                Ok(value) => {
                    pooled.used_at = Instant::now();
                    return Ok(value);
                }
                Err(error) => error,
            };
            let had_none = access == Access::Read || effect == Effect::None;
            let verdict = verdict(&error);
            if verdict == Verdict::Bug {
                return Err(DbError::Bug(error.into()));
            }
            if verdict == Verdict::ReadOnly {
                pooled.discard = true;
                self.generation.end();
                return Err(DbError::Unavailable(error.into()));
            }
            if verdict == Verdict::DiskFailed {
                return Err(match had_none {
                    true => DbError::Unavailable(error.into()),
                    false => DbError::OutcomeUnknown(error.into()),
                });
            }
            if verdict == Verdict::Locked {
                if Instant::now() >= acquire_until {
                    return Err(DbError::Unavailable(error.into()));
                }
                drop(pooled);
                std::thread::sleep(LOCK_PAUSE);
                continue;
            }
            let is_lost = self.watched(|| is_lost(&mut pooled));
            if is_lost {
                // After a restart of the server the other connections are lost as well.
                self.generation.end();
            }
            if !is_lost && verdict == Verdict::ConnectionFailed {
                self.failures_behind.inc();
            }
            let is_unknown =
                is_lost || verdict == Verdict::ConnectionFailed || effect == Effect::Unknown;
            match had_none {
                false if is_unknown => return Err(DbError::OutcomeUnknown(error.into())),
                // What had no effect is retried until a connection is alive or time is up.
                true if is_lost && Instant::now() < acquire_until => continue,
                true if is_lost => return Err(DbError::Unavailable(error.into())),
                true | false => {}
            }
            if begun.elapsed() >= self.statement_timeout {
                return Err(DbError::TooLate(access));
            }
            refused += 1;
            if refused == TRIES {
                return Err(DbError::Unavailable(error.into()));
            }
            // Two transactions of a deadlock should not meet again.
            let jitter = uuid::Uuid::now_v7().as_u128() as u64 % 20;
            drop(pooled);
            std::thread::sleep(Duration::from_millis(jitter + 5));
        }
    }

    /// Checks, before a write, whether an idle connection has been lost. If the write
    /// itself found out, its outcome would be unknown.
    fn is_stale(&self, access: Access, pooled: &mut Pooled) -> bool {
        access == Access::Write
            && pooled.used_at.elapsed() > TRUSTED_IDLE
            && self.watched(|| pooled.connection.ping()).is_err()
    }

    /// Lets the watch observe what follows on its own: a job of many statements takes as
    /// long as all of them.
    fn begin_next(&self) {
        let now = u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.busy_since.store(now.max(1), Ordering::Relaxed);
    }

    /// Runs a function whose duration the watch observes.
    fn watched<T>(&self, run: impl FnOnce() -> T) -> T {
        self.begin_next();
        let result = run();
        self.busy_since.store(0, Ordering::Relaxed);
        result
    }
}

/// Whether the connection was lost on which a statement has failed. Only the
/// connection itself can tell.
fn is_lost(pooled: &mut Pooled) -> bool {
    pooled.discard = pooled.connection.is_broken() || pooled.connection.ping().is_err();
    pooled.discard
}
