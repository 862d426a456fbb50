//! Bringing a database up to date. The migrations are compiled in.
//!
//! Several instances may start together: one migrates, the others wait and find
//! nothing to do.

use std::fmt;
#[cfg(feature = "postgres")]
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{DbConnection, Generation, Manager};
use crate::settings::{Database, DatabaseUrl};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The key of the advisory lock: "todoward" in ASCII.
#[cfg(feature = "postgres")]
const LOCK: i64 = 0x746f_646f_7761_7264;

/// The longest that a migration waits for the table at a time, and in all.
#[cfg(feature = "postgres")]
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = 100";
#[cfg(feature = "postgres")]
const BUSY: Duration = Duration::from_secs(60);
#[cfg(feature = "postgres")]
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// Why a database could not be brought up to date.
#[derive(Debug)]
pub enum MigrateError {
    /// No connection; it may be had later.
    Connection(ConnectionError),
    /// A migration failed, or the database is not fit for Todoward.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(cause) => write!(f, "no connection to the database: {cause}"),
            Self::Failed(cause) => write!(f, "the migration failed: {cause}"),
        }
    }
}

impl std::error::Error for MigrateError {}

impl From<diesel::result::Error> for MigrateError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Brings the database up to date and names the migrations that were run.
///
/// # Errors
///
/// No connection, or a migration that failed; it is rolled back then.
pub fn migrate(database: &Database) -> Result<Vec<String>, MigrateError> {
    // Nothing is run twice, so nothing need be kept prepared, and any session does.
    let database = Database {
        prepared_statements: false,
        ..database.clone()
    };
    let mut connection = Manager::new(&database, Generation::default())
        .open()
        .map_err(MigrateError::Connection)?;
    migrate_on(&mut connection)
}

/// Makes the indexes that no migration can make, and names them. May take minutes,
/// and holds up nobody.
///
/// # Errors
///
/// No connection, or the database refuses: all else works without them.
pub fn make_indexes(database: &Database) -> Result<Vec<String>, MigrateError> {
    match &database.url {
        DatabaseUrl::SqliteMemory | DatabaseUrl::SqliteFile(_) => Ok(Vec::new()),
        DatabaseUrl::Postgres(_) => {
            let opened = Manager::new(database, Generation::default()).open();
            match opened.map_err(MigrateError::Connection)? {
                DbConnection::Sqlite(_) => Ok(Vec::new()),
                #[cfg(feature = "postgres")]
                DbConnection::Postgres(mut postgres) => {
                    // Behind a pooler the session may be another's next.
                    if database.prepared_statements {
                        postgres.batch_execute("SET statement_timeout = 0")?;
                    }
                    Ok(super::indexes::make(&mut postgres)?)
                }
            }
        }
    }
}

/// Brings the database of a connection up to date.
pub(super) fn migrate_on(connection: &mut DbConnection) -> Result<Vec<String>, MigrateError> {
    match connection {
        // The lock of the transaction keeps a second process waiting.
        DbConnection::Sqlite(sqlite) => sqlite.immediate_transaction(|sqlite| {
            // SQLite opens what it may not write for reading, without a word,
            // until something is written.
            sqlite.batch_execute("PRAGMA user_version = 0")?;
            Ok::<_, diesel::result::Error>(run(sqlite, SQLITE))
        })?,
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => {
            refuse_unfit(postgres)?;
            let begun = Instant::now();
            loop {
                match migrate_postgres(postgres) {
                    Err(Stopped::Busy(_)) if begun.elapsed() < BUSY => {
                        std::thread::sleep(BETWEEN_TRIES);
                    }
                    Err(Stopped::Busy(error)) => return Err(error.into()),
                    Err(Stopped::Failed(error)) => return Err(error),
                    Ok(done) => return Ok(done),
                }
            }
        }
    }
}

#[cfg(feature = "postgres")]
enum Stopped {
    /// Somebody has been using the table for longer than others may be held up.
    Busy(diesel::result::Error),
    Failed(MigrateError),
}

#[cfg(feature = "postgres")]
impl From<diesel::result::Error> for Stopped {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
    }
}

#[cfg(feature = "postgres")]
fn migrate_postgres(postgres: &mut diesel::PgConnection) -> Result<Vec<String>, Stopped> {
    // Lock and setting end with the transaction: a pooler may give the session to
    // somebody else. A migration may take longer than a request, and waits for a
    // twin.
    postgres.transaction(|postgres| {
        postgres.batch_execute("SET LOCAL statement_timeout = 0")?;
        postgres.batch_execute("SET LOCAL idle_in_transaction_session_timeout = 0")?;
        postgres.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))?;
        let pending = postgres.pending_migrations(POSTGRES);
        let pending = pending.map_err(|error| Stopped::Failed(MigrateError::Failed(error)))?;
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        // Whoever waits for a table holds up all who come after him. So he waits
        // briefly, and tries again.
        postgres.batch_execute(LOCK_TIMEOUT)?;
        let lock = "DO $$ BEGIN IF to_regclass('tasks') IS NOT NULL THEN \
                    LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE; END IF; END $$";
        postgres.batch_execute(lock).map_err(Stopped::Busy)?;
        run(postgres, POSTGRES).map_err(Stopped::Failed)
    })
}

fn run<DB: diesel::backend::Backend>(
    connection: &mut impl MigrationHarness<DB>,
    migrations: EmbeddedMigrations,
) -> Result<Vec<String>, MigrateError> {
    let done = connection
        .run_pending_migrations(migrations)
        .map_err(MigrateError::Failed)?;
    Ok(done.iter().map(ToString::to_string).collect())
}

#[cfg(feature = "postgres")]
#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

/// A database of another encoding could not store every title.
#[cfg(feature = "postgres")]
fn refuse_unfit(connection: &mut diesel::PgConnection) -> Result<(), MigrateError> {
    let encoding: Setting = diesel::sql_query("SELECT current_setting('server_encoding') AS value")
        .get_result(connection)?;
    if encoding.value == "UTF8" {
        return Ok(());
    }
    let mend = "the database must be made with ENCODING 'UTF8'";
    Err(MigrateError::Failed(mend.into()))
}
