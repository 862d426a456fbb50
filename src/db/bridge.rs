//! The bridge between asynchronous handlers and blocking statements.
//!
//! As many threads as there are connections take jobs from a bounded channel. A hop
//! to one of a few threads costs less than one to a blocking pool of hundreds, the
//! HTTP workers never block, and a database that hangs stops only the requests that
//! need it.
//!
//! Invariant: a request never waits longer than its limits. Waiting for a connection
//! and waiting for the statement have separate limits, and a job whose request gave
//! up before the job began is never run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError, bounded};
use diesel::QueryResult;
use prometheus::{Histogram, HistogramOpts, IntCounter};
use tokio::sync::oneshot;

use super::active_pool::ActivePool;
use super::change::as_one_change;
use super::connection::DbConnection;
use super::error::{DbError, RunError};
use super::file_identity::{FileIdentity, REMOVED};
use super::job_claim::{JobClaim, result_by};
use super::migrate::{MigrateError, migrate_on};
use super::notices::Notices;
use super::owner_limiter::{NoPermit, Permit};
#[cfg(feature = "postgres")]
use super::pipelines::{Pipelines, Session};
use super::statement::{Access, Failure, Statement, Transaction};
use super::watchers::Watchers;
use super::worker_pool::{Job, Progress, WorkerPool, watch};
use crate::auth::OwnerId;
use crate::settings::{Database, DatabaseUrl};

/// The max number of queued jobs. When the queue is full, a request fails at once: a
/// client that learns of the overload now can react sooner than after two seconds.
const QUEUE: usize = 1024;

/// The max time of a step of a background job, including its wait in the queue that
/// it shares with the requests.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// The buckets of the histogram of waits, in seconds, from a free connection up to
/// the default `acquire_timeout`.
const WAIT_BUCKETS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0];

/// A check that the tables exist and can be read.
pub type Probe = fn(&mut DbConnection) -> QueryResult<()>;

/// A handle on the database. Its threads end when the last clone is dropped.
#[derive(Clone)]
pub struct Db {
    reads: Sender<Job>,
    writes: Sender<Job>,
    acquire_timeout: Duration,
    active: Arc<Mutex<ActivePool>>,
    waits: Histogram,
    pipelined: IntCounter,
    failures_behind: IntCounter,
    watchers: Watchers,
    notices: Notices,
    file: Option<Arc<FileIdentity>>,
    long_writes: Arc<AtomicUsize>,
}

/// A write that takes long is under way; ends when dropped.
pub struct LongWrite(Arc<AtomicUsize>);

