//! The threads that run statements, and what they do about failures.
//!
//! Invariant: a connection that hangs takes one thread, for a bounded time. A
//! peer that vanishes without a word, or a proxy that swallows every byte, would
//! otherwise hold a thread for ever: libpq has no time limit for an answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use diesel::QueryResult;
use diesel::r2d2::R2D2Connection as _;

use super::connection::{DbConnection, Generation, LogSometimes, Manager, Pooled};
use super::error::{DbError, Verdict, verdict};
#[cfg(feature = "postgres")]
use super::pipelines::Pipelines;
use super::statement::Access;
use crate::settings::{Database, DatabaseUrl};

/// How often a statement is tried that the database refused without effect.
const TRIES: u32 = 3;

/// How much longer than the server's own time limit a statement may take before
/// its connection counts as hanging.
const GRACE: Duration = Duration::from_secs(1);

/// Between two tries to get SQLite's lock from another process.
const LOCK_PAUSE: Duration = Duration::from_millis(1);

/// How long an idle connection is taken to be alive without asking.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// The longest pause between two tries to open a connection. r2d2 takes half of
/// what it calls the connection timeout.
const RECONNECT: Duration = Duration::from_millis(500);

/// How often idle threads and the watch look up.
const TICK: Duration = Duration::from_secs(1);

/// Crews that may hang at the same time; beyond, nothing is replaced any more.
const MAX_HANGING: usize = 8;

/// A job for one of the threads.
pub(super) type Job = Box<dyn FnOnce(&Worker) + Send>;

pub(super) type Pool = r2d2::Pool<Manager>;

/// Some threads and the pool of their connections, as many of the one as of the
/// other, and the pipelines beside them.
pub(super) struct WorkerPool {
    pub pool: Pool,
    #[cfg(feature = "postgres")]
    pub pipelines: Option<Arc<Pipelines>>,
    /// Its threads end, each after the job it has.
    retired: AtomicBool,
    workers: Vec<Arc<Worker>>,
}

/// What a job sees of its thread.
pub(super) struct Worker {
    pool: Pool,
    generation: Generation,
    statement_timeout: Duration,
    epoch: Instant,
    /// Since when a statement runs, in milliseconds of the epoch; 0 is idle.
    busy_since: AtomicU64,
}

