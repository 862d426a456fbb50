//! Changes: each transaction that writes rows of an owner is one, and has a number that
//! those rows keep.
//!
//! Invariant: an owner's changes have their numbers in the order in which they are
//! committed. The number is that of the owner's row, which stays locked until the
//! commit. So whoever has read up to a number has missed nothing below it.

use std::cell::Cell;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as Instant};

use super::column::StatementText;
use super::connection::{DbConnection, MultiBackend};
use super::epoch;
use super::error::{Effect, RunError};
use super::id::{DbId, Id};
use super::schema::gone;
use super::statement::{Failure, Pass, Transaction, dynamic_query, in_transaction_or_not};
use crate::auth::OwnerId;
use crate::primitives::timestamp::Timestamp;

/// The max number of ids in one statement.
const CHUNK: usize = 500;

/// A change of one owner's rows, under way. Only a change can write them, so none can be
/// written without a number.
///
/// While it exists, whoever else changes rows of the same owner waits. So a list, a
/// parent or a chain of parents that was checked is still as it was when the row that
/// depends on it is written.
pub struct Change<'a> {
    owner: &'a str,
    number: i64,
    now: Timestamp,
    is_made: Cell<bool>,
}

impl Change<'_> {
    /// The number, for a row that is written now.
    pub fn number(&self) -> i64 {
        self.is_made.set(true);
        self.number
    }

    /// The number, for a statement that may find no row to write; call [`Self::number`] if
    /// it has found one.
    pub fn tentative_number(&self) -> i64 {
        self.number
    }

    /// The time of the change.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether a row of the owner's with this id has ended, and is remembered.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn has_ended(&self, conn: &mut DbConnection, table: &str, id: DbId) -> QueryResult<bool> {
        let ended = gone::table.find((self.owner, table, id));
        diesel::select(diesel::dsl::exists(ended)).get_result(conn)
    }

    /// Notes that rows of a table have ended.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn end(
        &self,
        conn: &mut DbConnection,
        table: &'static str,
        ids: &[DbId],
    ) -> QueryResult<()> {
        for ids in ids.chunks(CHUNK) {
            let end = NoteEnd {
                owner: self.owner,
                table,
                ids,
                number: self.number(),
                now: self.now.column(),
            };
            end.execute(conn)?;
        }
        Ok(())
    }
}

/// Runs a change of the owner's rows as one transaction, which is rolled back if it has
/// written none. Inside of [`as_one_change`] it is a part of that one.
///
/// # Errors
///
/// The database failed, or `run` did.
pub fn change_rows<T>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    run: impl FnOnce(&mut DbConnection, &Change<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Some(under_way) = UNDER_WAY.get() {
        let change = under_way.part(owner);
        let result = run(conn, &change)?;
        under_way.note(&change);
        return Ok(result);
    }
    in_transaction_or_not(conn, |conn| {
        let change = begin(conn, owner.as_str())?;
        let result = run(conn, &change)?;
        Ok(match change.is_made.get() {
            true => Transaction::Commit(result),
            false => Transaction::Rollback(result),
        })
    })
}

thread_local! {
    /// The change that this thread has begun for several statements: each of them is a
    /// part of it. A thread has one connection at a time.
    static UNDER_WAY: Cell<Option<UnderWay>> = const { Cell::new(None) };
}

/// A change of several statements.
#[derive(Clone, Copy)]
struct UnderWay {
    number: i64,
    now: Timestamp,
    is_made: bool,
}

impl UnderWay {
    fn part(self, owner: &OwnerId) -> Change<'_> {
        Change {
            owner: owner.as_str(),
            number: self.number,
            now: self.now,
            is_made: Cell::new(false),
        }
    }

    /// Notes whether a part of it has written something.
    fn note(mut self, part: &Change<'_>) {
        self.is_made |= part.is_made.get();
        UNDER_WAY.set(Some(self));
    }
}

/// Ends what is under way when dropped, after a panic, too.
struct EndOfChange;

