//! Token buckets by key, in bounded memory.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{NotUntil, Quota, RateLimiter};
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
            Ok(state) => Ok(self.left(&state)),
            Err(wait) => Err(Left {
                requests: 0,
                seconds: self.seconds(&wait),
            }),
        }
    }

    /// Takes as many requests at once from a bucket. `before` is what was left of it.
    ///
    /// # Errors
    ///
    /// There are not so many in it, or never will be, and nothing was taken. The seconds
    /// are those until there are.
    pub fn take_many(&self, key: &K, count: u32, before: Left) -> Result<Left, Left> {
        let Some(count) = NonZeroU32::new(count) else {
            return Ok(before);
        };
        match self.limiter.check_key_n(key, count) {
            Ok(Ok(state)) => Ok(self.left(&state)),
            Ok(Err(wait)) => Err(Left {
                seconds: self.seconds(&wait),
                ..before
            }),
            Err(_) => Err(before),
        }
    }

    /// The size of a bucket.
    pub fn burst(&self) -> u32 {
        self.limit.burst
    }

    fn left(&self, state: &StateSnapshot) -> Left {
        let requests = state.remaining_burst_capacity();
        let missing = self.limit.burst.saturating_sub(requests);
        Left {
            requests,
            seconds: missing.div_ceil(self.limit.per_second.max(1)).max(1).into(),
        }
    }

    /// Rounded up: a client that retries too early would be refused again.
    fn seconds(&self, wait: &NotUntil<C::Instant>) -> u64 {
        let wait = wait.wait_time_from(self.limiter.clock().now());
        (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
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
