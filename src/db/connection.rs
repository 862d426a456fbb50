//! Opening connections, each with the same settings.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection as _;
use tokio::sync::watch;

use super::epoch;
use super::error::{Verdict, verdict};
use crate::settings::{Database, DatabaseUrl};

/// A connection to either database. Statements are written once for both.
#[derive(diesel::MultiConnection)]
pub enum DbConnection {
    /// PostgreSQL, through libpq.
    #[cfg(feature = "postgres")]
    Postgres(diesel::PgConnection),
    /// SQLite, compiled in.
    Sqlite(diesel::SqliteConnection),
}

impl DbConnection {
    /// Whether it speaks PostgreSQL's dialect.
    pub fn is_postgres(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
            Self::Sqlite(_) => false,
        }
    }
}

/// Opens connections for r2d2 and decides which must be discarded.
pub struct Manager {
    target: Target,
    generation: Generation,
}

/// The database to open.
enum Target {
    SqliteMemory,
    SqliteFile(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(super::postgres::Opener),
    #[cfg(not(feature = "postgres"))]
    Postgres,
}

/// A connection of the pool. `discard` says that it must not be used again: Diesel
/// does not notice every reason for that, for instance a former primary that is
/// read-only now and still responds to `SELECT 1`.
pub struct Pooled {
    pub connection: DbConnection,
    pub discard: bool,
    pub used_at: Instant,
    generation: u64,
}

/// Counts the events that invalidate all open connections at once: a restart of the
/// server, or its demotion to a replica. When one connection has noticed it, no
/// older one is trusted.
#[derive(Debug, Clone, Default)]
pub struct Generation(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    current: AtomicU64,
    /// The generation for which sessions were compared, plus one, and what was found; none
    /// if they were not.
    #[cfg(feature = "postgres")]
    compared: AtomicU64,
    /// Counts failures to open a connection.
    refusals: watch::Sender<u64>,
}

impl Generation {
    /// Invalidates all connections that are open now.
    pub fn end(&self) {
        epoch::begin();
        self.0.current.fetch_add(1, Ordering::AcqRel);
    }

    /// The generation of connections that are opened now.
    pub fn current(&self) -> u64 {
        self.0.current.load(Ordering::Acquire)
    }

    /// Whether a connection belongs to the current generation.
    pub fn has(&self, pooled: &Pooled) -> bool {
        self.current() == pooled.generation
    }
}

/// What a session of PostgreSQL is to a client.
#[cfg(feature = "postgres")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    /// Each client has its own.
    Own,
    /// A pooler gives each transaction whichever is free, and follows prepared statements.
    Followed,
    /// A pooler gives each transaction whichever is free, and nothing can be prepared.
    Shared,
}

#[cfg(feature = "postgres")]
impl Sessions {
    /// Whether what a client prepares is there when it is run.
    pub fn can_prepare(self) -> bool {
        self != Self::Shared
    }
}

#[cfg(feature = "postgres")]
impl Generation {
    /// Records what sessions are in this generation, and returns what was known before. What
    /// demands more care stays.
    pub fn found(&self, generation: u64, sessions: Sessions) -> Option<Sessions> {
        let care = match sessions {
            Sessions::Own => 0,
            Sessions::Followed => 1,
            Sessions::Shared => 2,
        };
        let compared = &self.0.compared;
        let before = compared.fetch_max((generation + 1) << 2 | care, Ordering::AcqRel);
        known(before, generation)
    }

    /// Invalidates the connections of this generation, unless a later one has begun.
    pub fn end_of(&self, generation: u64) {
        let current = &self.0.current;
        let next = generation + 1;
        epoch::begin();
        let _ = current.compare_exchange(generation, next, Ordering::AcqRel, Ordering::Acquire);
    }

    /// What sessions are known to be in the current generation.
    pub fn sessions(&self) -> Option<Sessions> {
        known(self.0.compared.load(Ordering::Acquire), self.current())
    }

    /// Notifies when the pool failed to open a connection.
    pub fn refusals(&self) -> watch::Receiver<u64> {
        self.0.refusals.subscribe()
    }
}

#[cfg(feature = "postgres")]
fn known(compared: u64, generation: u64) -> Option<Sessions> {
    let sessions = match compared & 3 {
        0 => Sessions::Own,
        1 => Sessions::Followed,
        _ => Sessions::Shared,
    };
    (compared >> 2 == generation + 1).then_some(sessions)
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

    /// Opens a connection and applies its settings.
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

/// Creates a SQLite file with mode 0600, because it holds all users' tasks. SQLite
/// gives the WAL and its index the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a connection for a command of an operator. No other process may have a SQLite file
/// open meanwhile: a server would go on with what it knows of owners.
///
/// # Errors
///
/// There is no such file, another process has it, or there is no connection.
pub fn open_alone(database: &Database) -> ConnectionResult<DbConnection> {
    let DatabaseUrl::SqliteFile(path) = &database.url else {
        return Manager::new(database, Generation::default()).open();
    };
    let name = path.display();
    // Opening would create it.
    if !path.is_file() {
        let error = format!("there is no file {name}");
        return Err(ConnectionError::BadConnection(error));
    }
    let mut sqlite = diesel::SqliteConnection::establish(&path.to_string_lossy())?;
    let alone = "PRAGMA busy_timeout = 1000;
                 PRAGMA locking_mode = EXCLUSIVE;
                 PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 PRAGMA secure_delete = ON;
                 BEGIN IMMEDIATE;
                 COMMIT;";
    sqlite.batch_execute(alone).map_err(|error| {
        let error = match verdict(&error) == Verdict::Locked {
            true => format!("another process has {name} open: stop the server first"),
            false => format!("{name}: {error}"),
        };
        ConnectionError::BadConnection(error)
    })?;
    Ok(DbConnection::Sqlite(sqlite))
}

/// How long opening waits while another process switches the same new file to WAL.
const WAL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long SQLite itself waits for another process's lock, in milliseconds, on
/// connections for requests. The worker retries for as long as the request may wait:
/// SQLite's own pauses grow to 100 ms, in which processes that write without a pause
/// get the lock again and again.
const LOCK_WAIT: &str = "PRAGMA busy_timeout = 20";

/// Opens and configures SQLite. `synchronous = FULL`, because with NORMAL a power cut
/// may undo writes that were confirmed. The timeout covers the checkpoint of another
/// connection. `secure_delete`, because what was deleted would stay in the file, and in its
/// backups, until something else is written there.
fn open_sqlite(path: &str) -> ConnectionResult<DbConnection> {
    let mut connection = diesel::SqliteConnection::establish(path)?;
    super::stand_in::register(&mut connection)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    let begun = Instant::now();
    loop {
        let configured = connection.batch_execute(
            "PRAGMA busy_timeout = 2000;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA secure_delete = ON;",
        );
        match configured {
            Ok(()) => return Ok(DbConnection::Sqlite(connection)),
            // `busy_timeout` does not apply to the switch to WAL, which another
            // process that starts on the same new file may be making as well.
            Err(error) if verdict(&error) == Verdict::Locked && begun.elapsed() < WAL_TIMEOUT => {
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
        // Read before opening: the server may restart in between, and then the
        // connection must count as one of the old generation.
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

/// Logs why no connection can be opened, once in five seconds at most: r2d2 retries
/// continuously while a database is down.
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
