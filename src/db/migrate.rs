//! Migrations of the database. They are compiled into the binary.
//!
//! When several instances start together, one migrates; the others wait and then find
//! nothing to do.

use std::fmt;
#[cfg(feature = "postgres")]
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

#[cfg(feature = "postgres")]
use super::connection::Sessions;
use super::connection::{DbConnection, Generation, Manager};
use crate::settings::{Database, DatabaseUrl};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The key of the advisory lock: "todoward" in ASCII.
#[cfg(feature = "postgres")]
const LOCK: i64 = 0x746f_646f_7761_7264;

/// How long one attempt of a migration waits for the lock on the table: 40 ms. Together
/// with the time that it then holds it that is what others wait at most.
#[cfg(feature = "postgres")]
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = 40";
/// How long all attempts of a migration together wait for that lock.
#[cfg(feature = "postgres")]
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// The pause between two attempts.
#[cfg(feature = "postgres")]
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// Distributes by owner, beside the tasks, what a migration has made: on Citus a table that
/// is on the coordinator alone cannot be written in a transaction with one that is not.
#[cfg(feature = "postgres")]
const DISTRIBUTE: &str = "
    DO $$ DECLARE made regclass; BEGIN
        FOR made IN
            SELECT tables.oid FROM pg_class tables
            JOIN pg_attribute columns ON columns.attrelid = tables.oid
            WHERE tables.relkind = 'r' AND columns.attname = 'owner_id'
                AND tables.relnamespace =
                    (SELECT relnamespace FROM pg_class WHERE oid = 'tasks'::regclass)
                AND tables.oid NOT IN (SELECT logicalrelid FROM pg_dist_partition)
        LOOP
            PERFORM create_distributed_table(made, 'owner_id', colocate_with => 'tasks');
        END LOOP;
    END $$";

