//! Builds the application from the settings, and runs, drains and stops the server.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_rt::net::TcpStream;
use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use socket2::SockRef;
use tokio::sync::oneshot;

use super::metrics_server::{Exposition, MetricsServer};
use super::migrate_at_start::{bring_up_to_date, refold};
use super::purge::Purge;
use crate::accounts::{Rules, Turns};
use crate::auth::{Authenticate, Jwks, Policy, Scopes, Verifier};
use crate::batch::Batches;
use crate::changes::notifier;
use crate::db::bridge::Db;
use crate::db::quota::Quota;
use crate::db::table::Table as _;
use crate::health::Health;
use crate::http::app_state::{AppState, Quotas};
use crate::http::cors::Cors;
use crate::http::edge::{Edge, edge};
use crate::http::response_budget::ResponseBudget;
use crate::interchange::Slots;
use crate::lists::model::ListRow;
use crate::metrics::Metrics;
use crate::openapi::docs::Documents;
use crate::rate_limit::Limits;
use crate::routes;
use crate::settings::{self, Auth, Settings};
use crate::tasks;
use crate::tasks::model::TaskRow;

/// The max time for the head of a request to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept: longer than proxies keep theirs (60 s in nginx
/// and most load balancers), so that the proxy closes it and not the server, which could
/// cross with a new request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a client has to read the end of a response before its connection is closed.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an immediate stop may take.
const CUT_TIMEOUT: Duration = Duration::from_millis(200);

