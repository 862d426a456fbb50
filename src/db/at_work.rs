//! Who does the work of the bridge at the moment.

use std::sync::Arc;

use super::crew::{Crew, Pool};
#[cfg(feature = "postgres")]
use super::pipelines::Pipelines;
use super::turns::Turns;

/// What belongs to the threads that work now. A crew that hangs takes its turns
/// with it: who had them must not wait for what never ends.
pub(super) struct AtWork {
    pub pool: Pool,
    pub reads: Arc<Turns>,
    pub writes: Arc<Turns>,
    #[cfg(feature = "postgres")]
    pub pipelines: Option<Arc<Pipelines>>,
}

impl AtWork {
    pub fn of(crew: &Crew, readers: usize, one_writer: bool) -> Self {
        let reads = Arc::new(Turns::new(readers.div_ceil(2)));
        let writes = match one_writer {
            // One that is written, and one that is next.
            true => Arc::new(Turns::new(2)),
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
