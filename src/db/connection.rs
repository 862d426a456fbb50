//! Opening connections, so that every one of the pool is set up alike.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection as _;
use tokio::sync::watch;

use super::error::{Verdict, verdict};
use crate::settings::{Database, DatabaseUrl};

/// A connection to either database. Statements are written once, for both.
#[derive(diesel::MultiConnection)]
pub enum DbConnection {
    /// PostgreSQL, through libpq.
    #[cfg(feature = "postgres")]
    Postgres(diesel::PgConnection),
    /// SQLite, compiled in.
    Sqlite(diesel::SqliteConnection),
}

/// Opens connections for r2d2, and says which of them are of no more use.
pub struct Manager {
    target: Target,
    generation: Generation,
}

/// What is opened.
enum Target {
    SqliteMemory,
    SqliteFile(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(super::postgres::Opener),
    #[cfg(not(feature = "postgres"))]
    Postgres,
}

/// A connection and whether it must not be used again: Diesel does not notice
/// all that ends a connection's usefulness, for instance a primary that became
/// read-only and still answers `SELECT 1`.
pub struct Pooled {
    pub connection: DbConnection,
    pub discard: bool,
    pub used_at: Instant,
    generation: u64,
}

/// Counts what ends all connections at once: a restart of the server, or its
/// becoming a replica. When one connection has met it, none older is trusted.
#[derive(Debug, Clone, Default)]
pub struct Generation(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    current: AtomicU64,
    /// One more than the generation in which sessions were last compared.
    #[cfg(feature = "postgres")]
    compared: AtomicU64,
    /// How often no connection could be opened.
    refusals: watch::Sender<u64>,
}

impl Generation {
    /// No connection that is open now is to be used again.
    pub fn end(&self) {
        self.0.current.fetch_add(1, Ordering::AcqRel);
    }

    /// The one of connections that are opened now.
    pub fn current(&self) -> u64 {
        self.0.current.load(Ordering::Acquire)
    }

    /// Whether a connection was opened after the last end.
    pub fn has(&self, pooled: &Pooled) -> bool {
        self.current() == pooled.generation
    }
}

#[cfg(feature = "postgres")]
impl Generation {
    /// Clients of this generation have sessions of their own.
    pub fn prove(&self, generation: u64) {
        self.0.compared.fetch_max(generation + 1, Ordering::AcqRel);
    }

    /// Clients were found to share a session.
    pub fn disprove(&self) {
        self.0.compared.store(0, Ordering::Release);
    }

    /// Ends this generation, unless another has begun since.
    pub fn end_of(&self, generation: u64) {
        let current = &self.0.current;
        let next = generation + 1;
        let _ = current.compare_exchange(generation, next, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Whether that is known of the current one.
    pub fn is_proven(&self) -> bool {
        self.0.compared.load(Ordering::Acquire) == self.current() + 1
    }

    /// Changes when the pool could not open a connection.
    pub fn refusals(&self) -> watch::Receiver<u64> {
        self.0.refusals.subscribe()
    }
}

impl Manager {
    pub fn new(database: &Database, generation: Generation) -> Self {
        let target = match &database.url {
            DatabaseUrl::SqliteMemory => Target::SqliteMemory,
            DatabaseUrl::SqliteFile(path) => Target::SqliteFile(path.clone()),
            #[cfg(feature = "postgres")]
            DatabaseUrl::Postgres(url) => {
                let generation = generation.clone();
                Target::Postgres(super::postgres::Opener::new(url, database, generation))
            }
            #[cfg(not(feature = "postgres"))]
            DatabaseUrl::Postgres(_) => Target::Postgres,
        };
        Self { target, generation }
    }

    /// Opens a connection and sets it up.
    pub fn open(&self) -> ConnectionResult<DbConnection> {
        match &self.target {
            Target::SqliteMemory => open_sqlite(":memory:"),
            Target::SqliteFile(path) => {
                create_private(path).map_err(|error| {
                    ConnectionError::BadConnection(format!("{}: {error}", path.display()))
                })?;
                open_sqlite(&path.to_string_lossy())
            }
            #[cfg(feature = "postgres")]
            Target::Postgres(opener) => opener.open().map(DbConnection::Postgres),
            #[cfg(not(feature = "postgres"))]
            Target::Postgres => Err(ConnectionError::BadConnection(
                "built without PostgreSQL".into(),
            )),
        }
    }
}

/// SQLite files hold everybody's tasks: a new one is for its owner only. The
/// WAL and its index take over the mode of the file.
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// How long the first connection to a new file waits for a twin.
const WAL_PATIENCE: Duration = Duration::from_secs(5);

/// How long SQLite itself waits for the lock of another process, on connections that
/// requests use. Who runs the statement goes on waiting, for as long as the request
/// may: SQLite's own waits grow to a tenth of a second, in which others who write
/// without a pause get the lock again and again.
const LOCK_WAIT: &str = "PRAGMA busy_timeout = 20";

/// `synchronous = FULL`: with NORMAL a power cut may take back writes that were
/// answered. The timeout covers the checkpoint of another connection.
fn open_sqlite(path: &str) -> ConnectionResult<DbConnection> {
    let mut connection = diesel::SqliteConnection::establish(path)?;
    super::stand_in::register(&mut connection)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    let begun = Instant::now();
    loop {
        let done = connection.batch_execute(
            "PRAGMA busy_timeout = 2000;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;",
        );
        match done {
            Ok(()) => return Ok(DbConnection::Sqlite(connection)),
            // The timeout does not hold for the change to WAL, which another
            // process that starts on the same new file may be about, too.
            Err(error) if verdict(&error) == Verdict::Locked && begun.elapsed() < WAL_PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(ConnectionError::CouldntSetupConfiguration(error)),
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = ConnectionError;

    fn connect(&self) -> ConnectionResult<Pooled> {
        // Read before the connection is opened: it may be the old server's.
        let generation = self.generation.current();
        let mut connection = self.open()?;
        if matches!(connection, DbConnection::Sqlite(_)) {
            let set = connection.batch_execute(LOCK_WAIT);
            set.map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(Pooled {
            connection,
            discard: false,
            used_at: Instant::now(),
            generation,
        })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> ConnectionResult<()> {
        pooled
            .connection
            .ping()
            .map_err(ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.discard || std::thread::panicking() || pooled.connection.is_broken()
    }
}

/// Logs why no connection can be had, at most once in five seconds: r2d2 tries
/// again and again while a database is down.
pub struct LogSometimes {
    last: AtomicU64,
    generation: Generation,
}

impl LogSometimes {
    pub fn new(generation: Generation) -> Self {
        Self {
            last: AtomicU64::new(0),
            generation,
        }
    }
}

impl fmt::Debug for LogSometimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogSometimes")
    }
}

impl<E: std::error::Error> r2d2::HandleError<E> for LogSometimes {
    fn handle_error(&self, error: E) {
        let refusals = &self.generation.0.refusals;
        refusals.send_modify(|count| *count += 1);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_secs());
        let last = self.last.load(Ordering::Relaxed);
        if now.saturating_sub(last) >= 5 {
            self.last.store(now, Ordering::Relaxed);
            log::warn!(cause:% = error; "no connection to the database; trying again");
        }
    }
}
