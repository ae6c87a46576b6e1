//! Pools. A pool starts workers, gives them jobs, replaces them when they end, and ends them with itself.
//!
//! [`isopod_sync::Jobs`] keeps the jobs; this module keeps the processes that do them. A pool has no thread
//! of its own. The thread of a worker that has ended tells the pool, and starts the replacement, or has the
//! timer do so after a pause.
//!
//! * [`workers`]: how many there are, when one is replaced, when the pool is broken, when it is over.
//! * [`worker`]: one worker's side: its next job, its report, its end.
//! * [`embedder`]: the embedder's pools.

mod embedder;
mod typed;
mod worker;
mod workers;

pub use embedder::{Pool, PoolBuilder};
pub(crate) use typed::too_many_jobs;
pub use typed::{AsyncResult, Imap, JobError, MapResult};
pub(crate) use workers::{Home, PoolState, Settings};
