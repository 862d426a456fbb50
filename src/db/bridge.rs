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

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError, bounded};
use diesel::QueryResult;
use prometheus::{Histogram, HistogramOpts, IntCounter};
use tokio::sync::oneshot;

use super::at_work::AtWork;
use super::connection::DbConnection;
use super::crew::{Access, Crew, Job, watch};
use super::error::DbError;
use super::migrate::MigrateError;
#[cfg(feature = "postgres")]
use super::pipelines::Pipelines;
use super::placed_file::{PlacedFile, REMOVED};
use super::refold::{self, Place, Step};
use super::tasks;
use super::ticket::{Ticket, answer_by};
use super::turns::{NoTurn, Turn};
use crate::auth::OwnerId;
use crate::settings::{Database, DatabaseUrl};

/// Jobs that may wait. A full queue is answered at once: a client that is told
/// "overloaded" now can do more than one that is told so in two seconds.
const QUEUE: usize = 1024;

/// The longest that a step of folding waits, with the requests, for its turn.
const STEP_PATIENCE: Duration = Duration::from_secs(10);

/// From a connection that is free to the longest that may be waited for one by default.
const SECONDS_OF_WAITS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0];

/// A handle on the database. Its threads end when the last clone is dropped.
#[derive(Clone)]
pub struct Db {
    reads: Sender<Job>,
    writes: Sender<Job>,
    acquire_timeout: Duration,
    at_work: Arc<Mutex<AtWork>>,
    waits: Histogram,
    pipelined: IntCounter,
    file: Option<Arc<PlacedFile>>,
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
            DatabaseUrl::SqliteFile(_) | DatabaseUrl::Postgres(_) => database.pool_size as usize,
        };
        let (reads, jobs) = bounded(QUEUE);
        let mut queues = vec![jobs; threads];
        let mut writes = reads.clone();
        // SQLite has one writer. A thread of its own for writes keeps the others
        // from queueing at its lock, where they could not read.
        let one_writer = !is_postgres && threads > 1;
        if one_writer {
            let (of_writer, write_jobs) = bounded(QUEUE);
            queues.pop();
            queues.push(write_jobs);
            writes = of_writer;
        }
        let waits = HistogramOpts::new(
            "todoward_db_pool_wait_seconds",
            "How long requests waited for a connection to the database, had they one in the end or not; without the wait for other requests of the same owner.",
        )
        .buckets(SECONDS_OF_WAITS.to_vec());
        let pipelined = IntCounter::new(
            "todoward_db_pipelined_total",
            "Requests that were answered over a pipeline, and waited for no connection of the pool.",
        );
        let pipelined = pipelined.map_err(std::io::Error::other)?;
        let crew = Crew::start(database, &queues)?;
        let readers = threads - usize::from(one_writer);
        let at_work = Arc::new(Mutex::new(AtWork::of(&crew, readers, one_writer)));
        if is_postgres {
            let db = Arc::downgrade(&at_work);
            let current = Weak::clone(&db);
            let replaced = move |crew: Arc<Crew>| {
                let Some(current) = current.upgrade() else {
                    return;
                };
                let new = AtWork::of(&crew, readers, one_writer);
                let mut at_work = current.lock().unwrap_or_else(PoisonError::into_inner);
                let old = std::mem::replace(&mut *at_work, new);
                drop(at_work);
                old.reads.close();
                #[cfg(feature = "postgres")]
                if let Some(pipelines) = old.pipelines {
                    pipelines.end();
                }
            };
            watch(database.clone(), queues, crew, db, replaced)?;
        }
        Ok(Self {
            reads,
            writes,
            acquire_timeout: database.acquire_timeout,
            at_work,
            waits: Histogram::with_opts(waits).map_err(std::io::Error::other)?,
            pipelined,
            file: match &database.url {
                DatabaseUrl::SqliteFile(path) => Some(Arc::new(PlacedFile::new(path))),
                DatabaseUrl::SqliteMemory | DatabaseUrl::Postgres(_) => None,
            },
        })
    }

    /// Whether the file of SQLite is still the one that was opened.
    pub fn file_is_in_place(&self) -> bool {
        self.file.as_ref().is_none_or(|file| file.is_in_place())
    }

    /// How long requests have waited for a connection, for the metrics.
    pub fn waits(&self) -> &Histogram {
        &self.waits
    }

    /// How many connections of the pool are idle, and how many are busy.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.at_work().pool.state();
        let idle = state.idle_connections;
        (idle, state.connections.saturating_sub(idle))
    }

    /// How many requests were answered over pipelines, for the metrics.
    pub fn pipelined(&self) -> &IntCounter {
        &self.pipelined
    }

    /// The pipelines, where there are some.
    #[cfg(feature = "postgres")]
    pub(super) fn pipelines(&self) -> Option<Arc<Pipelines>> {
        self.at_work().pipelines.clone()
    }

    /// Runs a reading function for an owner on a connection and waits for it, at
    /// most until `deadline`. It may be run again, on another connection, if one
    /// breaks.
    pub async fn read<T, F>(&self, owner: OwnerId, deadline: Instant, run: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection, &OwnerId) -> QueryResult<T> + Send + 'static,
    {
        self.run_for(Access::Read, owner, deadline, run).await
    }

    /// Runs a writing function for an owner on a connection and waits for it, at
    /// most until `deadline`. It is run again only if it is known to have had no
    /// effect.
    pub async fn write<T, F>(&self, owner: OwnerId, deadline: Instant, run: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection, &OwnerId) -> QueryResult<T> + Send + 'static,
    {
        self.run_for(Access::Write, owner, deadline, run).await
    }

    /// Asks whether the tables are there and answer, at most until `deadline`.
    pub async fn check(&self, deadline: Instant) -> Result<(), DbError> {
        let acquire_until = self.acquire_until(deadline);
        self.run(Access::Read, None, acquire_until, deadline, tasks::check)
            .await
    }

    /// Folds some tasks that the previous release has written: see
    /// [`refold`](mod@super::refold). None while another replica does.
    pub async fn refold_step(&self, after: Option<Place>) -> Result<Option<Step>, DbError> {
        let deadline = Instant::now() + STEP_PATIENCE;
        let step = move |conn: &mut DbConnection| refold::step(conn, after.as_ref());
        self.run(Access::Write, None, deadline, deadline, step)
            .await
    }

    /// Brings a database in memory up to date, on the one connection that has it.
    ///
    /// # Errors
    ///
    /// As [`super::migrate()`].
    pub fn migrate_memory(&self) -> Result<Vec<String>, MigrateError> {
        let pool = self.at_work().pool.clone();
        let pooled = pool.get();
        let mut pooled = pooled.map_err(|error| MigrateError::Failed(error.into()))?;
        super::migrate::migrate_on(&mut pooled.connection)
    }

    fn at_work(&self) -> MutexGuard<'_, AtWork> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acquire_until(&self, deadline: Instant) -> Instant {
        (Instant::now() + self.acquire_timeout).min(deadline)
    }

    async fn run_for<T, F>(
        &self,
        access: Access,
        owner: OwnerId,
        deadline: Instant,
        run: F,
    ) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection, &OwnerId) -> QueryResult<T> + Send + 'static,
    {
        let acquire_until = self.acquire_until(deadline);
        let turn = loop {
            let turns = match access {
                Access::Read => Arc::clone(&self.at_work().reads),
                Access::Write => Arc::clone(&self.at_work().writes),
            };
            match turns.take(owner.as_str(), acquire_until).await {
                Ok(turn) => break turn,
                Err(NoTurn::Replaced) => {}
                Err(NoTurn::Full) => return Err(DbError::Overloaded),
                Err(NoTurn::Late) => return Err(self.nothing_free()),
            }
        };
        let run = move |conn: &mut DbConnection| run(conn, &owner);
        self.run(access, Some(turn), acquire_until, deadline, run)
            .await
    }

    async fn run<T, F>(
        &self,
        access: Access,
        turn: Option<Turn>,
        acquire_until: Instant,
        deadline: Instant,
        run: F,
    ) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        let ticket = Arc::new(Ticket::default());
        let asked = Instant::now();
        let job: Job = {
            let (ticket, waits) = (Arc::clone(&ticket), self.waits.clone());
            let file = self.file.clone().filter(|_| access == Access::Write);
            Box::new(move |worker| {
                // Until the thread is free again, not only until the client is gone.
                let _turn = turn;
                // The client may have gone, or have been told "overloaded".
                if answer.is_closed() || !ticket.begin() {
                    return;
                }
                if file.is_some_and(|file| !file.is_in_place()) {
                    let _ = answer.send(Err(DbError::Unavailable(REMOVED.into())));
                    return;
                }
                let acquired = || waits.observe(asked.elapsed().as_secs_f64());
                let result = worker.execute(access, acquire_until, acquired, &run);
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
        if let Ok(result) = answer_by(acquire_until, &mut answered).await {
            return result;
        }
        if ticket.cancel() {
            self.waits.observe(asked.elapsed().as_secs_f64());
            return Err(self.nothing_free());
        }
        if acquire_until == deadline {
            return Err(DbError::TooLate);
        }
        answer_by(deadline, &mut answered)
            .await
            .unwrap_or(Err(DbError::TooLate))
    }

    fn nothing_free(&self) -> DbError {
        match self.at_work().pool.state().connections {
            0 => DbError::Unavailable("no connection was opened in time".into()),
            _ => DbError::Overloaded,
        }
    }
}
