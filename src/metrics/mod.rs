//! What Prometheus is told.
//!
//! Invariant: labels are ours. No owner, path, address or other text of a client
//! is in one, so that the number of series is bounded, whatever is sent.

mod server;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus::{
    Encoder as _, GaugeVec, Histogram, HistogramOpts, IntCounterVec, IntGaugeVec, Opts, Registry,
    Result, TextEncoder,
};

pub use server::MetricsServer;

use crate::auth::Verifier;
use crate::db::Db;
use crate::error::Code;
use crate::middleware::known_method;

/// From a read that is in memory to the longest that a request may take by default.
const SECONDS_OF_REQUESTS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0,
];

/// Counters, and what is looked at when somebody asks.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: Histogram,
    refused: IntCounterVec,
    connections: IntGaugeVec,
    fetches: IntCounterVec,
    age: GaugeVec,
    db: Db,
    verifier: Arc<Verifier>,
}

impl Metrics {
    /// All at zero.
    ///
    /// # Errors
    ///
    /// Never: the names are good, and each stands once.
    pub fn new(db: Db, verifier: Arc<Verifier>) -> Result<Self> {
        let counters = |name, help, labels| IntCounterVec::new(Opts::new(name, help), labels);
        let requests = counters(
            "todoward_http_requests_total",
            "Requests that were answered.",
            &["method", "route", "status"],
        )?;
        let durations = Histogram::with_opts(
            HistogramOpts::new(
                "todoward_http_request_duration_seconds",
                "From the head of a request to the head of its answer.",
            )
            .buckets(SECONDS_OF_REQUESTS.to_vec()),
        )?;
        let refused = counters(
            "todoward_tokens_refused_total",
            "Requests whose token was refused, by the code of the refusal.",
            &["code"],
        )?;
        let connections = IntGaugeVec::new(
            Opts::new(
                "todoward_db_pool_connections",
                "Open connections to the database.",
            ),
            &["state"],
        )?;
        let fetches = counters(
            "todoward_jwks_fetches_total",
            "Fetches of the key set.",
            &["result"],
        )?;
        let age = GaugeVec::new(
            Opts::new(
                "todoward_jwks_age_seconds",
                "Time since the last good fetch of the key set.",
            ),
            &[],
        )?;
        let build = IntGaugeVec::new(
            Opts::new("todoward_build_info", "What is running."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        // From the start, so that the first refusal is seen as an increase.
        for code in Code::ALL.iter().filter(|code| code.status() == 401) {
            refused.with_label_values(&[code.as_str()]);
        }

        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(refused.clone()))?;
        registry.register(Box::new(connections.clone()))?;
        registry.register(Box::new(db.waits().clone()))?;
        registry.register(Box::new(db.pipelined().clone()))?;
        registry.register(Box::new(fetches.clone()))?;
        registry.register(Box::new(age.clone()))?;
        registry.register(Box::new(build))?;
        Ok(Self {
            registry,
            requests,
            durations,
            refused,
            connections,
            fetches,
            age,
            db,
            verifier,
        })
    }

    /// A request was answered; `route` is the pattern of its address.
    pub fn answered(
        &self,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        took: Duration,
    ) {
        let labels = [known_method(method), route.unwrap_or("-"), status.as_str()];
        self.requests.with_label_values(&labels).inc();
        self.durations.observe(took.as_secs_f64());
    }

    /// A token was refused.
    pub fn refused(&self, code: Code) {
        self.refused.with_label_values(&[code.as_str()]).inc();
    }

    /// Everything, in Prometheus' text format. Waits for nothing but short locks.
    fn render(&self) -> Result<Vec<u8>> {
        let (idle, busy) = self.db.connections();
        let pipelined = self.db.pipelines_open();
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
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
