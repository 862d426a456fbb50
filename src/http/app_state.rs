//! The state that handlers share.

use ipnet::IpNet;

use super::response_budget::ResponseBudget;
use crate::db::bridge::Db;

/// The state that handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The bridge to the database.
    pub db: Db,
    /// The max size of a request body, in bytes.
    pub body_limit: usize,
    /// Limits the memory of large bodies, of requests and of responses.
    pub response_budget: ResponseBudget,
    /// The proxies whose `X-Forwarded-Prefix` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether what is deleted goes to the trash first.
    pub has_trash: bool,
    /// How many days changes can be followed from a cursor.
    pub changes_days: u32,
    /// How long a token is accepted after its end, in seconds.
    pub leeway: f64,
}