impl WorkerPool {
    /// Starts a thread for each of these queues. No connection is opened before
    /// one is needed, so this succeeds while the database is down.
    pub fn start(database: &Database, queues: &[Receiver<Job>]) -> std::io::Result<Arc<Self>> {
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
                generation: generation.clone(),
                statement_timeout: database.statement_timeout,
                epoch: Instant::now(),
                busy_since: AtomicU64::new(0),
            })
        });
        let crew = Arc::new(Self {
            workers: workers.collect(),
            pool: pool.clone(),
            #[cfg(feature = "postgres")]
            pipelines: Pipelines::new(database, &generation),
            retired: AtomicBool::new(false),
        });
        for (number, (worker, jobs)) in crew.workers.iter().zip(queues).enumerate() {
            let (crew, worker, jobs) = (Arc::clone(&crew), Arc::clone(worker), jobs.clone());
            std::thread::Builder::new()
                .name(format!("db-{number}"))
                .spawn(move || crew.work(&worker, &jobs))?;
        }
        Ok(crew)
    }

    fn work(&self, worker: &Worker, jobs: &Receiver<Job>) {
        while !self.retired.load(Ordering::Acquire) {
            match jobs.recv_timeout(TICK) {
                // A panic ends the job, whose request is told so, and not the thread.
                Ok(job) => drop(catch_unwind(AssertUnwindSafe(|| job(worker)))),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn hangs(&self) -> bool {
        self.workers.iter().any(|worker| worker.hangs())
    }
}

/// Replaces a crew of which a thread hangs, as long as somebody holds `db`. Only
/// for PostgreSQL: SQLite is this process, and has one writer.
pub(super) fn watch<T: Send + Sync + 'static>(
    database: Database,
    queues: Vec<Receiver<Job>>,
    first: Arc<WorkerPool>,
    db: Weak<T>,
    replaced: impl Fn(Arc<WorkerPool>) + Send + 'static,
) -> std::io::Result<()> {
    let watch = move || {
        let mut crew = first;
        let mut hanging: Vec<Arc<WorkerPool>> = Vec::new();
        while db.strong_count() > 0 {
            std::thread::sleep(TICK);
            hanging.retain(|old| old.hangs());
            if !crew.hangs() || hanging.len() >= MAX_HANGING {
                continue;
            }
            log::error!("a connection to the database hangs; all are replaced");
            match WorkerPool::start(&database, &queues) {
                Ok(new) => {
                    crew.retired.store(true, Ordering::Release);
                    hanging.push(std::mem::replace(&mut crew, Arc::clone(&new)));
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

    /// Runs a function on a connection, until it succeeds or there is nothing
    /// that trying again would mend. `acquired` is told once when the first wait
    /// for a connection has ended, in whatever way.
    pub fn execute<T>(
        &self,
        access: Access,
        acquire_until: Instant,
        acquired: impl FnOnce(),
        run: &impl Fn(&mut DbConnection) -> QueryResult<T>,
    ) -> Result<T, DbError> {
        let begun = Instant::now();
        let mut refused = 0;
        let mut acquired = Some(acquired);
        loop {
            let patience = acquire_until.saturating_duration_since(Instant::now());
            let pooled = self
                .pool
                .get_timeout(patience.max(Duration::from_millis(1)));
            if let Some(acquired) = acquired.take() {
                acquired();
            }
            let mut pooled = pooled.map_err(|error| DbError::Unavailable(error.into()))?;
            if !self.generation.has(&pooled) || self.is_stale(access, &mut pooled) {
                pooled.discard = true;
                continue;
            }
            let error = match self.watched(|| run(&mut pooled.connection)) {
                Ok(value) => {
                    pooled.used_at = Instant::now();
                    return Ok(value);
                }
                Err(error) => error,
            };
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
                return Err(match access {
                    Access::Read => DbError::Unavailable(error.into()),
                    Access::Write => DbError::OutcomeUnknown(error.into()),
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
                // The others may be dead, too, after a restart of the server.
                self.generation.end();
            }
            match access {
                Access::Write if is_lost || verdict == Verdict::ConnectionFailed => {
                    return Err(DbError::OutcomeUnknown(error.into()));
                }
                // A read goes on until one is alive or time is up.
                Access::Read if is_lost && Instant::now() < acquire_until => continue,
                Access::Read if is_lost => return Err(DbError::Unavailable(error.into())),
                Access::Read | Access::Write => {}
            }
            if begun.elapsed() >= self.statement_timeout {
                return Err(DbError::TooLate(access));
            }
            refused += 1;
            if refused == TRIES {
                return Err(DbError::Unavailable(error.into()));
            }
            // Two that met in a deadlock should not meet again.
            let jitter = uuid::Uuid::now_v7().as_u128() as u64 % 20;
            drop(pooled);
            std::thread::sleep(Duration::from_millis(jitter + 5));
        }
    }

    /// Whether a connection that was idle does not answer any more. A write must
    /// not find that out: nobody could say whether it happened.
    fn is_stale(&self, access: Access, pooled: &mut Pooled) -> bool {
        access == Access::Write
            && pooled.used_at.elapsed() > TRUSTED_IDLE
            && self.watched(|| pooled.connection.ping()).is_err()
    }

    /// Lets the watch see how long this takes.
    fn watched<T>(&self, run: impl FnOnce() -> T) -> T {
        let now = u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.busy_since.store(now.max(1), Ordering::Relaxed);
        let result = run();
        self.busy_since.store(0, Ordering::Relaxed);
        result
    }
}

/// Whether a connection on which a statement has failed is of no more use. Only
/// the connection itself can tell.
fn is_lost(pooled: &mut Pooled) -> bool {
    pooled.discard = pooled.connection.is_broken() || pooled.connection.ping().is_err();
    pooled.discard
}
