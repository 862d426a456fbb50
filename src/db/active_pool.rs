//! The worker pool that the bridge uses at the moment.

use std::sync::Arc;

use super::owner_limiter::OwnerLimiter;
#[cfg(feature = "postgres")]
use super::pipelines::Pipelines;
use super::worker_pool::{Pool, WorkerPool};

/// The current pool with its limiters. When a worker pool hangs and is replaced, its
/// limiters are replaced with it: permits held by threads that hang may never be
/// returned.
pub(super) struct ActivePool {
    pub pool: Pool,
    pub reads: Arc<OwnerLimiter>,
    pub writes: Arc<OwnerLimiter>,
    #[cfg(feature = "postgres")]
    pub pipelines: Option<Arc<Pipelines>>,
}

impl ActivePool {
    pub fn of(worker_pool: &WorkerPool, readers: usize, one_writer: bool) -> Self {
        let reads = Arc::new(OwnerLimiter::new(readers.div_ceil(2)));
        let writes = match one_writer {
            // One write that runs, and the next one in the queue.
            true => Arc::new(OwnerLimiter::new(2)),
            false => Arc::clone(&reads),
        };
        Self {
            pool: worker_pool.pool.clone(),
            reads,
            writes,
            #[cfg(feature = "postgres")]
            pipelines: worker_pool.pipelines.clone(),
        }
    }
}
