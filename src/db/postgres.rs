//! Opening connections to PostgreSQL, directly or through a pooler.
//!
//! Invariants: opening a connection takes a bounded time, even if the peer hangs; and
//! a connection that keeps prepared statements has a session of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::bounded;
use diesel::connection::{CacheSize, SimpleConnection as _};
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::connection::Generation;
use super::postgres_parameters::complete;
use crate::settings::Database;

/// The max time of the statements that configure a connection. libpq's
/// `connect_timeout` limits what comes before them.
const SET_UP: Duration = Duration::from_secs(3);

/// How long to wait for a second client: a pooler with a session for each client may
/// have none left for it.
const SECOND_CLIENT: Duration = Duration::from_secs(1);

/// How often two clients compare their sessions: other clients of the pooler may run
/// transactions in between and hide that they are shared.
const COMPARISONS: usize = 10;

/// How often in a row sessions must be found exclusive after they were found shared:
/// a process that is refused retries, and must not succeed by chance.
const DOUBTS: usize = 10;

/// The max number of connections that are being opened. If there are more, the peer
/// hangs, and further ones would hang as well.
const MAX_BEING_OPENED: usize = 16;

/// The max number of second clients that wait for a session. They must not take the
/// places of connections that requests need.
const MAX_COMPARING: usize = 8;

const SHARED: &str = "a pooler gives one session to several clients (PgBouncer: pool_mode = transaction), and prepared statements would get mixed up; set TODOWARD__DATABASE__PREPARED_STATEMENTS=false, or pool_mode = session";

/// Opens and configures connections.
pub(super) struct Opener {
    url: String,
    hosts: u32,
    statement_timeout: Duration,
    prepared_statements: bool,
    being_opened: Arc<AtomicUsize>,
    /// The number of second clients that wait for a session.
    comparing: Arc<AtomicUsize>,
    generation: Generation,
    /// How often sessions must still be found exclusive before they are trusted.
    doubts: AtomicUsize,
}

impl Opener {
    pub fn new(url: &str, database: &Database, generation: Generation) -> Self {
        Self {
            url: url.to_owned(),
            hosts: url.matches(',').count() as u32 + 1,
            statement_timeout: database.statement_timeout,
            prepared_statements: database.prepared_statements,
            being_opened: Arc::default(),
            comparing: Arc::default(),
            generation,
            doubts: AtomicUsize::default(),
        }
    }

    /// Opens and configures a connection, on a separate thread that is abandoned if the
    /// peer hangs.
    pub fn open(&self) -> ConnectionResult<PgConnection> {
        let generation = self.generation.current();
        let compare = self.prepared_statements && !self.generation.is_proven();
        let (url, prepared) = (complete(&self.url), self.prepared_statements);
        let millis = self.statement_timeout.as_millis();
        let comparing = Arc::clone(&self.comparing);
        let open = move || {
            let mut connection = PgConnection::establish(&url)?;
            if !prepared {
                connection.set_prepared_statement_cache_size(CacheSize::Disabled);
            }
            // Not as `options` of the connection string, which poolers refuse.
            connection
                .batch_execute(&format!(
                    "SET statement_timeout = {millis}; SET idle_in_transaction_session_timeout = {millis}"
                ))
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            let comparison = match compare {
                true => Comparison::with_second_client(&mut connection, &url, &comparing)?,
                false => Comparison::NotMade,
            };
            Ok::<_, ConnectionError>((connection, comparison))
        };
        let limit = self.connect_timeout() * self.hosts + SET_UP;
        match within(limit, &self.being_opened, MAX_BEING_OPENED, open)?? {
            (connection, Comparison::Apart) if self.no_doubt_is_left() => {
                self.generation.prove(generation);
                Ok(connection)
            }
            (connection, Comparison::NotMade) if self.doubts.load(Ordering::Acquire) == 0 => {
                Ok(connection)
            }
            (_, Comparison::Shared) => {
                self.generation.disprove();
                self.doubts.store(DOUBTS, Ordering::Release);
                Err(ConnectionError::BadConnection(SHARED.into()))
            }
            (_, Comparison::Apart | Comparison::NotMade) => {
                Err(ConnectionError::BadConnection(SHARED.into()))
            }
        }
    }