impl Drop for EndOfChange {
    fn drop(&mut self) {
        UNDER_WAY.set(None);
    }
}

/// Runs several statements of one owner as one change, in one transaction, which is rolled
/// back if they have written nothing. The first of them finds the owner's row locked, and
/// none of them takes a number.
///
/// # Errors
///
/// The database failed, or `run` did.
pub fn as_one_change<T>(
    conn: &mut DbConnection,
    owner: &OwnerId,
    run: impl FnOnce(&mut DbConnection) -> QueryResult<Transaction<T>>,
) -> Result<T, RunError> {
    let mut commits = false;
    let result = in_transaction_or_not(conn, |conn| {
        let change = begin(conn, owner.as_str())?;
        let _end = EndOfChange;
        UNDER_WAY.set(Some(UnderWay {
            number: change.number,
            now: change.now,
            is_made: false,
        }));
        let end = run(conn)?;
        let is_made = UNDER_WAY.get().is_some_and(|change| change.is_made);
        let end = match end {
            Transaction::Commit(result) if !is_made => Transaction::Rollback(result),
            end => end,
        };
        commits = matches!(end, Transaction::Commit(_));
        Ok(end)
    });
    result.map_err(|error| RunError {
        error,
        effect: match commits {
            false => Effect::None,
            // Ids are drawn anew when it is repeated, so what was written after all would
            // stand twice: a server that distributes tables can report 08007.
            true if conn.is_postgres() => Effect::Unknown,
            true => Effect::ByError,
        },
    })
}

/// Locks the owner's row and takes the next number, in a transaction. A background job
/// has found the owner in a row, and not in a token.
pub(super) fn begin<'a>(conn: &mut DbConnection, owner: &'a str) -> QueryResult<Change<'a>> {
    let epoch = epoch::current();
    // Stepped to its end: SQLite finishes a statement only then.
    let numbered: Vec<(i64, Option<i64>)> = NextNumber { owner, epoch }.load(conn)?;
    let numbered = numbered.into_iter().next();
    let now = Timestamp::now();
    let (number, earlier_epoch) = numbered.ok_or(diesel::result::Error::NotFound)?;
    if earlier_epoch != Some(epoch) {
        NoteEpoch {
            owner,
            epoch,
            after_change: number - 1,
            now: now.column(),
        }
        .execute(conn)?;
    }
    Ok(Change {
        owner,
        number,
        now,
        is_made: Cell::new(false),
    })
}

/// The number with which a statement writes a row.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// That of the change that the statement belongs to.
    Of(i64),
    /// The next one, which the statement takes itself: it is a change of its own.
    /// PostgreSQL only. Saves the round trips of a transaction.
    Next {
        /// The epoch of this process.
        epoch: i64,
        /// Now.
        now: NaiveDateTime,
    },
}

impl Number {
    /// The number for a statement that is a change of its own, or a part of the one under
    /// way; none if it needs a transaction.
    pub fn alone(conn: &DbConnection) -> Option<Self> {
        match UNDER_WAY.get() {
            Some(under_way) => {
                UNDER_WAY.set(Some(UnderWay {
                    is_made: true,
                    ..under_way
                }));
                Some(Self::Of(under_way.number))
            }
            None => conn.is_postgres().then(Self::next),
        }
    }

    /// The next number.
    pub fn next() -> Self {
        Self::Next {
            epoch: epoch::current(),
            now: Timestamp::now().column(),
        }
    }

