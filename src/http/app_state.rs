//! What handlers share.

use ipnet::IpNet;

use super::response_budget::ResponseBudget;
use crate::db::bridge::Db;

/// What handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The bridge to the database.
    pub db: Db,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// The bytes of large bodies that are held.
    pub response_budget: ResponseBudget,
    /// The proxies whose `X-Forwarded-Prefix` counts.
    pub trusted_proxies: Vec<IpNet>,
}
