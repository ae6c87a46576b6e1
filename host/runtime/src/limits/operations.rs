//! The number of operations that may block a thread at a time: of a process, of a tree, of an engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// A limit on the number of operations at a time. Clones share the limit.
#[derive(Debug, Clone)]
pub(crate) struct OperationLimit {
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) limit: u32,
    /// The nanoseconds of CPU time of the operations that have returned.
    pub(crate) used: Arc<AtomicU64>,
}

impl OperationLimit {
    pub(crate) fn new(limit: u32) -> OperationLimit {
        let slots = usize::try_from(limit).unwrap_or(usize::MAX);
        OperationLimit {
            slots: Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS))),
            limit,
            used: Arc::default(),
        }
    }

    /// The CPU time of the operations that have returned.
    pub(crate) fn cpu_time(&self) -> Duration {
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }

    /// The number of operations that have not returned.
    pub(crate) fn outstanding(&self) -> u32 {
        let free = u32::try_from(self.slots.available_permits()).unwrap_or(u32::MAX);
        self.limit.saturating_sub(free)
    }
}