/// How long a client may read nothing of a response. actix has no limit of its own, and
/// keeps the response in memory.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the server cannot start, as one line.
#[derive(Debug)]
pub struct StartError(pub(crate) String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// A server that listens and can be run.
pub struct Application {
    server: Server,
    address: SocketAddr,
    db: Db,
    health: Arc<Health>,
    drain_delay: Duration,
    metrics: Option<MetricsServer>,
    refolds: bool,
    purge: Purge,
}

impl Application {
    /// Builds everything and listens. Must be called inside an actix system.
    ///
    /// # Errors
    ///
    /// A port is in use, or the SQLite file cannot be used. PostgreSQL may be down:
    /// connecting is retried.
    pub fn build(settings: &Settings) -> Result<Self, StartError> {
        let server = &settings.server;
        let address = SocketAddr::new(server.host, server.port);
        let cannot_listen = |error| cannot_listen(address, &error);
        let listener = TcpListener::bind(address).map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let metrics_listener = settings.metrics.map(listen_for_metrics).transpose()?;

        let db = Db::start(&settings.database)
            .map_err(|error| StartError(format!("cannot start the database threads: {error}")))?;
        let verifier = verifier(&settings.auth)
            .map_err(|error| StartError(format!("cannot start a thread: {error}")))?;
        let verifier = Arc::new(verifier);
        let health = Health::new(db.clone(), tasks::repository::check, Arc::clone(&verifier));
        let health = Arc::new(health);
        bring_up_to_date(&settings.database, &db, &health)?;

        let cors = Cors::new(settings.allowed_origins.clone(), &settings.allowed_headers);
        let cors = Data::new(cors);
        let state = Data::new(AppState {
            db: Some(db.clone()),
            body_limit: server.body_limit,
            response_budget: ResponseBudget::default(),
            trusted_proxies: server.trusted_proxies.clone(),
            has_trash: settings.trash_days > 0,
            quotas: quotas(settings.limits),
            changes_days: settings.changes_days,
            leeway: f64::from(settings.auth.leeway),
        });
        let cannot_count = |error| StartError(format!("cannot make the metrics: {error}"));
        let metrics = match metrics_listener {
            Some(listener) => {
                let metrics = Metrics::new().map(Arc::new).map_err(cannot_count)?;
                let counted = Arc::clone(&metrics);
                let exposition = Exposition::new(counted, db.clone(), Arc::clone(&verifier));
                Some((metrics, exposition.map_err(cannot_count)?, listener))
            }
            None => None,
        };
        let counters = metrics.as_ref().map(|(metrics, ..)| Arc::clone(metrics));
        let purge = Purge {
            db: db.clone(),
            health: Arc::clone(&health),
            trash_days: settings.trash_days,
            changes_days: settings.changes_days,
            metrics: counters.clone(),
        };
        let edge_data = Data::new(Edge {
            request_timeout: server.request_timeout,
            health: Arc::clone(&health),
            metrics: counters.clone(),
        });
        let proxies = || server.trusted_proxies.clone();
        let limits = settings.rate_limit;
        let limits = limits.map(|limit| Arc::new(Limits::new(limit, proxies())));
        let rules = Data::new(Rules {
            verifier: Arc::clone(&verifier),
            max_token_age: f64::from(settings.accounts.max_token_age),
            adopts_any: settings.accounts.adopts_any,
            turns: Turns::default(),
        });
        let guard = Authenticate::new(verifier, limits, counters);
        let documents = Data::new(Documents::new(routes::API));
        let health_data = Data::from(Arc::clone(&health));
        let of_batches = db.clone();
        let slots = Data::new(Slots::default());
        let http = HttpServer::new(move || {
            let guard = guard.clone();
            let batches = Batches::new(of_batches.clone(), &state, routes::operations);
            App::new()
                .app_data(state.clone())
                .app_data(Data::new(batches))
                .app_data(health_data.clone())
                .app_data(documents.clone())
                .app_data(cors.clone())
                .app_data(rules.clone())
                .app_data(slots.clone())
                .app_data(edge_data.clone())
                .configure(|app| routes::configure(app, guard))
                .wrap(from_fn(edge))
        });
        let in_flight = server.shutdown_timeout.saturating_sub(server.drain_delay);
        let server = http
            .workers(server.workers)
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .shutdown_timeout(in_flight.as_secs().max(1))
            .on_connect(|connection, _| cut_if_stalled(connection, STALL_TIMEOUT))
            .disable_signals()
            .listen(listener)
            .map_err(cannot_listen)?
            .run();
        let metrics =
            metrics.map(|(_, exposition, listener)| MetricsServer::new(listener, exposition));
        Ok(Self {
            server,
            address,
            db,
            health,
            drain_delay: settings.server.drain_delay,
            metrics: metrics.transpose().map_err(cannot_listen)?,
            refolds: settings.database.migrate_on_start,
            purge,
        })
    }

    /// The IP address and port of the listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The IP address and port of the metrics, if they are on.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(MetricsServer::address)
    }

    /// Serves until `stop`, then drains: readiness is negative at once, new connections are
    /// accepted for the drain delay, and requests in flight are finished. `stop_now` ends
    /// the drain.
    ///
    /// # Errors
    ///
    /// Errors of the operating system.
    pub async fn run_until<S>(
        self,
        stop: S,
        stop_now: impl Future<Output = ()>,
    ) -> std::io::Result<()>
    where
        S: Future<Output = ()> + 'static,
    {
        let (health, handle, delay) = (self.health, self.server.handle(), self.drain_delay);
        let (db, metrics) = (self.db, self.metrics.map(MetricsServer::run));
        let refolding = self
            .refolds
            .then(|| actix_rt::spawn(refold(db.clone(), Arc::clone(&health))));
        let purging = actix_rt::spawn(self.purge.run());
        let notifying = actix_rt::spawn(notifier::run(db.clone()));
        let (stopping, is_stopping) = oneshot::channel();
        let cut = cut_off(is_stopping, stop_now, handle.clone());
        actix_rt::spawn(async move {
            stop.await;
            log::info!("stopping");
            // A running step is one transaction and completes on its own.
            if let Some(refolding) = refolding {
                refolding.abort();
            }
            purging.abort();
            health.set_stopping();
            // Streams would hold up the drain: their clients connect elsewhere.
            db.watchers().end();
            notifying.abort();
            // Fails if the server has ended already.
            let _ = stopping.send(());
            tokio::time::sleep(delay).await;
            db.end_pipelines().await;
            handle.stop(true).await;
        });
        let ended = tokio::select! {
            ended = self.server => ended,
            () = cut => Ok(()),
        };
        // Stopped last, so that the drain is visible in the metrics.
        if let Some(metrics) = metrics {
            metrics.stop().await;
        }
        ended
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> StartError {
    let hints = [
        (
            ErrorKind::AddrInUse,
            "; set PORT to another port, or stop the program that has this one",
        ),
        (
            ErrorKind::AddrNotAvailable,
            "; set HOST to an IP address of this machine",
        ),
        (ErrorKind::PermissionDenied, "; set PORT to 1024 or more"),
    ];
    let hint = hints.iter().find(|(kind, _)| *kind == error.kind());
    let hint = hint.map_or("", |(_, hint)| hint);
    StartError(format!("cannot listen on {address}: {error}{hint}"))
}

fn listen_for_metrics((host, port): (IpAddr, u16)) -> Result<TcpListener, StartError> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address).map_err(|error| {
        StartError(format!(
            "cannot listen on {address} for the metrics: {error}; set TODOWARD__METRICS__PORT to another port, or to 0 for none"
        ))
    })
}

