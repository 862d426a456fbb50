//! Opening connections to PostgreSQL, directly or through a pooler.
//!
//! Invariants: opening a connection takes a bounded time, even if the peer hangs; a
//! connection that keeps prepared statements has a session of its own, or a pooler that
//! follows them; and where clients share sessions, none is configured: another client gets
//! it next.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::bounded;
use diesel::connection::{CacheSize, SimpleConnection as _};
use diesel::prelude::*;

use super::connection::{Generation, Sessions};
use super::postgres_parameters::complete;
use super::shared_sessions::{Found, compare, log_shared};
use crate::settings::Database;

/// The max time of the statements that configure a connection. libpq's
/// `connect_timeout` limits what comes before them.
const SET_UP: Duration = Duration::from_secs(3);

/// The max number of connections that are being opened. If there are more, the peer
/// hangs, and further ones would hang as well.
const MAX_BEING_OPENED: usize = 16;

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
}

impl Opener {
    pub fn new(url: &str, database: &Database, generation: Generation) -> Self {
        // Before libpq does: this leaves out the clean-up at exit, which would free what
        // threads that are still connecting use. A stop would end with SIGSEGV.
        openssl_sys::init();
        Self {
            url: url.to_owned(),
            hosts: url.matches(',').count() as u32 + 1,
            statement_timeout: database.statement_timeout,
            prepared_statements: database.prepared_statements,
            being_opened: Arc::default(),
            comparing: Arc::default(),
            generation,
        }
    }

    /// Opens and configures a connection, on a separate thread that is abandoned if the
    /// peer hangs.
    pub fn open(&self) -> ConnectionResult<PgConnection> {
        let generation = self.generation.current();
        let known = self.generation.sessions();
        let (url, prepares) = (complete(&self.url), self.prepared_statements);
        let comparing = Arc::clone(&self.comparing);
        // Not as `options` of the connection string, which poolers refuse.
        let millis = self.statement_timeout.as_millis();
        let limits = format!(
            "SET statement_timeout = {millis}; SET idle_in_transaction_session_timeout = {millis}"
        );
        let open = move || {
            let mut connection = PgConnection::establish(&url)?;
            let found = match known {
                Some(sessions) => Found::Sessions(sessions),
                None => compare(&mut connection, &url, prepares, &comparing)?,
            };
            // What is not known may be shared.
            let can_prepare = matches!(found, Found::Sessions(sessions) if sessions.can_prepare());
            if !prepares || !can_prepare {
                connection.set_prepared_statement_cache_size(CacheSize::Disabled);
            }
            if matches!(
                found,
                Found::Sessions(Sessions::Own) | Found::NoSecondClient
            ) {
                let set = connection.batch_execute(&limits);
                set.map_err(ConnectionError::CouldntSetupConfiguration)?;
            }
            Ok::<_, ConnectionError>((connection, found))
        };
        let limit = self.connect_timeout() * self.hosts + SET_UP;
        let (mut connection, found) = within(limit, &self.being_opened, MAX_BEING_OPENED, open)??;
        let (Found::Sessions(sessions), None) = (found, known) else {
            return Ok(connection);
        };
        let before = self.generation.found(generation, sessions);
        if sessions == Sessions::Own {
            return match before {
                None | Some(Sessions::Own) => Ok(connection),
                // Another connection has found out better.
                Some(Sessions::Followed | Sessions::Shared) => Err(late()),
            };
        }
        if before == Some(Sessions::Own) {
            // Others were opened in the belief that each has a session of its own.
            self.generation.end_of(generation);
            return Err(late());
        }
        if before.is_none() {
            log_shared(&mut connection, sessions, prepares);
        }
        Ok(connection)
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

/// A connection is opened anew, because it was opened in a wrong belief.
fn late() -> ConnectionError {
    ConnectionError::BadConnection("a pooler gives one session to several clients".into())
}

/// Why a connection was not opened.
pub(super) enum NotOpened {
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
pub(super) fn within<T: Send + 'static>(
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
