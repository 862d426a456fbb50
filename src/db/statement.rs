//! Statements: the only way of a resource to the database.

#[cfg(feature = "postgres")]
use diesel::connection::SimpleConnection as _;
use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use diesel::prelude::*;
use diesel::query_builder::AstPass;

use super::connection::{DbConnection, MultiBackend};
use super::new_rows::NewRow;
#[cfg(feature = "postgres")]
use super::pipelines::{self, Session};
use super::rejection::Rejection;
use crate::auth::OwnerId;

/// A statement being built, for connections of the pool.
pub type Pass<'a, 'b> = AstPass<'a, 'b, MultiBackend>;

/// Whether a statement may be sent again on another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A read: it may always be sent again.
    Read,
    /// A write: only if it is known to have had no effect.
    Write,
}

/// A statement for one owner, run by [`Db::run`](super::bridge::Db::run).
///
/// It runs on a connection of the pool, or over a pipeline if it allows that. The
/// caller does not choose.
pub trait Statement: Sized + Send + 'static {
    /// The result.
    type Output: Send + 'static;

    /// Whether it reads or writes.
    const ACCESS: Access;

    /// Runs it on a connection of the pool, as one transaction or one SQL statement.
    ///
    /// # Errors
    ///
    /// The database failed, or the statement rejected the request.
    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Self::Output, Failure>;

    /// If all that it does is to insert a row, which nothing can refuse: that row, and the
    /// output. Several such statements of an open transaction are one.
    fn as_insert(&self, _owner: &OwnerId) -> Option<(NewRow, Self::Output)> {
        None
    }

    /// The max number of statements in flight on a pipeline that accepts this one; none
    /// if it must not go over a pipeline.
    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        None
    }

    /// Runs it over a pipeline. `None` means that nothing was found: the statement is run
    /// again on a connection of the pool, which determines why.
    #[cfg(feature = "postgres")]
    fn run_pipelined(
        &self,
        _session: &Session,
        _owner: &OwnerId,
    ) -> impl Future<Output = Result<Option<Self::Output>, pipelines::Failure>> {
        std::future::ready(Ok(None))
    }

    /// Maps the output, on the thread that has read it: usually one of the worker pool.
    fn then<T, F>(self, then: F) -> Then<Self, F>
    where
        F: Fn(Self::Output, &OwnerId) -> T + Send + 'static,
    {
        Then {
            statement: self,
            then,
        }
    }
}

/// A statement with a mapped output; see [`Statement::then`].
pub struct Then<S, F> {
    statement: S,
    then: F,
}

impl<S, F, T> Statement for Then<S, F>
where
    S: Statement,
    F: Fn(S::Output, &OwnerId) -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = T;
    const ACCESS: Access = S::ACCESS;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<T, Failure> {
        let output = self.statement.run(conn, owner)?;
        Ok((self.then)(output, owner))
    }

    #[cfg(feature = "postgres")]
    fn pipeline_limit(&self) -> Option<usize> {
        self.statement.pipeline_limit()
    }

    #[cfg(feature = "postgres")]
    async fn run_pipelined(
        &self,
        session: &Session,
        owner: &OwnerId,
    ) -> Result<Option<T>, pipelines::Failure> {
        let output = self.statement.run_pipelined(session, owner).await?;
        Ok(output.map(|output| (self.then)(output, owner)))
    }
}

/// Why a statement has no result.
#[derive(Debug)]
pub enum Failure {
    /// The database failed.
    Database(diesel::result::Error),
    /// The database works, and the request was rejected.
    Rejected(Rejection),
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// Implements `QueryFragment` for connections of the pool and, on PostgreSQL, for
/// pipelines.
macro_rules! statement_text {
    ([$($generics:tt)*] $statement:ty, |$this:ident, $out:ident| $walk:block) => {
        statement_text!(
            [$($generics)*] $statement, crate::db::connection::MultiBackend, |$this, $out| $walk
        );
        #[cfg(feature = "postgres")]
        statement_text!([$($generics)*] $statement, diesel::pg::Pg, |$this, $out| $walk);
    };
    ([$($generics:tt)*] $statement:ty, $backend:ty, |$this:ident, $out:ident| $walk:block) => {
        impl<$($generics)*> diesel::query_builder::QueryFragment<$backend> for $statement {
            fn walk_ast<'b>(
                &'b self,
                mut $out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> {
                let $this = self;
                $walk
            }
        }
    };
}

/// Implements `QueryId` and `RunQueryDsl` for a statement whose text varies: the
/// statement cache of a connection identifies it by its text.
macro_rules! dynamic_query {
    ($([$($generics:tt)*] $statement:ty),* $(,)?) => {$(
        impl<$($generics)*> diesel::query_builder::QueryId for $statement {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
        impl<$($generics)*> diesel::RunQueryDsl<crate::db::connection::DbConnection>
            for $statement {}
    )*};
}
pub(crate) use {dynamic_query, statement_text};

/// How a transaction ends, and its result.
pub enum Transaction<T> {
    /// What it has written is kept.
    Commit(T),
    /// It has written nothing that is to be kept.
    Rollback(T),
}

/// Lets the statements of a transaction take as long as they do, for a command.
pub fn without_time_limit(conn: &mut DbConnection) -> QueryResult<()> {
    match conn {
        DbConnection::Sqlite(_) => Ok(()),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => {
            postgres.batch_execute("SET LOCAL statement_timeout = 0")
        }
    }
}

/// A transaction that begins as a write. SQLite would otherwise begin it as a
/// read, and fail to change that while another one writes.
pub fn in_transaction<T, E: From<diesel::result::Error>>(
    conn: &mut DbConnection,
    run: impl FnOnce(&mut DbConnection) -> Result<T, E>,
) -> Result<T, E> {
    in_transaction_or_not(conn, |conn| run(conn).map(Transaction::Commit))
}

/// A transaction like [`in_transaction`] that can also be rolled back without an error.
pub fn in_transaction_or_not<T, E: From<diesel::result::Error>>(
    conn: &mut DbConnection,
    run: impl FnOnce(&mut DbConnection) -> Result<Transaction<T>, E>,
) -> Result<T, E> {
    match conn {
        DbConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?;
        }
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => AnsiTransactionManager::begin_transaction(postgres)?,
    }
    let result = run(conn);
    match conn {
        DbConnection::Sqlite(sqlite) => end_transaction(sqlite, result),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => end_transaction(postgres, result),
    }
}

fn end_transaction<C, T, E>(conn: &mut C, result: Result<Transaction<T>, E>) -> Result<T, E>
where
    C: Connection<TransactionManager = AnsiTransactionManager>,
    E: From<diesel::result::Error>,
{
    match result {
        Ok(Transaction::Commit(value)) => {
            AnsiTransactionManager::commit_transaction(conn)?;
            Ok(value)
        }
        Ok(Transaction::Rollback(value)) => {
            AnsiTransactionManager::rollback_transaction(conn)?;
            Ok(value)
        }
        Err(error) => {
            // The first error is the one to report. If the rollback fails too, the
            // connection is found to be broken afterwards.
            let _ = AnsiTransactionManager::rollback_transaction(conn);
            Err(error)
        }
    }
}
