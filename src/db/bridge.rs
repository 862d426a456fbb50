//! The one bridge between asynchronous handlers and blocking statements.
//!
//! A few threads of our own, as many as connections, take jobs from a bounded
//! channel. A hop to such a thread costs less than one through a pool of
//! hundreds, the HTTP workers never wait, and a database that hangs stops
//! nothing but the requests that need it.
//!
//! Invariant: a request never waits longer than its limits. ResponseBudget for a
//! connection and waiting for the statement are bounded apart, and a job whose
//! request has given up before it began is never run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError, bounded};
use diesel::QueryResult;
use prometheus::{Histogram, HistogramOpts, IntCounter};
use tokio::sync::oneshot;

use super::active_pool::ActivePool;
use super::connection::DbConnection;
use super::error::DbError;
use super::file_identity::{FileIdentity, REMOVED};
use super::job_claim::{JobClaim, answer_by};
use super::migrate::{MigrateError, migrate_on};
use super::owner_limiter::{NoPermit, Permit};
#[cfg(feature = "postgres")]
use super::pipelines::{Pipelines, Session};
use super::statement::{Access, Failure, Statement};
use super::worker_pool::{Job, WorkerPool, watch};
use crate::auth::OwnerId;
use crate::settings::{Database, DatabaseUrl};

/// Jobs that may wait. A full queue is answered at once: a client that is told
/// "overloaded" now can do more than one that is told so in two seconds.
const QUEUE: usize = 1024;

/// The longest that a step of a background job waits, with the requests, for its turn.
const STEP_PATIENCE: Duration = Duration::from_secs(10);

/// From a connection that is free to the longest that may be waited for one by default.
const SECONDS_OF_WAITS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0];

/// Whether the tables are there and answer.
pub type Probe = fn(&mut DbConnection) -> QueryResult<()>;