/// Why a migration failed.
#[derive(Debug)]
pub enum MigrateError {
    /// There is no connection; a later attempt may succeed.
    Connection(ConnectionError),
    /// A migration failed, or the database is not suitable.
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

/// Runs the pending migrations and returns their names.
///
/// # Errors
///
/// There is no connection, or a migration failed and was rolled back.
pub fn migrate(database: &Database) -> Result<Vec<String>, MigrateError> {
    // Every statement runs once, so none needs to be prepared, and this works with
    // any pooler.
    let database = Database {
        prepared_statements: false,
        ..database.clone()
    };
    let mut connection = Manager::new(&database, Generation::default())
        .open()
        .map_err(MigrateError::Connection)?;
    migrate_on(&mut connection)
}

/// Builds the indexes that cannot be built in a migration and returns their names.
/// May take minutes, and blocks nobody.
///
/// # Errors
///
/// There is no connection, or the database refuses. Only speed depends on them.
pub fn make_indexes(database: &Database) -> Result<Vec<String>, MigrateError> {
    match &database.url {
        DatabaseUrl::SqliteMemory | DatabaseUrl::SqliteFile(_) => Ok(Vec::new()),
        DatabaseUrl::Postgres(_) => {
            let generation = Generation::default();
            let opened = Manager::new(database, generation.clone()).open();
            match opened.map_err(MigrateError::Connection)? {
                DbConnection::Sqlite(_) => Ok(Vec::new()),
                #[cfg(feature = "postgres")]
                DbConnection::Postgres(mut postgres) => {
                    // Of a session that is shared another client would have no limit, either.
                    if generation.sessions() == Some(Sessions::Own) {
                        postgres.batch_execute("SET statement_timeout = 0")?;
                    }
                    Ok(super::indexes::make(&mut postgres)?)
                }
            }
        }
    }
}

/// Runs the pending migrations on a connection.
pub(super) fn migrate_on(connection: &mut DbConnection) -> Result<Vec<String>, MigrateError> {
    match connection {
        // A second process waits for the lock of this transaction.
        DbConnection::Sqlite(sqlite) => sqlite.immediate_transaction(|sqlite| {
            // SQLite opens a file without write permission as read-only and
            // reports that only on the first write: this one.
            sqlite.batch_execute("PRAGMA user_version = 0")?;
            Ok::<_, diesel::result::Error>(run(sqlite))
        })?,
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => {
            refuse_unfit(postgres)?;
            let mut done = Vec::new();
            let mut begun = Instant::now();
            loop {
                match run_next_on_postgres(postgres) {
                    Err(Stopped::Busy(_)) if begun.elapsed() < BUSY_TIMEOUT => {
                        std::thread::sleep(BETWEEN_TRIES);
                    }
                    Err(Stopped::Busy(error)) => return Err(error.into()),
                    Err(Stopped::Failed(error)) => return Err(error),
                    Ok(Some(name)) => {
                        done.push(name);
                        begun = Instant::now();
                    }
                    Ok(None) => return Ok(done),
                }
            }
        }
    }
}

#[cfg(feature = "postgres")]
enum Stopped {
    /// Another transaction held the table for longer than a migration may wait.
    Busy(diesel::result::Error),
    Failed(MigrateError),
}

#[cfg(feature = "postgres")]
impl From<diesel::result::Error> for Stopped {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the next pending migration in a transaction of its own, so that others wait for
/// one at a time.
#[cfg(feature = "postgres")]
fn run_next_on_postgres(postgres: &mut diesel::PgConnection) -> Result<Option<String>, Stopped> {
    let failed = |error| Stopped::Failed(MigrateError::Failed(error));
    // Lock and settings end with the transaction, because a pooler may then give the
    // session to another client. A migration may take longer than a request, and
    // waits for one of another instance.
    postgres.transaction(|postgres| {
        postgres.batch_execute("SET LOCAL statement_timeout = 0")?;
        postgres.batch_execute("SET LOCAL idle_in_transaction_session_timeout = 0")?;
        postgres.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))?;
        if !postgres.has_pending_migration(POSTGRES).map_err(failed)? {
            return Ok(None);
        }
        // All later statements on the table queue behind a waiting lock request. So
        // each attempt waits briefly, and is repeated.
        postgres.batch_execute(LOCK_TIMEOUT)?;
        let lock = "DO $$ BEGIN IF to_regclass('tasks') IS NOT NULL THEN \
                    LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE; END IF; END $$";
        postgres.batch_execute(lock).map_err(Stopped::Busy)?;
        let is_distributed = is_distributed(postgres)?;
        if is_distributed {
            // What comes after a change of a distributed table would fail otherwise.
            postgres.batch_execute("SET LOCAL citus.multi_shard_modify_mode = 'sequential'")?;
        }
        let done = postgres.run_next_migration(POSTGRES).map_err(failed)?;
        let done = done.to_string();
        if is_distributed {
            postgres.batch_execute(DISTRIBUTE)?;
        }
        Ok(Some(done))
    })
}

#[cfg(feature = "postgres")]
#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    found: bool,
}

/// Whether the tasks are on several servers.
#[cfg(feature = "postgres")]
fn is_distributed(postgres: &mut diesel::PgConnection) -> QueryResult<bool> {
    let has_citus = "SELECT to_regclass('tasks') IS NOT NULL \
                     AND to_regclass('pg_dist_partition') IS NOT NULL AS found";
    let is_listed = "SELECT EXISTS (SELECT 1 FROM pg_dist_partition \
                     WHERE logicalrelid = 'tasks'::regclass) AS found";
    for question in [has_citus, is_listed] {
        let answer: Found = diesel::sql_query(question).get_result(postgres)?;
        if !answer.found {
            return Ok(false);
        }
    }
    Ok(true)
}

fn run(sqlite: &mut SqliteConnection) -> Result<Vec<String>, MigrateError> {
    let done = sqlite
        .run_pending_migrations(SQLITE)
        .map_err(MigrateError::Failed)?;
    Ok(done.iter().map(ToString::to_string).collect())
}

#[cfg(feature = "postgres")]
#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

/// Refuses a database whose encoding is not UTF-8: it could not store every title.
#[cfg(feature = "postgres")]
fn refuse_unfit(connection: &mut diesel::PgConnection) -> Result<(), MigrateError> {
    let encoding: Setting = diesel::sql_query("SELECT current_setting('server_encoding') AS value")
        .get_result(connection)?;
    if encoding.value == "UTF8" {
        return Ok(());
    }
    let fix = "the database must be made with ENCODING 'UTF8'";
    Err(MigrateError::Failed(fix.into()))
}
