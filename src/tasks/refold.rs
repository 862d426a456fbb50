//! Folds the texts that the previous release has written. It does not know the
//! folded columns and leaves them unchanged while it increments the task's version.
//!
//! A pass walks along the primary key in steps. A step reads some rows, folds their
//! texts, and writes them in one short transaction, each only if the task still has
//! the version that was read: every change of a text increments the version,
//! whichever release makes it. So nothing is overwritten, a pass can stop anywhere,
//! and two passes at the same time do no harm.
//!
//! The rows themselves say what is left to do (`folded_version`), not a separate
//! progress record: after a rollback the previous release may write again.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Nullable, Text};

use super::folding::{FoldedTexts, Texts};
use crate::db::connection::{DbConnection, Generation, Manager, MultiBackend};
use crate::db::id::{DbId, Id};
use crate::db::migrate::MigrateError;
use crate::db::replica_lock::is_alone;
use crate::db::statement::{Pass, dynamic_query, in_transaction};
use crate::settings::Database;

/// The number of rows that a step reads, and the max that it writes: it takes some
/// milliseconds.
const ROWS: usize = 100;

/// The key of the advisory lock that admits one replica at a time: "refolded" in
/// ASCII.
const LOCK: i64 = 0x7265_666f_6c64_6564;

/// The last task of a step.
#[derive(Debug, Clone)]
pub struct Place {
    owner_id: String,
    id: DbId,
}

/// The result of a step.
#[derive(Debug)]
pub struct Step {
    /// Tasks whose texts were folded.
    pub folded: usize,
    /// Where the next step begins; none at the end of the table.
    pub next: Option<Place>,
}

/// A row as a step reads it; the texts are null if they are folded already.
#[derive(Queryable)]
struct Row {
    owner_id: String,
    id: DbId,
    version: i64,
    title: Option<String>,
    title_lower: Option<String>,
    description: Option<String>,
    description_lower: Option<String>,
    tags: Option<String>,
}

/// SELECT: the next rows, of all owners.
struct Rows<'a> {
    after: Option<&'a Place>,
}

impl Query for Rows<'_> {
    type SqlType = (
        Text,
        Id,
        BigInt,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
    );
}

impl QueryFragment<MultiBackend> for Rows<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("SELECT owner_id, id, version");
        for column in [
            "title",
            "title_lower",
            "description",
            "description_lower",
            "tags",
        ] {
            out.push_sql(", CASE WHEN folded_version = version THEN NULL ELSE ");
            out.push_sql(column);
            out.push_sql(" END");
        }
        out.push_sql(" FROM tasks");
        if let Some(Place { owner_id, id }) = self.after {
            out.push_sql(" WHERE (owner_id, id) > (");
            out.push_bind_param::<Text, _>(owner_id.as_str())?;
            out.push_sql(", ");
            out.push_bind_param::<Id, _>(id)?;
            out.push_sql(")");
        }
        out.push_sql(" ORDER BY owner_id, id LIMIT ");
        out.push_sql(&ROWS.to_string());
        Ok(())
    }
}

/// UPDATE: the folded texts of one version of a task.
struct PutFolded<'a> {
    row: &'a Row,
    folded: FoldedTexts,
}

impl QueryFragment<MultiBackend> for PutFolded<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("UPDATE tasks SET title_folded = ");
        out.push_bind_param::<Nullable<Text>, _>(&self.folded.title)?;
        out.push_sql(", rest_folded = ");
        out.push_bind_param::<Nullable<Text>, _>(&self.folded.rest)?;
        out.push_sql(", folded_version = version WHERE owner_id = ");
        out.push_bind_param::<Text, _>(&self.row.owner_id)?;
        out.push_sql(" AND id = ");
        out.push_bind_param::<Id, _>(&self.row.id)?;
        out.push_sql(" AND version = ");
        out.push_bind_param::<BigInt, _>(&self.row.version)
    }
}

dynamic_query!([] Rows<'_>, [] PutFolded<'_>);

impl Row {
    /// The update of the row; none if its texts are folded already.
    fn folded(&self) -> Option<PutFolded<'_>> {
        let folded = FoldedTexts::of(&Texts {
            title: self.title.as_deref()?,
            title_lower: self.title_lower.as_deref()?,
            description: self.description.as_deref(),
            description_lower: self.description_lower.as_deref(),
            tags: self.tags.as_deref()?,
        });
        Some(PutFolded { row: self, folded })
    }
}

/// Runs one step; none if another replica holds the lock.
pub fn step(conn: &mut DbConnection, after: Option<&Place>) -> QueryResult<Option<Step>> {
    let rows: Vec<Row> = Rows { after }.load(conn)?;
    let next = rows.get(ROWS - 1).map(|last| Place {
        owner_id: last.owner_id.clone(),
        id: last.id,
    });
    let to_put: Vec<PutFolded<'_>> = rows.iter().filter_map(Row::folded).collect();
    if to_put.is_empty() {
        return Ok(Some(Step { folded: 0, next }));
    }
    in_transaction(conn, |conn| {
        if !is_alone(conn, LOCK)? {
            return Ok(None);
        }
        let mut folded = 0;
        for one in to_put {
            folded += one.execute(conn)?;
        }
        Ok(Some(Step { folded, next }))
    })
}

/// How often in a row `todoward migrate` repeats a failing step before it gives up.
const TRIES: usize = 100;

/// Runs a whole pass, for `todoward migrate`, and returns how many tasks were folded.
/// After each step it sleeps for as long as the step took, so that others can write.
///
/// # Errors
///
/// There is no connection, or a step keeps failing.
pub fn refold(database: &Database) -> Result<usize, MigrateError> {
    let mut connection = Manager::new(database, Generation::default())
        .open()
        .map_err(MigrateError::Connection)?;
    let (mut after, mut folded, mut failed) = (None, 0, 0);
    loop {
        let begun = Instant::now();
        match step(&mut connection, after.as_ref()) {
            Ok(Some(done)) => {
                folded += done.folded;
                failed = 0;
                match done.next {
                    Some(next) => after = Some(next),
                    None => return Ok(folded),
                }
            }
            Ok(None) => {}
            Err(_) if failed < TRIES => failed += 1,
            Err(error) => return Err(error.into()),
        }
        std::thread::sleep(begun.elapsed().max(Duration::from_millis(1)));
    }
}