    fn no_doubt_is_left(&self) -> bool {
        let one_less = |doubts: usize| doubts.checked_sub(1);
        self.doubts
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less)
            .is_err()
    }

    /// `connect_timeout` of the URL, between 2 and 60 seconds; 2 if it has none.
    fn connect_timeout(&self) -> Duration {
        let seconds = self.url.split_once("connect_timeout=").map(|(_, rest)| {
            let digits = rest.split('&').next().unwrap_or_default();
            digits.parse().unwrap_or(0)
        });
        // libpq treats 1 as 2. 0 would mean no limit, but opening is always limited.
        Duration::from_secs(seconds.unwrap_or(0).clamp(2, 60))
    }
}

/// Whether two clients that are connected at the same time share a session.
enum Comparison {
    Shared,
    Apart,
    NotMade,
}

impl Comparison {
    /// Compares the backend processes of two clients; one process is one session. With a
    /// pooler in transaction mode, another client gets the same process, or the same
    /// client another one.
    fn with_second_client(
        first: &mut PgConnection,
        url: &str,
        comparing: &Arc<AtomicUsize>,
    ) -> ConnectionResult<Self> {
        let own = process(first).map_err(ConnectionError::CouldntSetupConfiguration)?;
        let url = url.to_owned();
        let second = within(SECOND_CLIENT, comparing, MAX_COMPARING, move || {
            let mut second = PgConnection::establish(&url)?;
            let other = process(&mut second).map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok::<_, ConnectionError>((second, other))
        });
        let (mut second, mut other) = match second {
            Ok(Ok(found)) => found,
            // No session is left for the second client: because the first keeps its
            // own, or because other clients have all shared ones. In the latter
            // case the first client's session changes sooner or later.
            Err(NotOpened::Hangs) => {
                for _ in 0..COMPARISONS {
                    let again =
                        process(first).map_err(ConnectionError::CouldntSetupConfiguration)?;
                    if again != own {
                        return Ok(Self::Shared);
                    }
                }
                return Ok(Self::NotMade);
            }
            // Without a second client there is nothing to compare.
            Err(NotOpened::TooMany) | Ok(Err(_)) => return Ok(Self::NotMade),
        };
        for _ in 0..COMPARISONS {
            // Twice in a row: two clients that alternate between two sessions would
            // otherwise get the same one each time.
            for _ in 0..2 {
                let again = process(first).map_err(ConnectionError::CouldntSetupConfiguration)?;
                if other == own || again != own {
                    return Ok(Self::Shared);
                }
            }
            other = process(&mut second).map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(Self::Apart)
    }
}

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

fn process(connection: &mut PgConnection) -> QueryResult<i32> {
    diesel::sql_query("SELECT pg_backend_pid() AS pid")
        .get_result::<Process>(connection)
        .map(|process| process.pid)
}

/// Why a connection was not opened.
enum NotOpened {
    /// The peer has accepted the connection and does not respond.
    Hangs,
    /// Too many connections hang already.
    TooMany,
}

impl From<NotOpened> for ConnectionError {
    fn from(_: NotOpened) -> Self {
        Self::BadConnection("the server takes connections and does not answer".into())
    }
}

/// Runs a function on a separate thread, which is abandoned after the limit: libpq
/// cannot be interrupted. At most `max` of them run at the same time.
fn within<T: Send + 'static>(
    limit: Duration,
    running: &Arc<AtomicUsize>,
    max: usize,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NotOpened> {
    struct Running(Arc<AtomicUsize>);
    impl Drop for Running {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::AcqRel);
        }
    }
    let before = running.fetch_add(1, Ordering::AcqRel);
    let running = Running(Arc::clone(running));
    if before >= max {
        return Err(NotOpened::TooMany);
    }
    let (send, receive) = bounded(1);
    let thread = std::thread::Builder::new().name("db-open".into());
    let spawned = thread.spawn(move || {
        let _running = running;
        // If the caller no longer waits, the connection is dropped and closed.
        let _ = send.send(run());
    });
    spawned.map_err(|_| NotOpened::TooMany)?;
    receive.recv_timeout(limit).map_err(|_| NotOpened::Hangs)
}
