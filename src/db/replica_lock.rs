//! Background jobs that one replica does at a time.

use diesel::QueryResult;

use super::connection::DbConnection;

/// How long a step of a background job waits for a row that another transaction has
/// locked: 100 ms. Whoever waits for a lock holds up all who come after.
#[cfg(feature = "postgres")]
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = 100";

/// Whether no other replica is at this job. Holds its advisory lock until the end of the
/// transaction, in which it must be called first. A SQLite file has one writer anyway.
#[cfg_attr(
    not(feature = "postgres"),
    expect(unused_variables, reason = "SQLite has one replica")
)]
pub fn is_alone(conn: &mut DbConnection, job: i64) -> QueryResult<bool> {
    match conn {
        DbConnection::Sqlite(_) => Ok(true),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => {
            use diesel::connection::SimpleConnection as _;
            use diesel::prelude::*;

            #[derive(QueryableByName)]
            struct Taken {
                #[diesel(sql_type = diesel::sql_types::Bool)]
                taken: bool,
            }
            postgres.batch_execute(LOCK_TIMEOUT)?;
            let lock = format!("SELECT pg_try_advisory_xact_lock({job}) AS taken");
            let row: Taken = diesel::sql_query(lock).get_result(postgres)?;
            Ok(row.taken)
        }
    }
}