/// Resolves after an immediate stop was requested. actix-server ignores a second command
/// while it drains; then the end of the process stops it.
async fn cut_off(
    is_stopping: oneshot::Receiver<()>,
    stop_now: impl Future<Output = ()>,
    handle: ServerHandle,
) {
    if is_stopping.await.is_err() {
        // The server ended without a stop; its result says why.
        return std::future::pending().await;
    }
    stop_now.await;
    log::warn!("stopping now");
    let _ = tokio::time::timeout(CUT_TIMEOUT, handle.stop(false)).await;
}

/// Creates the verifier from the settings, and begins to fetch the keys.
///
/// # Errors
///
/// The operating system refuses a thread.
pub fn verifier(auth: &Auth) -> std::io::Result<Verifier> {
    let verifier = Verifier::new(&auth.secrets, policy(auth));
    Ok(match &auth.jwks {
        Some(jwks) => verifier.with_jwks(Jwks::start(jwks)?),
        None => verifier,
    })
}

/// Makes the kernel close a connection whose bytes are not acknowledged for so long,
/// because the peer is gone or does not read (TCP_USER_TIMEOUT, which also counts the
/// time with a zero window).
fn cut_if_stalled(connection: &dyn Any, limit: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        // If the kernel does not support it, there is no limit.
        let _ = SockRef::from(stream).set_tcp_user_timeout(Some(limit));
    }
}

fn quotas(limits: settings::Limits) -> Quotas {
    Quotas {
        tasks: Quota::new(TaskRow::NAME, limits.tasks_per_owner),
        lists: Quota::new(ListRow::NAME, limits.lists_per_owner),
    }
}

/// The requirements on the claims, from the settings.
pub fn policy(auth: &Auth) -> Policy {
    Policy {
        issuers: auth.issuers.clone(),
        audiences: auth.audiences.clone(),
        leeway: f64::from(auth.leeway),
        accept_session_cookies: auth.accept_session_cookie_tokens,
        oauth: Scopes {
            read: auth.oauth_read_scopes.clone(),
            write: auth.oauth_write_scopes.clone(),
        },
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// Whatever is sent: an export has no other limit.
    #[actix_rt::test]
    async fn a_peer_that_takes_nothing_is_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut stream = TcpStream::from_std(stream).unwrap();
        cut_if_stalled(&stream, Duration::from_millis(200));
        let piece = vec![0; 1024 * 1024];
        let error = loop {
            if let Err(error) = stream.write_all(&piece).await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
