//! The one bridge between asynchronous handlers and blocking statements.
//!
//! A few threads of our own, as many as connections, take jobs from a bounded
//! channel. A hop to such a thread costs less than one through a pool of
//! hundreds, the HTTP workers never wait, and a database that hangs stops
//! nothing but the requests that need it.
//!
//! Invariant: a request never waits longer than its limits. Waiting for a
//! connection and waiting for the statement are bounded apart, and a job whose
//! request has given up before it began is never run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use diesel::QueryResult;
use diesel::r2d2::R2D2Connection as _;
use tokio::sync::oneshot;

use super::connection::{DbConnection, LogSometimes, Manager, Pooled};
use super::error::{DbError, Verdict, verdict};
use super::migrate::MigrateError;
use crate::settings::{Database, DatabaseUrl};

/// Jobs that may wait. A full queue is answered at once: a client that is told
/// "overloaded" now can do more than one that is told so in two seconds.
const QUEUE: usize = 1024;

/// How often a statement is tried that the database refused without effect.
const TRIES: u32 = 3;

type Pool = r2d2::Pool<Manager>;
type Job = Box<dyn FnOnce(&Pool) + Send>;

/// A handle on the database: the pool and the threads that use it. They end
/// when the last clone is dropped.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    reads: Sender<Job>,
    writes: Sender<Job>,
    acquire_timeout: Duration,
    statement_timeout: Duration,
}

/// Whether a statement may be tried again on another connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Db {
    /// Starts the threads. No connection is opened before one is needed, so this
    /// succeeds while the database is down.
    ///
    /// # Errors
    ///
    /// The operating system refuses a thread.
    pub fn start(database: &Database) -> std::io::Result<Self> {
        let is_postgres = matches!(database.url, DatabaseUrl::Postgres(_));
        let threads = match database.url {
            // Each connection to a database in memory would be another database.
            DatabaseUrl::SqliteMemory => 1,
            DatabaseUrl::SqliteFile(_) | DatabaseUrl::Postgres(_) => database.pool_size,
        };
        let pool = r2d2::Pool::builder()
            .max_size(threads)
            .min_idle(Some(0))
            .connection_timeout(database.acquire_timeout)
            .idle_timeout(is_postgres.then_some(Duration::from_secs(600)))
            .max_lifetime(is_postgres.then_some(Duration::from_secs(1800)))
            .test_on_check_out(false)
            .error_handler(Box::new(LogSometimes::default()))
            .build_unchecked(Manager::new(database));

        let (reads, jobs) = bounded(QUEUE);
        // SQLite has one writer. A thread of its own for writes keeps the others
        // from queueing at its lock, where they could not read.
        let writes = if is_postgres || threads == 1 {
            spawn(threads, &jobs, &pool)?;
            reads.clone()
        } else {
            let (writes, write_jobs) = bounded(QUEUE);
            spawn(threads - 1, &jobs, &pool)?;
            spawn(1, &write_jobs, &pool)?;
            writes
        };
        Ok(Self {
            pool,
            reads,
            writes,
            acquire_timeout: database.acquire_timeout,
            statement_timeout: database.statement_timeout,
        })
    }

    /// Runs a reading function on a connection and waits for it, at most until
    /// `deadline`. It may be run again, on another connection, if one breaks.
    pub async fn read<T, F>(&self, deadline: Instant, run: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    {
        self.run(Access::Read, deadline, run).await
    }

    /// Runs a writing function on a connection and waits for it, at most until
    /// `deadline`. It is run again only if it is known to have had no effect.
    pub async fn write<T, F>(&self, deadline: Instant, run: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    {
        self.run(Access::Write, deadline, run).await
    }

    /// Brings a database in memory up to date, on the one connection that has it.
    ///
    /// # Errors
    ///
    /// As [`super::migrate()`].
    pub fn migrate_memory(&self) -> Result<Vec<String>, MigrateError> {
        let pooled = self.pool.get();
        let mut pooled = pooled.map_err(|error| MigrateError::Failed(error.into()))?;
        super::migrate::migrate_on(&mut pooled.connection)
    }

    /// Connections that are open, and those of them that are idle.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections, state.idle_connections)
    }

    async fn run<T, F>(&self, access: Access, deadline: Instant, run: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        let ticket = Arc::new(Ticket::default());
        let acquire_until = Instant::now() + self.acquire_timeout;
        let statement_timeout = self.statement_timeout;
        let job: Job = {
            let ticket = Arc::clone(&ticket);
            Box::new(move |pool| {
                // The client may have gone, or have been told "overloaded".
                if answer.is_closed() || !ticket.begin() {
                    return;
                }
                let result = execute(pool, access, acquire_until, statement_timeout, &run);
                // Nobody waits any more: the answer is of no use.
                let _ = answer.send(result);
            })
        };
        let lane = match access {
            Access::Read => &self.reads,
            Access::Write => &self.writes,
        };
        match lane.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(DbError::Overloaded),
            Err(TrySendError::Disconnected(_)) => {
                return Err(DbError::Bug("the database threads have ended".into()));
            }
        }
        if let Ok(result) = timeout_at(acquire_until, &mut answered).await {
            return result;
        }
        if ticket.cancel() {
            return Err(self.nothing_free());
        }
        timeout_at(deadline, &mut answered)
            .await
            .unwrap_or(Err(DbError::TooLate))
    }

    fn nothing_free(&self) -> DbError {
        match self.pool.state().connections {
            0 => DbError::Unavailable("no connection was opened in time".into()),
            _ => DbError::Overloaded,
        }
    }
}

