//! Token buckets by key, in bounded memory.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;

use crate::settings::RateLimit;

/// The max number of buckets. A key whose bucket was evicted starts with a full one;
/// keys in frequent use are evicted last.
pub(super) const REMEMBERED: usize = 32_768;

/// The state of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Requests that are accepted at once.
    pub requests: u32,
    /// Whole seconds until the bucket is full; if it is empty, until the next request is
    /// accepted.
    pub seconds: u64,
}

/// Buckets of the same size, one for each key.
pub struct Buckets<K, C = MonotonicClock>
where
    K: Hash + Eq + Clone,
    C: Clock,
{
    limit: RateLimit,
    limiter: RateLimiter<K, Bounded<K>, C, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Buckets with the real clock.
    pub fn new(limit: RateLimit) -> Self {
        Self::with_clock(limit, MonotonicClock)
    }
}

impl<K: Hash + Eq + Clone, C: Clock> Buckets<K, C> {
    pub(super) fn with_clock(limit: RateLimit, clock: C) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limit.per_second))
            .allow_burst(at_least_one(limit.burst));
        Self {
            limit,
            limiter: RateLimiter::new(quota, Bounded(Cache::new(REMEMBERED)), clock),
        }
    }

    /// The number of buckets in memory.
    #[cfg(test)]
    pub(super) fn remembered(self) -> usize {
        self.limiter.into_state_store().0.len()
    }

    /// Takes one request from a bucket.
    ///
    /// # Errors
    ///
    /// The bucket is empty, and nothing was taken.
    pub fn take(&self, key: &K) -> Result<Left, Left> {
        match self.limiter.check_key(key) {
            Ok(state) => {
                let requests = state.remaining_burst_capacity();
                let missing = self.limit.burst.saturating_sub(requests);
                Ok(Left {
                    requests,
                    seconds: missing.div_ceil(self.limit.per_second.max(1)).max(1).into(),
                })
            }
            Err(wait) => {
                let wait = wait.wait_time_from(self.limiter.clock().now());
                Err(Left {
                    requests: 0,
                    // Rounded up: a client that retries too early would be refused again.
                    seconds: (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1),
                })
            }
        }
    }
}

/// The states of the buckets. Their number is bounded, however many random keys an
/// attacker sends.
struct Bounded<K>(Cache<K, Arc<InMemoryState>>);

impl<K: Hash + Eq + Clone> StateStore for Bounded<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let new = || Ok::<_, std::convert::Infallible>(Arc::default());
        let Ok(state) = self.0.get_or_insert_with(key, new);
        state.measure_and_replace(&NotKeyed::NonKey, decide)
    }
}
