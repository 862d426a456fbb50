//! Bringing a database up to date. The migrations are compiled in.
//!
//! Several instances may start together: one migrates, the others wait and find
//! nothing to do.

use std::fmt;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{DbConnection, Generation, Manager};
use crate::settings::Database;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The key of the advisory lock: "todoward" in ASCII.
#[cfg(feature = "postgres")]
const LOCK: i64 = 0x746f_646f_7761_7264;

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
            // Lock and setting end with the transaction: a pooler may give the
            // session to somebody else. A migration may take longer than a
            // request, and waits for a twin.
            postgres.transaction(|postgres| {
                postgres.batch_execute("SET LOCAL statement_timeout = 0")?;
                postgres.batch_execute("SET LOCAL idle_in_transaction_session_timeout = 0")?;
                postgres.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))?;
                run(postgres, POSTGRES)
            })
        }
    }
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
