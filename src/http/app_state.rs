//! The state that handlers share.

use ipnet::IpNet;

use super::response_budget::ResponseBudget;
use crate::auth::OwnerId;
use crate::db::bridge::Db;
use crate::db::quota::Quota;
use crate::primitives::problem::{ApiError, Code};

/// The state that handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The bridge to the database; none inside a transaction that is open for several
    /// requests: their statements run in it, and could not leave it.
    pub db: Option<Db>,
    /// The max size of a request body, in bytes.
    pub body_limit: usize,
    /// Limits the memory of large bodies, of requests and of responses.
    pub response_budget: ResponseBudget,
    /// The proxies whose `X-Forwarded-Prefix` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether what is deleted goes to the trash first.
    pub has_trash: bool,
    /// How many tasks and lists an owner may have.
    pub quotas: Quotas,
    /// How many days changes can be followed from a cursor.
    pub changes_days: u32,
    /// How long a token is accepted after its end, in seconds.
    pub leeway: f64,
}

/// How many rows an owner may have.
#[derive(Clone)]
pub struct Quotas {
    pub tasks: Quota,
    pub lists: Quota,
}

impl Quotas {
    /// All of them.
    pub fn all(&self) -> [&Quota; 2] {
        [&self.tasks, &self.lists]
    }

    /// Gives back the places that are held for an owner: others have taken many.
    pub fn give_back(&self, owner: &OwnerId) {
        for quota in self.all() {
            quota.give_back(owner);
        }
    }
}

impl AppState {
    /// The bridge to the database, for what cannot be a part of a transaction.
    ///
    /// # Errors
    ///
    /// There is none: a bug.
    pub fn db(&self) -> Result<&Db, ApiError> {
        let internal = || ApiError::new(Code::Internal, "an internal error occurred");
        self.db.as_ref().ok_or_else(internal)
    }
}
