//! A transaction that is open for statements which are known one by one: each is decided on
//! when the one before it has its result.
//!
//! The function that decides is a future, for instance a handler. It and the transaction
//! share one thread and take turns: the future runs until it wants a statement, the
//! statement runs, the future goes on. So nothing waits for another thread while the
//! database holds locks.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use diesel::QueryResult;
use diesel::result::Error;

use super::connection::DbConnection;
use super::error::DbError;
use super::new_rows::NewRows;
use super::statement::{Failure, Statement};
use crate::auth::OwnerId;

/// A statement that is to be run next. Its result goes to whoever has asked for it.
type Next = Box<dyn FnOnce(&mut DbConnection, &OwnerId, &mut NewRows) -> QueryResult<()>>;

/// A handle on the open transaction.
#[derive(Clone, Default)]
pub struct OpenTransaction(Rc<State>);

#[derive(Default)]
struct State {
    next: Cell<Option<Next>>,
    new: Cell<NewRows>,
}

impl OpenTransaction {
    /// Runs a statement inside the transaction. If the database fails, this never returns:
    /// [`OpenTransaction::complete`] does.
    ///
    /// # Errors
    ///
    /// The statement rejected the request.
    pub async fn run<S: Statement>(&self, statement: S) -> Result<S::Output, DbError> {
        let result = Rc::new(Cell::new(None));
        let reply = Rc::clone(&result);
        self.0.next.set(Some(Box::new(move |conn, owner, new| {
            let output = match statement.as_insert(owner) {
                Some((row, output)) => {
                    new.add(conn, row)?;
                    Ok(output)
                }
                None => {
                    new.insert(conn)?;
                    statement.run(conn, owner)
                }
            };
            reply.set(Some(match output {
                Ok(output) => Ok(output),
                Err(Failure::Rejected(rejection)) => Err(DbError::Rejected(rejection)),
                Err(Failure::Database(error)) => return Err(error),
            }));
            Ok(())
        })));
        poll_fn(|_| match result.take() {
            Some(result) => Poll::Ready(result),
            None => Poll::Pending,
        })
        .await
    }

    /// Runs a future to its end, and the statements that it wants in between.
    ///
    /// # Errors
    ///
    /// The database failed, or the future waits for something else than a statement.
    pub fn complete<T>(
        &self,
        future: impl Future<Output = T>,
        conn: &mut DbConnection,
        owner: &OwnerId,
    ) -> QueryResult<T> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            let Some(next) = self.0.next.take() else {
                return Err(Error::QueryBuilderError(NO_STATEMENT.into()));
            };
            let mut new = self.0.new.take();
            next(conn, owner, &mut new)?;
            self.0.new.set(new);
        }
    }

    /// Does what statements have left to do. To be called before the commit.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn finish(&self, conn: &mut DbConnection) -> QueryResult<()> {
        self.0.new.take().insert(conn)
    }
}

const NO_STATEMENT: &str = "a handler inside a transaction waits for something else";
