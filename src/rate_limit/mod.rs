//! Rate limits: by verified owner, and by client IP address for refused tokens.
//!
//! Invariant: a request with a valid token is never limited by its IP address. A user
//! who shares an IP address with an attacker is served.

mod buckets;
mod client;
#[cfg(test)]
mod tests;

use std::hash::Hash;
use std::net::IpAddr;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

pub use buckets::{Buckets, Left};

use crate::primitives::problem::{ApiError, Code};
use crate::settings::RateLimit;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

const TOO_MANY: &str =
    "too many requests of this user; wait for as many seconds as Retry-After says";

/// The limits of a server. `O` is the type of an owner.
pub struct Limits<O: Hash + Eq + Clone> {
    owners: Policy<O>,
    addresses: Policy<IpAddr>,
    proxies: Vec<IpNet>,
}

impl<O: Hash + Eq + Clone> Limits<O> {
    /// The same limit for both kinds. `proxies` are the trusted ones.
    pub fn new(limit: RateLimit, proxies: Vec<IpNet>) -> Self {
        Self {
            owners: Policy::new("owner", limit),
            addresses: Policy::new("address", limit),
            proxies,
        }
    }

    /// Counts a request of an owner.
    ///
    /// # Errors
    ///
    /// 429: the owner's bucket is empty.
    pub fn count(&self, owner: &O) -> Result<Left, ApiError> {
        let taken = self.owners.buckets.take(owner);
        taken.map_err(|left| self.owners.refusal(left, TOO_MANY))
    }

    /// Counts as many requests of an owner more, and says what is left, with or without
    /// them.
    ///
    /// # Errors
    ///
    /// 429: the owner's bucket does not hold so many. None of them was taken.
    pub fn count_more(&self, owner: &O, count: u32, before: Left) -> (Left, Result<(), ApiError>) {
        match self.owners.buckets.take_many(owner, count, before) {
            Ok(left) => (left, Ok(())),
            Err(left) => (left, Err(self.owners.refusal(left, TOO_MANY))),
        }
    }

    /// How many requests of an owner are accepted at once.
    pub fn burst(&self) -> u32 {
        self.owners.buckets.burst()
    }

    /// Counts a request whose token was refused.
    ///
    /// # Errors
    ///
    /// 429: the bucket of the client's IP address is empty.
    pub fn count_refused(&self, request: &ServiceRequest) -> Result<(), ApiError> {
        let too_many = "too many requests from this IP address had no token that is accepted, and this one has none; get a new token, and wait for as many seconds as Retry-After says";
        // The server listens on TCP only, so every peer has an IP address.
        let Some(peer) = request.peer_addr() else {
            return Ok(());
        };
        let client = client::client_address(peer.ip(), request.headers(), &self.proxies);
        let key = client::subscriber(client);
        let taken = self.addresses.buckets.take(&key);
        let taken = taken.map_err(|left| self.addresses.refusal(left, too_many));
        taken.map(drop)
    }

    /// Adds the `RateLimit` headers to a response.
    pub fn describe(&self, left: Left, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::try_from(self.owners.describe(left)) {
            headers.insert(LIMIT, value);
            headers.insert(POLICY, self.owners.header.clone());
        }
    }
}

/// Buckets with their headers (draft-ietf-httpapi-ratelimit-headers-10).
struct Policy<K: Hash + Eq + Clone> {
    name: &'static str,
    header: HeaderValue,
    text: String,
    buckets: Buckets<K>,
}

impl<K: Hash + Eq + Clone> Policy<K> {
    fn new(name: &'static str, limit: RateLimit) -> Self {
        let RateLimit { per_second, burst } = limit;
        let window = burst.div_ceil(per_second.max(1)).max(1);
        let text = format!(r#""{name}";q={burst};w={window}"#);
        Self {
            name,
            header: HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("")),
            text,
            buckets: Buckets::new(limit),
        }
    }

    fn refusal(&self, left: Left, too_many: &'static str) -> ApiError {
        ApiError::new(Code::RateLimited, too_many)
            .with_header("retry-after", &left.seconds.to_string())
            .with_header("ratelimit", &self.describe(left))
            .with_header("ratelimit-policy", &self.text)
    }

    fn describe(&self, left: Left) -> String {
        format!(r#""{}";r={};t={}"#, self.name, left.requests, left.seconds)
    }
}