type Answer<T> = oneshot::Receiver<Result<T, DbError>>;

/// The answer, or nothing if it is not there by then.
async fn timeout_at<T>(until: Instant, answer: &mut Answer<T>) -> Result<Result<T, DbError>, ()> {
    match tokio::time::timeout_at(until.into(), answer).await {
        Ok(Ok(result)) => Ok(result),
        // The job was dropped without an answer: it panicked.
        Ok(Err(_)) => Ok(Err(DbError::Bug("a database job panicked".into()))),
        Err(_) => Err(()),
    }
}

/// Decides between the thread that would begin a job and the request that would
/// give up on it. One of the two wins.
#[derive(Default)]
struct Ticket(AtomicU8);

impl Ticket {
    const WAITING: u8 = 0;
    const BEGUN: u8 = 1;
    const CANCELLED: u8 = 2;

    fn begin(&self) -> bool {
        self.decide(Self::BEGUN)
    }

    fn cancel(&self) -> bool {
        self.decide(Self::CANCELLED)
    }

    fn decide(&self, state: u8) -> bool {
        self.0
            .compare_exchange(Self::WAITING, state, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

fn spawn(threads: u32, jobs: &Receiver<Job>, pool: &Pool) -> std::io::Result<()> {
    for number in 0..threads {
        let (jobs, pool) = (jobs.clone(), pool.clone());
        std::thread::Builder::new()
            .name(format!("db-{number}"))
            .spawn(move || {
                for job in jobs {
                    // A panic ends the job, whose request is told so, and not the thread.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&pool)));
                }
            })?;
    }
    Ok(())
}

fn execute<T>(
    pool: &Pool,
    access: Access,
    acquire_until: Instant,
    statement_timeout: Duration,
    run: &impl Fn(&mut DbConnection) -> QueryResult<T>,
) -> Result<T, DbError> {
    let begun = Instant::now();
    let mut refused = 0;
    loop {
        let patience = acquire_until.saturating_duration_since(Instant::now());
        let mut pooled = pool
            .get_timeout(patience.max(Duration::from_millis(1)))
            .map_err(|error| DbError::Unavailable(error.into()))?;
        let error = match run(&mut pooled.connection) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let verdict = verdict(&error);
        if verdict == Verdict::Bug {
            return Err(DbError::Bug(error.into()));
        }
        if verdict == Verdict::ReadOnly {
            pooled.discard = true;
            return Err(DbError::Unavailable(error.into()));
        }
        if is_lost(&mut pooled) {
            // All idle connections may be dead at once, after a restart of the
            // server: a read goes on until one is alive or time is up.
            match access {
                Access::Read if Instant::now() < acquire_until => continue,
                Access::Read => return Err(DbError::Unavailable(error.into())),
                Access::Write => return Err(DbError::OutcomeUnknown(error)),
            }
        }
        if begun.elapsed() >= statement_timeout {
            return Err(DbError::TooLate);
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

/// Whether a connection on which a statement has failed is of no more use. Only
/// the connection itself can tell.
fn is_lost(pooled: &mut Pooled) -> bool {
    pooled.discard = pooled.connection.is_broken() || pooled.connection.ping().is_err();
    pooled.discard
}