/// A handle on the database. Its threads end when the last clone is dropped.
#[derive(Clone)]
pub struct Db {
    reads: Sender<Job>,
    writes: Sender<Job>,
    acquire_timeout: Duration,
    at_work: Arc<Mutex<ActivePool>>,
    waits: Histogram,
    pipelined: IntCounter,
    file: Option<Arc<FileIdentity>>,
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
        let crew = WorkerPool::start(database, &queues)?;
        let readers = threads - usize::from(one_writer);
        let at_work = Arc::new(Mutex::new(ActivePool::of(&crew, readers, one_writer)));
        if is_postgres {
            let db = Arc::downgrade(&at_work);
            let current = Weak::clone(&db);
            let replaced = move |crew: Arc<WorkerPool>| {
                let Some(current) = current.upgrade() else {
                    return;
                };
                let new = ActivePool::of(&crew, readers, one_writer);
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
                DatabaseUrl::SqliteFile(path) => Some(Arc::new(FileIdentity::new(path))),
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
    fn pipelines(&self) -> Option<Arc<Pipelines>> {
        self.at_work().pipelines.clone()
    }

    /// Runs a statement for an owner and waits for it, at most until `deadline`: over
    /// a pipeline if the statement may go over one and a pipeline says yes, else on a
    /// connection of the pool.
    ///
    /// # Errors
    ///
    /// The database failed, the time is up, or the statement has rejected what it was
    /// asked.
    pub async fn run<S: Statement>(
        &self,
        owner: OwnerId,
        deadline: Instant,
        statement: S,
    ) -> Result<S::Output, DbError> {
        #[cfg(feature = "postgres")]
        if let Some(output) = self.run_pipelined(&owner, deadline, &statement).await? {
            return Ok(output);
        }
        let run = move |conn: &mut DbConnection, owner: &OwnerId| match statement.run(conn, owner) {
            Ok(output) => Ok(Ok(output)),
            Err(Failure::Rejected(rejection)) => Ok(Err(rejection)),
            Err(Failure::Database(error)) => Err(error),
        };
        self.run_pooled(S::ACCESS, owner, deadline, run)
            .await?
            .map_err(DbError::Rejected)
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined<S: Statement>(
        &self,
        owner: &OwnerId,
        deadline: Instant,
        statement: &S,
    ) -> Result<Option<S::Output>, DbError> {
        let (Some(limit), Some(pipelines)) = (statement.pipeline_limit(), self.pipelines()) else {
            return Ok(None);
        };
        let run = async |session: &Session| statement.run_pipelined(session, owner).await;
        let output = match S::ACCESS {
            Access::Read => pipelines.read(owner, limit, run).await,
            Access::Write => pipelines.write(owner, limit, deadline, run).await?,
        };
        let output = output.flatten();
        self.pipelined.inc_by(u64::from(output.is_some()));
        Ok(output)
    }

    /// How many pipelines are open.
    pub fn pipelines_open(&self) -> u32 {
        #[cfg(feature = "postgres")]
        if let Some(pipelines) = self.pipelines() {
            return pipelines.open();
        }
        0
    }

    /// Sends nothing over pipelines any more, and waits for what is under way.
    /// Their bytes are moved by the HTTP workers, which end at different times.
    pub async fn end_pipelines(&self) {
        #[cfg(feature = "postgres")]
        if let Some(pipelines) = self.pipelines() {
            pipelines.end();
            pipelines.ended().await;
        }
    }

    /// Asks a question that is no owner's, at most until `deadline`.
    pub async fn check(&self, deadline: Instant, probe: Probe) -> Result<(), DbError> {
        let acquire_until = self.acquire_until(deadline);
        self.run_job(Access::Read, None, acquire_until, deadline, probe)
            .await
    }

    /// Runs a step of a background job, which is no owner's, on the thread that has
    /// the writes. It waits with the requests for its turn, for as long as a step may.
    pub async fn step<T: Send + 'static>(
        &self,
        step: impl Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, DbError> {
        let deadline = Instant::now() + STEP_PATIENCE;
        self.run_job(Access::Write, None, deadline, deadline, step)
            .await
    }

    /// Brings a database in memory up to date, on the one connection that has it.
    ///
    /// # Errors
    ///
    /// As [`super::migrate::migrate`].
    pub fn migrate_memory(&self) -> Result<Vec<String>, MigrateError> {
        let pool = self.at_work().pool.clone();
        let pooled = pool.get();
        let mut pooled = pooled.map_err(|error| MigrateError::Failed(error.into()))?;
        migrate_on(&mut pooled.connection)
    }

    fn at_work(&self) -> MutexGuard<'_, ActivePool> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acquire_until(&self, deadline: Instant) -> Instant {
        (Instant::now() + self.acquire_timeout).min(deadline)
    }

    async fn run_pooled<T, F>(
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
                Err(NoPermit::Replaced) => {}
                Err(NoPermit::Full) => return Err(DbError::Overloaded),
                Err(NoPermit::Late) => return Err(self.nothing_free()),
            }
        };
        let run = move |conn: &mut DbConnection| run(conn, &owner);
        self.run_job(access, Some(turn), acquire_until, deadline, run)
            .await
    }

    async fn run_job<T, F>(
        &self,
        access: Access,
        turn: Option<Permit>,
        acquire_until: Instant,
        deadline: Instant,
        run: F,
    ) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        let claim = Arc::new(JobClaim::default());
        let asked = Instant::now();
        let job: Job = {
            let (claim, waits) = (Arc::clone(&claim), self.waits.clone());
            let file = self.file.clone().filter(|_| access == Access::Write);
            Box::new(move |worker| {
                // Until the thread is free again, not only until the client is gone.
                let _turn = turn;
                // The client may have gone, or have been told "overloaded".
                if answer.is_closed() || !claim.begin() {
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
        if claim.cancel() {
            self.waits.observe(asked.elapsed().as_secs_f64());
            return Err(self.nothing_free());
        }
        if acquire_until == deadline {
            return Err(DbError::TooLate(access));
        }
        answer_by(deadline, &mut answered)
            .await
            .unwrap_or(Err(DbError::TooLate(access)))
    }

    fn nothing_free(&self) -> DbError {
        match self.at_work().pool.state().connections {
            0 => DbError::Unavailable("no connection was opened in time".into()),
            _ => DbError::Overloaded,
        }
    }
}