    /// Begins a statement: appends the part that takes the number, if that is left to do.
    /// `condition` appends `FROM … WHERE …` that yields one row if there is something to
    /// change, and none if not: then no number is used up.
    pub fn push_with<'b, O: StatementText<'b>>(
        &'b self,
        owner: &'b str,
        out: &mut O,
        condition: impl FnOnce(&mut O) -> QueryResult<()>,
    ) -> QueryResult<()> {
        let Self::Next { epoch, now } = self else {
            return Ok(());
        };
        // The owner's row is locked before the row that is changed: in one order
        // everywhere, or two changes could wait for each other.
        out.sql("WITH numbered AS (INSERT INTO owners AS o (owner_id, last_change, epoch) SELECT ");
        out.bind_text(owner)?;
        out.sql(", 1, ");
        out.bind(epoch)?;
        condition(out)?;
        out.sql(
            " ON CONFLICT (owner_id) DO UPDATE SET last_change = o.last_change + 1, \
             earlier_epoch = o.epoch, epoch = excluded.epoch \
             RETURNING o.owner_id AS whose, last_change, epoch AS own_epoch, earlier_epoch), \
             noted AS (INSERT INTO epochs (owner_id, epoch, after_change, noted_at) \
             SELECT whose, own_epoch, last_change - 1, ",
        );
        out.bind(now)?;
        out.sql(
            " FROM numbered WHERE earlier_epoch IS DISTINCT FROM own_epoch \
             ON CONFLICT DO NOTHING) ",
        );
        Ok(())
    }

    /// Appends the number.
    pub fn push<'b>(&'b self, out: &mut impl StatementText<'b>) -> QueryResult<()> {
        match self {
            Self::Of(number) => out.bind(number),
            Self::Next { .. } => {
                out.sql("last_change");
                Ok(())
            }
        }
    }

    /// Appends where [`Number::push`] takes it from.
    pub fn push_from<'b>(&self, out: &mut impl StatementText<'b>) {
        if let Self::Next { .. } = self {
            out.sql(" FROM numbered");
        }
    }
}

/// INSERT or UPDATE: locks the owner's row, and yields its number and its epoch before.
struct NextNumber<'a> {
    owner: &'a str,
    epoch: i64,
}

/// INSERT: the first change of an epoch, unless it was noted before.
struct NoteEpoch<'a> {
    owner: &'a str,
    epoch: i64,
    after_change: i64,
    now: NaiveDateTime,
}

/// INSERT: what has ended. An id that came back, and ended again, has the later number.
struct NoteEnd<'a> {
    owner: &'a str,
    table: &'static str,
    ids: &'a [DbId],
    number: i64,
    now: NaiveDateTime,
}

impl Query for NextNumber<'_> {
    type SqlType = (BigInt, Nullable<BigInt>);
}

dynamic_query!([] NextNumber<'_>, [] NoteEpoch<'_>, [] NoteEnd<'_>);

impl QueryFragment<MultiBackend> for NextNumber<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("INSERT INTO owners (owner_id, last_change, epoch) VALUES (");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(", 1, ");
        out.push_bind_param::<BigInt, _>(&self.epoch)?;
        out.push_sql(
            ") ON CONFLICT (owner_id) DO UPDATE SET last_change = owners.last_change + 1, \
             earlier_epoch = owners.epoch, epoch = excluded.epoch \
             RETURNING last_change, earlier_epoch",
        );
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for NoteEpoch<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_sql("INSERT INTO epochs (owner_id, epoch, after_change, noted_at) VALUES (");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.epoch)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.after_change)?;
        out.push_sql(", ");
        out.push_bind_param::<Instant, _>(&self.now)?;
        out.push_sql(") ON CONFLICT (owner_id, epoch) DO NOTHING");
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for NoteEnd<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        if self.ids.len() > 1 {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("INSERT INTO gone (owner_id, kind, id, change, gone_at) VALUES ");
        for (at, id) in self.ids.iter().enumerate() {
            out.push_sql(if at == 0 { "(" } else { ", (" });
            out.push_bind_param::<Text, _>(self.owner)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, _>(self.table)?;
            out.push_sql(", ");
            out.push_bind_param::<Id, _>(id)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&self.number)?;
            out.push_sql(", ");
            out.push_bind_param::<Instant, _>(&self.now)?;
            out.push_sql(")");
        }
        out.push_sql(
            " ON CONFLICT (owner_id, kind, id) DO UPDATE \
             SET change = excluded.change, gone_at = excluded.gone_at",
        );
        Ok(())
    }
}
