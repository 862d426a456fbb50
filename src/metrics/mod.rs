//! What is counted for Prometheus.
//!
//! Invariant: labels are ours. No owner, path, address or other text of a client
//! is in one, so that the number of series is bounded, whatever is sent.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGaugeVec, Opts, Registry, Result};

use crate::primitives::problem::Code;

/// From a read that is in memory to the longest that a request may take by default.
const SECONDS_OF_REQUESTS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0,
];

/// The counters of a process, and the registry that others are registered in.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: Histogram,
    refused: IntCounterVec,
}

impl Metrics {
    /// All at zero.
    ///
    /// # Errors
    ///
    /// Never: the names are good, and each stands once.
    pub fn new() -> Result<Self> {
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
        registry.register(Box::new(build))?;
        Ok(Self {
            registry,
            requests,
            durations,
            refused,
        })
    }

    /// Where other rooms' collectors are registered, and all are gathered from.
    pub fn registry(&self) -> &Registry {
        &self.registry
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
}

/// A method that is none of the standard ones is the client's text, and has
/// room for a whole token.
pub fn known_method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE"
        | "CONNECT") => known,
        _ => "-",
    }
}
