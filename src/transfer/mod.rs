//! Moving a SQLite file's tasks into another database, which may be this one's
//! next home: `todoward migrate --from`.
//!
//! The only statements without an owner: they copy rows of every owner, each
//! with its owner, and no request can reach them. One transaction on both sides:
//! the source is seen as it was at one moment, and the target has all or nothing.

mod keys;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use self::keys::{KeyRow, PutKeys};
use crate::db::connection::{DbConnection, Generation, Manager};
use crate::db::id::DbId;
use crate::db::schema::{idempotency_keys, tasks};
use crate::db::table::{PutStored, SelectStored, Stored, Table};
use crate::settings::{Database, DatabaseUrl};
use crate::tasks::model::TaskRow;

/// Rows to a statement: SQLite takes 32,766 values, and a row may have 60.
const BATCH: usize = 500;

/// What a copy has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Tasks that the source has.
    pub tasks: usize,
    /// Those of them that were new to the target, or older there.
    pub written: usize,
    /// Those that the target has in another state that is not older: they were
    /// changed there since an earlier copy, and were left alone.
    pub kept: usize,
    /// Idempotency keys that the source has.
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

/// Copies every task and every idempotency key of a SQLite file. May be repeated:
/// what is there already is not written again, and what has changed in the
/// target since is left alone. What was deleted in the target since comes back:
/// repeat it only until the target is used.
///
/// # Errors
///
/// The source is no database of Todoward's, or one of the two cannot be used.
pub fn copy(source: &Path, target: &Database) -> Result<Copied, CopyError> {
    if let DatabaseUrl::SqliteFile(path) = &target.url {
        let same = std::fs::canonicalize(path).ok() == std::fs::canonicalize(source).ok();
        if same {
            return Err(CopyError(
                "the source and DATABASE_URL are the same file".to_owned(),
            ));
        }
    }
    // Opening would make the file.
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
            let mut copied = Copied::default();
            copy_table::<TaskRow>(from, to, &mut copied)?;
            copy_keys(from, to, &mut copied)?;
            Ok(copied)
        })
    })
}

/// For reading only: a backup stays as it is, wherever it lies.
fn open_source(path: &Path) -> ConnectionResult<DbConnection> {
    // What a URI of SQLite would take for something else.
    const MEANS_SOMETHING: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');
    let text = path.to_string_lossy();
    let text = utf8_percent_encode(&text, MEANS_SOMETHING);
    // Without a log of writes nobody has it open: nothing need be put beside it,
    // not even where nothing can be.
    let is_still = !wal_of(path).exists();
    let still = if is_still { "&immutable=1" } else { "" };
    let mut connection = SqliteConnection::establish(&format!("file:{text}?mode=ro{still}"))?;
    connection
        .batch_execute("PRAGMA busy_timeout = 2000")
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(DbConnection::Sqlite(connection))
}

fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// A batch may take longer to arrive than a request may take.
fn without_time_limits(to: &mut DbConnection) -> QueryResult<()> {
    match to {
        DbConnection::Sqlite(_) => Ok(()),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => postgres.batch_execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
        ),
    }
}

fn copy_table<T: Table>(
    from: &mut DbConnection,
    to: &mut DbConnection,
    copied: &mut Copied,
) -> QueryResult<()> {
    let mut last: Option<(String, DbId)> = None;
    loop {
        let behind = last.as_ref().map(|(owner, id)| (owner.as_str(), *id));
        let rows = T::load_stored(from, SelectStored::behind(behind, BATCH as i64))?;
        let Some(end) = rows.last() else {
            return Ok(());
        };
        last = Some((end.owner_id.clone(), end.row.id()));
        copied.tasks += rows.len();
        copied.written += PutStored::new(&rows).execute(to)?;
        copied.kept += differing(to, &rows)?;
    }
}

/// How many of these rows are not in the target as they are here.
fn differing<T: Table>(to: &mut DbConnection, rows: &[Stored<T>]) -> QueryResult<usize> {
    fn key<T: Table>(row: &Stored<T>) -> (&str, DbId) {
        (row.owner_id.as_str(), row.row.id())
    }
    let ids: Vec<DbId> = rows.iter().map(|row| row.row.id()).collect();
    let there = T::load_stored(to, SelectStored::with_ids(&ids))?;
    let there: HashMap<_, _> = there.iter().map(|row| (key(row), row)).collect();
    if rows.iter().any(|row| !there.contains_key(&key(row))) {
        // Written a moment ago in this transaction: a trigger, or a rule, of
        // somebody else's has taken it away. Nothing is kept then.
        return Err(diesel::result::Error::RollbackTransaction);
    }
    let differs = |row: &&Stored<T>| there.get(&key(row)).is_none_or(|there| *there != *row);
    Ok(rows.iter().filter(differs).count())
}

fn copy_keys(
    from: &mut DbConnection,
    to: &mut DbConnection,
    copied: &mut Copied,
) -> QueryResult<()> {
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
            return Ok(());
        };
        last = Some((end.owner_id.clone(), end.key.clone()));
        copied.keys += rows.len();
        PutKeys(&rows).execute(to)?;
    }
}
