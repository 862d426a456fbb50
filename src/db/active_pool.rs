//! Who does the work of the bridge at the moment.

use std::sync::Arc;

use super::owner_limiter::OwnerLimiter;
#[cfg(feature = "postgres")]
use super::pipelines::Pipelines;
use super::worker_pool::{Pool, WorkerPool};

/// What belongs to the threads that work now. A crew that hangs takes its turns
/// with it: who had them must not wait for what never ends.
pub(super) struct ActivePool {
    pub pool: Pool,
    pub reads: Arc<OwnerLimiter>,
    pub writes: Arc<OwnerLimiter>,
    #[cfg(feature = "postgres")]
    pub pipelines: Option<Arc<Pipelines>>,
}

impl ActivePool {
    pub fn of(crew: &WorkerPool, readers: usize, one_writer: bool) -> Self {
        let reads = Arc::new(OwnerLimiter::new(readers.div_ceil(2)));
        let writes = match one_writer {
            // One that is written, and one that is next.
            true => Arc::new(OwnerLimiter::new(2)),
            false => Arc::clone(&reads),
        };
        Self {
            pool: crew.pool.clone(),
            reads,
            writes,
            #[cfg(feature = "postgres")]
            pipelines: crew.pipelines.clone(),
        }
    }
}
