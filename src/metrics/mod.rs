//! Metrics for Prometheus.
//!
//! Invariant: label values come from fixed sets. None contains an owner, a path, an IP
//! address or other text of a client, so the number of series is bounded.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGaugeVec, Opts, Registry, Result};

use crate::primitives::problem::Code;

/// The buckets of the duration histogram, in seconds, from a read in memory up to the
/// default `request_timeout`.
const DURATION_BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0,
];

/// The counters of HTTP and authentication, and the registry of all metrics.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: Histogram,
    refused: IntCounterVec,
    purged: IntCounterVec,
}

impl Metrics {
    /// Creates all counters, at zero.
    ///
    /// # Errors
    ///
    /// Never fails: the names are valid and unique.
    pub fn new() -> Result<Self> {
        let counters = |name, help, labels| IntCounterVec::new(Opts::new(name, help), labels);
        let requests = counters(
            "todoward_http_requests_total",
            "Requests with a response.",
            &["method", "route", "status"],
        )?;
        let durations = Histogram::with_opts(
            HistogramOpts::new(
                "todoward_http_request_duration_seconds",
                "From the head of a request to the head of its response.",
            )
            .buckets(DURATION_BUCKETS.to_vec()),
        )?;
        let refused = counters(
            "todoward_tokens_refused_total",
            "Requests whose token was refused, by the code of the refusal.",
            &["code"],
        )?;
        let purged = counters(
            "todoward_purged_total",
            "What this process has ended: tasks and lists that were in the trash for longer than trash.days, and what was remembered of ended ones and of epochs for longer than changes.days.",
            &["kind"],
        )?;
        let build = IntGaugeVec::new(
            Opts::new("todoward_build_info", "What is running."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        // Present from the start, so that the first refusal is visible as an increase.
        for code in Code::COMMON.iter().filter(|code| code.status() == 401) {
            refused.with_label_values(&[code.as_str()]);
        }

        for kind in ["task", "list", "gone", "epoch"] {
            purged.with_label_values(&[kind]);
        }

        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(refused.clone()))?;
        registry.register(Box::new(purged.clone()))?;
        registry.register(Box::new(build))?;
        Ok(Self {
            registry,
            requests,
            durations,
            refused,
            purged,
        })
    }

    /// The registry, to which other modules add their metrics.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts a request; `route` is its route pattern.
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

    /// So many of a kind have ended, because they were in the trash for long enough.
    pub fn purged(&self, kind: &'static str, count: usize) {
        let purged = self.purged.with_label_values(&[kind]);
        purged.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// A token was refused.
    pub fn refused(&self, code: Code) {
        self.refused.with_label_values(&[code.as_str()]).inc();
    }
}

/// The method if it is a standard one, else "-": any other is the client's text, which
/// could even be a token.
pub fn known_method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE"
        | "CONNECT") => known,
        _ => "-",
    }
}
