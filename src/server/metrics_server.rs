//! `/metrics`, on a separate port and thread: it responds even while all other threads
//! are blocked.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header::ContentType;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use prometheus::{Encoder as _, GaugeVec, IntCounterVec, IntGaugeVec, Opts, Result, TextEncoder};

use crate::auth::Verifier;
use crate::db::bridge::Db;
use crate::metrics::Metrics;

/// The max time for the head of a request to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept: longer than the usual scrape interval.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The max number of connections: there are few scrapers.
const MAX_CONNECTIONS: usize = 64;

/// The max duration of a stop.
const STOP_TIMEOUT: Duration = Duration::from_millis(200);

/// The contents of `/metrics`: the counters, and gauges that are read on each request.
pub struct Exposition {
    metrics: Arc<Metrics>,
    connections: IntGaugeVec,
    pipelines: IntGaugeVec,
    fetches: IntCounterVec,
    age: GaugeVec,
    db: Db,
    verifier: Arc<Verifier>,
}

impl Exposition {
    /// Registers the gauges.
    ///
    /// # Errors
    ///
    /// Never fails: the names are valid and unique.
    pub fn new(metrics: Arc<Metrics>, db: Db, verifier: Arc<Verifier>) -> Result<Self> {
        let connections = IntGaugeVec::new(
            Opts::new(
                "todoward_db_pool_connections",
                "Open connections to the database.",
            ),
            &["state"],
        )?;
        let pipelines = IntGaugeVec::new(
            Opts::new("todoward_db_pipelines", "Open pipelines to the database."),
            &["access"],
        )?;
        let fetches = IntCounterVec::new(
            Opts::new("todoward_jwks_fetches_total", "Fetches of the key set."),
            &["result"],
        )?;
        let age = GaugeVec::new(
            Opts::new(
                "todoward_jwks_age_seconds",
                "Time since the last good fetch of the key set.",
            ),
            &[],
        )?;
        let registry = metrics.registry();
        registry.register(Box::new(connections.clone()))?;
        registry.register(Box::new(pipelines.clone()))?;
        registry.register(Box::new(db.waits().clone()))?;
        registry.register(Box::new(db.pipelined().clone()))?;
        registry.register(Box::new(db.failures_behind().clone()))?;
        registry.register(Box::new(fetches.clone()))?;
        registry.register(Box::new(age.clone()))?;
        Ok(Self {
            metrics,
            connections,
            pipelines,
            fetches,
            age,
            db,
            verifier,
        })
    }

    /// All metrics in Prometheus' text format. Waits for nothing but short locks.
    fn render(&self) -> Result<Vec<u8>> {
        let (idle, busy) = self.db.connections();
        let (reads, writes) = self.db.pipelines_open();
        for (access, count) in [("read", reads), ("write", writes)] {
            let gauge = self.pipelines.with_label_values(&[access]);
            gauge.set(i64::from(count));
        }
        let pipelined = reads + writes;
        for (state, count) in [("idle", idle), ("busy", busy), ("pipelined", pipelined)] {
            let gauge = self.connections.with_label_values(&[state]);
            gauge.set(i64::from(count));
        }
        if let Some(jwks) = self.verifier.jwks() {
            let state = jwks.state();
            for (result, count) in [("success", state.successes), ("failure", state.failures)] {
                let counter = self.fetches.with_label_values(&[result]);
                counter.inc_by(count.saturating_sub(counter.get()));
            }
            self.age.reset();
            if let Some(age) = state.age {
                let gauge = self.age.with_label_values::<&str>(&[]);
                gauge.set(age.as_secs_f64());
            }
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.metrics.registry().gather(), &mut text)?;
        Ok(text)
    }
}

/// A server that listens and can be run.
pub struct MetricsServer {
    server: Server,
    address: SocketAddr,
}

/// A running server.
pub struct Running(ServerHandle);

impl MetricsServer {
    /// Creates a server on a listening socket.
    ///
    /// # Errors
    ///
    /// Errors of the operating system.
    pub fn new(listener: TcpListener, metrics: Exposition) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let metrics = Data::new(metrics);
        let app = move || {
            App::new()
                .app_data(metrics.clone())
                .route("/metrics", web::get().to(render))
                .route("/metrics", web::head().to(render))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .max_connections(MAX_CONNECTIONS)
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .disable_signals()
            .listen(listener)?
            .run();
        Ok(Self { server, address })
    }

    /// The IP address and port of the listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts serving.
    pub fn run(self) -> Running {
        let handle = self.server.handle();
        actix_rt::spawn(self.server);
        Running(handle)
    }
}

impl Running {
    /// Stops at once, even during a request.
    pub async fn stop(self) {
        // After the timeout the end of the process stops it.
        let _ = tokio::time::timeout(STOP_TIMEOUT, self.0.stop(false)).await;
    }
}

async fn render(metrics: Data<Exposition>) -> HttpResponse {
    match metrics.render() {
        Ok(text) => HttpResponse::Ok()
            .content_type("text/plain; version=0.0.4; charset=utf-8")
            .body(text),
        Err(error) => {
            log::error!(cause:% = error; "the metrics cannot be written");
            HttpResponse::InternalServerError()
                .content_type(ContentType::plaintext())
                .finish()
        }
    }
}
