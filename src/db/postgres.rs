//! Opening connections to PostgreSQL, or to a pooler before it.
//!
//! Invariants: opening a connection ends within a limit, whatever the peer does
//! or leaves undone; and a connection that keeps prepared statements has a
//! session of its own.

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

/// The longest that the statements may take which set a connection up. What
/// comes before them is bounded by libpq's `connect_timeout`.
const SET_UP: Duration = Duration::from_secs(3);

/// How long a second client is waited for: with a session for each client, a
/// pooler may have none left for it.
const SECOND_CLIENT: Duration = Duration::from_secs(1);

/// How often two clients compare their sessions: others may be at work between
/// them.
const COMPARISONS: usize = 10;

/// How often in a row sessions must be found apart after they were found shared:
/// a refused process tries again and again, and must not get through by chance.
const DOUBTS: usize = 10;

/// Connections that may be in the making. Beyond, the peer hangs and more would
/// hang as well.
const MAX_IN_THE_MAKING: usize = 16;

/// Second clients that may wait for a session. They must not take the place of
/// connections that are needed.
const MAX_COMPARING: usize = 8;

const SHARED: &str = "a pooler gives one session to several clients (PgBouncer: pool_mode = transaction), and prepared statements would get mixed up; set TODOWARD__DATABASE__PREPARED_STATEMENTS=false, or pool_mode = session";

/// Opens connections that are set up alike.
pub(super) struct Opener {
    url: String,
    hosts: u32,
    statement_timeout: Duration,
    prepared_statements: bool,
    in_the_making: Arc<AtomicUsize>,
    /// Second clients that still wait for a session.
    comparing: Arc<AtomicUsize>,
    generation: Generation,
    /// How often sessions must be found apart before that is believed.
    doubts: AtomicUsize,
}

impl Opener {
    pub fn new(url: &str, database: &Database, generation: Generation) -> Self {
        Self {
            url: url.to_owned(),
            hosts: url.matches(',').count() as u32 + 1,
            statement_timeout: database.statement_timeout,
            prepared_statements: database.prepared_statements,
            in_the_making: Arc::default(),
            comparing: Arc::default(),
            generation,
            doubts: AtomicUsize::default(),
        }
    }

    /// Opens a connection and sets it up, on a thread of its own that is left
    /// behind if the peer hangs.
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
            // Not in the connection string's `options`, which poolers refuse.
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
        match within(limit, &self.in_the_making, MAX_IN_THE_MAKING, open)?? {
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

    /// That of the URL, or ours.
    fn connect_timeout(&self) -> Duration {
        let seconds = self.url.split_once("connect_timeout=").map(|(_, rest)| {
            let digits = rest.split('&').next().unwrap_or_default();
            digits.parse().unwrap_or(0)
        });
        // libpq takes 1 for 2; 0 is none, but each opening has a limit here.
        Duration::from_secs(seconds.unwrap_or(0).clamp(2, 60))
    }
}

/// Whether two clients that are connected at the same time have one session.
enum Comparison {
    Shared,
    Apart,
    NotMade,
}

impl Comparison {
    /// PostgreSQL's process is the session. A pooler that gives it away between
    /// two transactions gives it to another client, or gives another one back.
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
            // No session is left for it: because the first keeps its own, or
            // because others have all that a pooler gives away. Then the first
            // one's changes, sooner or later; this is asked again.
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
            // No client at all, and that says nothing.
            Err(NotOpened::TooMany) | Ok(Err(_)) => return Ok(Self::NotMade),
        };
        for _ in 0..COMPARISONS {
            // Twice in a row: two clients that take turns with two sessions would
            // get the same one each time.
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

/// Why there is no connection to ask.
enum NotOpened {
    /// The peer has taken the connection and says nothing.
    Hangs,
    /// So many hang already that no other is tried.
    TooMany,
}

impl From<NotOpened> for ConnectionError {
    fn from(_: NotOpened) -> Self {
        Self::BadConnection("the server takes connections and does not answer".into())
    }
}

/// Runs something on a thread of its own, and leaves it there if it takes too
/// long: libpq cannot be interrupted.
fn within<T: Send + 'static>(
    limit: Duration,
    running: &Arc<AtomicUsize>,
    most: usize,
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
    if before >= most {
        return Err(NotOpened::TooMany);
    }
    let (send, receive) = bounded(1);
    let thread = std::thread::Builder::new().name("db-open".into());
    let spawned = thread.spawn(move || {
        let _running = running;
        // Nobody waits any more: the connection is closed.
        let _ = send.send(run());
    });
    spawned.map_err(|_| NotOpened::TooMany)?;
    receive.recv_timeout(limit).map_err(|_| NotOpened::Hangs)
}
