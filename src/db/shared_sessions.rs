//! Whether a pooler gives one session of PostgreSQL to several clients, and whether it
//! follows their prepared statements.
//!
//! A pooler in transaction mode runs each transaction in any session that is free. A
//! statement that one client has prepared is then run under the name of another client's,
//! unless the pooler follows them: it gives them names of its own and prepares them where
//! they are missing, as PgBouncer 1.21 and later do.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Once};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Integer, Text};

use super::connection::Sessions;
use super::postgres::{NotOpened, within};

/// How long to wait for a second client: a pooler with a session for each client may
/// have none left for it.
const SECOND_CLIENT: Duration = Duration::from_secs(1);

/// The max number of second clients that wait for a session. They must not take the
/// places of connections that requests need.
const MAX_COMPARING: usize = 8;

/// How often two clients compare their sessions: other clients of the pooler may run
/// transactions in between and hide that they are shared.
const COMPARISONS: usize = 10;

/// What comparing has found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Sessions(Sessions),
    /// A second client gets no session: a pooler has none left.
    NoSecondSession,
    /// There is no second client: the server is full, or just going away.
    NoSecondClient,
}

/// Compares the sessions of a client with those of a second one, and if they share them
/// and prepare statements, how these fare.
pub(super) fn compare(
    first: &mut PgConnection,
    url: &str,
    prepares: bool,
    comparing: &Arc<AtomicUsize>,
) -> ConnectionResult<Found> {
    let own = process(first)?;
    let shared = |first: &mut PgConnection| {
        Found::Sessions(match prepares && is_followed(first) {
            true => Sessions::Followed,
            false => Sessions::Shared,
        })
    };
    let url = url.to_owned();
    let second = within(SECOND_CLIENT, comparing, MAX_COMPARING, move || {
        let mut second = PgConnection::establish(&url)?;
        let other = process(&mut second)?;
        Ok::<_, ConnectionError>((second, other))
    });
    let (mut second, mut other) = match second {
        Ok(Ok(found)) => found,
        // No session is left for the second client: because the first keeps its own, or
        // because other clients have all shared ones. In the latter case the first
        // client's session changes sooner or later.
        Err(NotOpened::Hangs) => {
            for _ in 0..COMPARISONS {
                if process(first)? != own {
                    return Ok(shared(first));
                }
            }
            return Ok(Found::NoSecondSession);
        }
        Err(NotOpened::TooMany) | Ok(Err(_)) => return Ok(Found::NoSecondClient),
    };
    for _ in 0..COMPARISONS {
        // Twice in a row: two clients that alternate between two sessions would
        // otherwise get the same one each time.
        for _ in 0..2 {
            if other == own || process(first)? != own {
                return Ok(shared(first));
            }
        }
        other = process(&mut second)?;
    }
    Ok(Found::Sessions(Sessions::Own))
}

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// The process that runs a transaction of this client: one process is one session.
fn process(connection: &mut PgConnection) -> ConnectionResult<i32> {
    diesel::sql_query("SELECT pg_backend_pid() AS pid")
        .get_result::<Process>(connection)
        .map(|process| process.pid)
        .map_err(ConnectionError::CouldntSetupConfiguration)
}

/// Whether a pooler follows prepared statements. Then a statement that this client prepares
/// has a name of the pooler's in the session, because all clients give the same ones.
fn is_followed(connection: &mut PgConnection) -> bool {
    let asked = connection.transaction(|connection| {
        let question = Question(uuid::Uuid::new_v4().as_u128());
        let is_followed: bool = question.get_result(connection)?;
        if !is_followed {
            // Other clients would find it under their own names.
            connection.batch_execute(&question.forget())?;
        }
        QueryResult::Ok(is_followed)
    });
    asked.unwrap_or(false)
}

/// SELECT: whether this very statement, which is kept prepared, has another name than
/// Diesel has given it. A random number tells it from others.
#[derive(Clone, Copy)]
struct Question(u128);

impl Query for Question {
    type SqlType = Bool;
}

impl QueryId for Question {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for Question {}

impl QueryFragment<Pg> for Question {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let number = self.0;
        out.push_sql(&format!(
            "SELECT EXISTS (SELECT 1 FROM pg_prepared_statements \
             WHERE statement LIKE '%{number}%' AND name NOT LIKE '%diesel%')"
        ));
        Ok(())
    }
}

impl Question {
    fn forget(self) -> String {
        let number = self.0;
        format!(
            "DO $$ DECLARE known text; BEGIN \
             FOR known IN SELECT name FROM pg_prepared_statements \
             WHERE statement LIKE '%{number}%' \
             LOOP EXECUTE format('DEALLOCATE %I', known); END LOOP; END $$"
        )
    }
}

#[derive(QueryableByName)]
struct Limits {
    #[diesel(sql_type = Text)]
    statements: String,
    #[diesel(sql_type = Text)]
    transactions: String,
}

/// Says what sharing costs, and what an operator can do; once in the life of the process.
pub(super) fn log_shared(connection: &mut PgConnection, sessions: Sessions, prepares: bool) {
    static SLOWER: Once = Once::new();
    static UNLIMITED: Once = Once::new();
    if sessions == Sessions::Shared && prepares {
        SLOWER.call_once(|| {
            log::warn!(
                "a pooler gives one session to several clients and does not follow prepared statements, so none are prepared or pipelined, which is slower; set max_prepared_statements (PgBouncer 1.21 or later) or pool_mode = session"
            );
        });
    }
    let limits = diesel::sql_query(
        "SELECT current_setting('statement_timeout') AS statements, \
         current_setting('idle_in_transaction_session_timeout') AS transactions",
    );
    let limits = limits.get_result::<Limits>(connection);
    if limits.is_ok_and(|limits| limits.statements == "0" || limits.transactions == "0") {
        UNLIMITED.call_once(|| {
            log::warn!(
                "Todoward sets no time limits in sessions that are not its own; give the role some: ALTER ROLE … SET statement_timeout = '10s', and idle_in_transaction_session_timeout"
            );
        });
    }
}