impl Drop for LongWrite {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
            // Every connection to `:memory:` has a database of its own.
            DatabaseUrl::SqliteMemory => 1,
            DatabaseUrl::SqliteFile(_) | DatabaseUrl::Postgres(_) => database.pool_size as usize,
        };
        let (reads, jobs) = bounded(QUEUE);
        let mut queues = vec![jobs; threads];
        let mut writes = reads.clone();
        // SQLite allows one writer. With a dedicated write thread the others do not
        // block on its lock, and go on reading.
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
        .buckets(WAIT_BUCKETS.to_vec());
        let pipelined = IntCounter::new(
            "todoward_db_pipelined_total",
            "Requests that were served over a pipeline, and waited for no connection of the pool.",
        );
        let pipelined = pipelined.map_err(std::io::Error::other)?;
        let failures_behind = IntCounter::new(
            "todoward_db_failures_behind_total",
            "Statements that failed because the database had lost a connection of its own, to a shard for example, while ours lived.",
        );
        let failures_behind = failures_behind.map_err(std::io::Error::other)?;
        let worker_pool = WorkerPool::start(database, &queues, &failures_behind)?;
        let readers = threads - usize::from(one_writer);
        let active = Arc::new(Mutex::new(ActivePool::of(
            &worker_pool,
            readers,
            one_writer,
        )));
        if is_postgres {
            let db = Arc::downgrade(&active);
            let current = Weak::clone(&db);
            let replaced = move |worker_pool: Arc<WorkerPool>| {
                let Some(current) = current.upgrade() else {
                    return;
                };
                let new = ActivePool::of(&worker_pool, readers, one_writer);
                let mut active = current.lock().unwrap_or_else(PoisonError::into_inner);
                let old = std::mem::replace(&mut *active, new);
                drop(active);
                old.reads.close();
                #[cfg(feature = "postgres")]
                if let Some(pipelines) = old.pipelines {
                    pipelines.end();
                }
            };
            let failures = failures_behind.clone();
            watch(
                database.clone(),
                queues,
                failures,
                worker_pool,
                db,
                replaced,
            )?;
        }
        Ok(Self {
            reads,
            writes,
            acquire_timeout: database.acquire_timeout,
            active,
            waits: Histogram::with_opts(waits).map_err(std::io::Error::other)?,
            pipelined,
            failures_behind,
            watchers: Watchers::default(),
            notices: Notices::default(),
            long_writes: Arc::default(),
            file: match &database.url {
                DatabaseUrl::SqliteFile(path) => Some(Arc::new(FileIdentity::new(path))),
                DatabaseUrl::SqliteMemory | DatabaseUrl::Postgres(_) => None,
            },
        })
    }

    /// Whether the SQLite file is still the one that was opened; true for PostgreSQL.
    pub fn file_is_in_place(&self) -> bool {
        self.file.as_ref().is_none_or(|file| file.is_in_place())
    }

    /// The histogram of how long requests waited for a connection, in seconds.
    pub fn waits(&self) -> &Histogram {
        &self.waits
    }

    /// The numbers of idle and of busy connections of the pool.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.active().pool.state();
        let idle = state.idle_connections;
        (idle, state.connections.saturating_sub(idle))
    }

    /// Statements that failed on a connection behind the database, which ours survived.
    pub fn failures_behind(&self) -> &IntCounter {
        &self.failures_behind
    }

    /// The counter of statements that ran over a pipeline.
    pub fn pipelined(&self) -> &IntCounter {
        &self.pipelined
    }

    /// The pipelines, if there are any.
    #[cfg(feature = "postgres")]
    fn pipelines(&self) -> Option<Arc<Pipelines>> {
        self.active().pipelines.clone()
    }

    /// Runs a statement for an owner and waits for it until `deadline` at most: over a
    /// pipeline if the statement allows it and a pipeline accepts it, else on a
    /// connection of the pool.
    ///
    /// # Errors
    ///
    /// The database failed, the deadline passed, or the statement rejected the request.
    pub async fn run<S: Statement>(
        &self,
        owner: OwnerId,
        deadline: Instant,
        statement: S,
    ) -> Result<S::Output, DbError> {
        #[cfg(feature = "postgres")]
        if let Some(output) = self.run_pipelined(&owner, deadline, &statement).await? {
            self.written_by(S::ACCESS, &owner);
            return Ok(output);
        }
        let writer = owner.clone();
        let run = move |conn: &mut DbConnection, owner: &OwnerId, _: &Progress<'_>| match statement
            .run(conn, owner)
        {
            Ok(output) => Ok(Ok(output)),
            Err(Failure::Rejected(rejection)) => Ok(Err(rejection)),
            Err(Failure::Database(error)) => Err(error.into()),
        };
        let output = self.run_pooled(S::ACCESS, owner, deadline, run).await?;
        self.written_by(S::ACCESS, &writer);
        output.map_err(DbError::Rejected)
    }

    /// Those who wait to be told that an owner's rows were written.
    pub fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    /// Says, here and to other replicas, that everything which an owner had was erased, or
    /// given away.
    pub fn reset_watches(&self, owner: &OwnerId) {
        self.watchers.reset(owner);
        self.notices.send(std::slice::from_ref(owner));
    }

    /// Notices between replicas.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Carries notices between replicas whenever the database can. Never ends.
    pub async fn carry_notices(&self) {
        #[cfg(feature = "postgres")]
        while let Some(pipelines) = self.pipelines() {
            self.notices.are_wanted().await;
            tokio::time::sleep(pipelines.carry(&self.notices).await).await;
            self.notices.want();
        }
        std::future::pending().await
    }

    fn written_by(&self, access: Access, owner: &OwnerId) {
        if access == Access::Write {
            self.watchers.written(owner);
        }
    }

    /// Says that a write begins which takes long. On SQLite those behind it wait for their
    /// turn as long as for their result, and are not refused as an overload.
    pub fn begin_long_write(&self) -> LongWrite {
        self.long_writes.fetch_add(1, Ordering::Relaxed);
        LongWrite(Arc::clone(&self.long_writes))
    }

    /// Runs many statements of an owner as one change in one transaction, on a connection
    /// of the pool, and waits for it until `deadline` at most. On failures that a retry may
    /// fix, all of it is run again.
    ///
    /// `run` asks [`Progress::goes_on`] before each statement, and rolls back if nobody
    /// waits any more.
    ///
    /// # Errors
    ///
    /// The database failed, or the deadline passed.
    pub async fn run_as_one_change<T, F>(
        &self,
        owner: OwnerId,
        deadline: Instant,
        run: F,
    ) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection, &OwnerId, &Progress<'_>) -> QueryResult<Transaction<T>>
            + Send
            + 'static,
    {
        let run = move |conn: &mut DbConnection, owner: &OwnerId, progress: &Progress<'_>| {
            as_one_change(conn, owner, |conn| run(conn, owner, progress))
        };
        let writer = owner.clone();
        let output = self.run_pooled(Access::Write, owner, deadline, run).await?;
        self.written_by(Access::Write, &writer);
        Ok(output)
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

    /// The numbers of open pipelines for reads and for writes.
    pub fn pipelines_open(&self) -> (u32, u32) {
        #[cfg(feature = "postgres")]
        if let Some(pipelines) = self.pipelines() {
            return pipelines.open();
        }
        (0, 0)
    }

    /// Stops sending statements over pipelines and waits for those in flight. To be
    /// called before the HTTP workers stop: they drive the pipelines' connections.
    pub async fn end_pipelines(&self) {
        #[cfg(feature = "postgres")]
        if let Some(pipelines) = self.pipelines() {
            pipelines.end();
            pipelines.ended().await;
        }
    }

    /// Runs a read that belongs to no owner, until `deadline` at most.
    pub async fn check(&self, deadline: Instant, probe: Probe) -> Result<(), DbError> {
        let acquire_until = self.acquire_until(deadline);
        let waits = Some(&self.waits);
        let run = move |conn: &mut DbConnection, _: &Progress<'_>| Ok(probe(conn)?);
        self.run_job(Access::Read, None, waits, acquire_until, deadline, run)
            .await
    }

    /// Runs a read for more than one owner, or for none, until `deadline` at most.
    pub async fn read<T: Send + 'static>(
        &self,
        deadline: Instant,
        read: impl Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, DbError> {
        let run = move |conn: &mut DbConnection, _: &Progress<'_>| Ok(read(conn)?);
        self.run_job(Access::Read, None, None, deadline, deadline, run)
            .await
    }

    /// Runs a step of a background job, which belongs to no owner, as a write. It waits
    /// in the same queue as the requests, for 10 seconds at most.
    pub async fn step<T: Send + 'static>(
        &self,
        step: impl Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, DbError> {
        let deadline = Instant::now() + STEP_TIMEOUT;
        let run = move |conn: &mut DbConnection, _: &Progress<'_>| Ok(step(conn)?);
        self.run_job(Access::Write, None, None, deadline, deadline, run)
            .await
    }

    /// Migrates a database in memory, on its only connection.
    ///
    /// # Errors
    ///
    /// Those of [`super::migrate::migrate`].
    pub fn migrate_memory(&self) -> Result<Vec<String>, MigrateError> {
        let pool = self.active().pool.clone();
        let pooled = pool.get();
        let mut pooled = pooled.map_err(|error| MigrateError::Failed(error.into()))?;
        migrate_on(&mut pooled.connection)
    }

    fn active(&self) -> MutexGuard<'_, ActivePool> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
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
        F: Fn(&mut DbConnection, &OwnerId, &Progress<'_>) -> Result<T, RunError> + Send + 'static,
    {
        let acquire_until = match access {
            Access::Write
                if self.file.is_some() && self.long_writes.load(Ordering::Relaxed) > 0 =>
            {
                deadline
            }
            Access::Read | Access::Write => self.acquire_until(deadline),
        };
        let permit = loop {
            let limiter = match access {
                Access::Read => Arc::clone(&self.active().reads),
                Access::Write => Arc::clone(&self.active().writes),
            };
            match limiter.acquire(owner.as_str(), acquire_until).await {
                Ok(permit) => break permit,
                Err(NoPermit::Replaced) => {}
                Err(NoPermit::Full) => return Err(DbError::Overloaded),
                Err(NoPermit::TimedOut) => return Err(self.no_connection_in_time()),
            }
        };
        let run =
            move |conn: &mut DbConnection, progress: &Progress<'_>| run(conn, &owner, progress);
        let waits = Some(&self.waits);
        self.run_job(access, Some(permit), waits, acquire_until, deadline, run)
            .await
    }

    async fn run_job<T, F>(
        &self,
        access: Access,
        permit: Option<Permit>,
        waits: Option<&Histogram>,
        acquire_until: Instant,
        deadline: Instant,
        run: F,
    ) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection, &Progress<'_>) -> Result<T, RunError> + Send + 'static,
    {
        let (reply, mut receiver) = oneshot::channel();
        let claim = Arc::new(JobClaim::default());
        let asked = Instant::now();
        let job: Job = {
            let (claim, waits) = (Arc::clone(&claim), waits.cloned());
            let file = self.file.clone().filter(|_| access == Access::Write);
            Box::new(move |worker, kept| {
                // Held until the thread is free again, even if the client has disconnected.
                let _permit = permit;
                // The client may have disconnected, or the request may have failed already.
                if reply.is_closed() || !claim.begin() {
                    return;
                }
                if file.is_some_and(|file| !file.is_in_place()) {
                    let _ = reply.send(Err(DbError::Unavailable(REMOVED.into())));
                    return;
                }
                let acquired = || observe(waits.as_ref(), asked);
                let is_wanted = || !reply.is_closed();
                let progress = Progress {
                    worker,
                    kept,
                    is_wanted: &is_wanted,
                };
                let run = |conn: &mut DbConnection| run(conn, &progress);
                let result = worker.execute(access, acquire_until, acquired, &run);
                // Fails if the request no longer waits; then the result is not needed.
                let _ = reply.send(result);
            })
        };
        let queue = match access {
            Access::Read => &self.reads,
            Access::Write => &self.writes,
        };
        match queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(DbError::Overloaded),
            Err(TrySendError::Disconnected(_)) => {
                return Err(DbError::Bug("the database threads have ended".into()));
            }
        }
        if let Ok(result) = result_by(acquire_until, &mut receiver).await {
            return result;
        }
        if claim.cancel() {
            observe(waits, asked);
            return Err(self.no_connection_in_time());
        }
        if acquire_until == deadline {
            return Err(DbError::TooLate(access));
        }
        result_by(deadline, &mut receiver)
            .await
            .unwrap_or(Err(DbError::TooLate(access)))
    }

    fn no_connection_in_time(&self) -> DbError {
        match self.active().pool.state().connections {
            0 => DbError::Unavailable("no connection was opened in time".into()),
            _ => DbError::Overloaded,
        }
    }
}

/// Adds a wait that has ended, of a request: background jobs are not counted.
fn observe(waits: Option<&Histogram>, asked: Instant) {
    if let Some(waits) = waits {
        waits.observe(asked.elapsed().as_secs_f64());
    }
}
