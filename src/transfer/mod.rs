//! Copies the tables of a SQLite file into another database, for instance when
//! moving to PostgreSQL: `todoward migrate --from`.
//!
//! These statements do not filter by owner: they copy the rows of all owners, each with
//! its owner, and no request can run them. There is one transaction on each side: the
//! source is a consistent snapshot, and the target gets everything or nothing.

mod keys;

use std::fmt;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use self::keys::{KeyRow, PutKeys};
use crate::db::connection::{DbConnection, Generation, Manager};
use crate::db::copying::{BATCH, Rows};
use crate::db::older::fill_in_columns;
use crate::db::schema::{idempotency_keys, tasks};
use crate::resources::tables;
use crate::settings::{Database, DatabaseUrl};

/// The result of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The tables, by name.
    pub tables: Vec<(&'static str, Rows)>,
    /// The number of idempotency keys in the source.
    pub keys: usize,
}

/// Why nothing was copied, as one line.
#[derive(Debug)]
pub struct CopyError(String);

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CopyError {}

impl From<diesel::result::Error> for CopyError {
    fn from(error: diesel::result::Error) -> Self {
        Self(format!("nothing was copied: {error}"))
    }
}

/// Copies the tables of all resources and the idempotency keys of a SQLite file. It may be repeated:
/// existing rows are not written again, and rows that were changed in the target are
/// kept. But rows that were deleted in the target come back: repeat it only until the
/// target is in use.
///
/// # Errors
///
/// The source is not a database of Todoward, or one of the databases cannot be used.
pub fn copy(source: &Path, target: &Database) -> Result<Copied, CopyError> {
    if let DatabaseUrl::SqliteFile(path) = &target.url {
        let same = std::fs::canonicalize(path).ok() == std::fs::canonicalize(source).ok();
        if same {
            return Err(CopyError(
                "the source and DATABASE_URL are the same file".to_owned(),
            ));
        }
    }
    // Opening would create the file.
    if !source.is_file() {
        return Err(CopyError(format!("there is no file {}", source.display())));
    }
    let cannot = |what: &dyn fmt::Debug, why: ConnectionError| {
        CopyError(format!("cannot open {what:?}: {why}"))
    };
    let mut from = open_source(source).map_err(|error| cannot(&source, error))?;
    let opened = Manager::new(target, Generation::default()).open();
    let mut to = opened.map_err(|error| cannot(&target.url, error))?;
    from.transaction(|from| {
        tasks::table
            .count()
            .get_result::<i64>(from)
            .map_err(|error| {
                let name = source.display();
                CopyError(format!("{name} holds no tasks of this version: {error}"))
            })?;
        to.transaction(|to| {
            without_time_limits(to)?;
            let tables = tables().map(|table| Ok((table.name, (table.copy)(from, to)?)));
            Ok(Copied {
                tables: tables.collect::<QueryResult<_>>()?,
                keys: copy_keys(from, to)?,
            })
        })
    })
}

/// Opens the source read-only, so that a backup is not modified.
fn open_source(path: &Path) -> ConnectionResult<DbConnection> {
    // The characters with a meaning in a SQLite URI.
    const MEANS_SOMETHING: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');
    let text = path.to_string_lossy();
    let text = utf8_percent_encode(&text, MEANS_SOMETHING);
    // Without a WAL no process has it open, so `immutable` is safe. Then SQLite
    // creates no files beside it, which would fail in a read-only directory.
    let is_still = !wal_of(path).exists();
    let still = if is_still { "&immutable=1" } else { "" };
    let mut connection = SqliteConnection::establish(&format!("file:{text}?mode=ro{still}"))?;
    // What is temporary needs no directory that can be written to.
    connection
        .batch_execute("PRAGMA busy_timeout = 2000; PRAGMA temp_store = MEMORY")
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(DbConnection::Sqlite(connection))
}

fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Disables the time limits: a batch may take longer than a request.
fn without_time_limits(to: &mut DbConnection) -> QueryResult<()> {
    match to {
        DbConnection::Sqlite(_) => Ok(()),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => postgres.batch_execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
        ),
    }
}

fn copy_keys(from: &mut DbConnection, to: &mut DbConnection) -> QueryResult<usize> {
    fill_in_columns(from, "idempotency_keys", &KeyRow::COLUMNS)?;
    let mut copied = 0;
    let mut last: Option<(String, String)> = None;
    loop {
        let mut page = idempotency_keys::table
            .select(KeyRow::as_select())
            .order((idempotency_keys::owner_id, idempotency_keys::key))
            .limit(BATCH as i64)
            .into_boxed();
        if let Some((owner, key)) = &last {
            let later = idempotency_keys::owner_id
                .eq(owner)
                .and(idempotency_keys::key.gt(key));
            page = page.filter(idempotency_keys::owner_id.gt(owner).or(later));
        }
        let rows: Vec<KeyRow> = page.load(from)?;
        let Some(end) = rows.last() else {
            return Ok(copied);
        };
        last = Some((end.owner_id.clone(), end.key.clone()));
        copied += rows.len();
        PutKeys(&rows).execute(to)?;
    }
}
