//! Pools: workers that take jobs, are replaced when they end, and end with their pool.
//!
//! A pool has no thread of its own. The thread of a worker that has ended tells the pool, and starts the replacement,
//! or has the timer do so after a pause.

// `isopod_sync::Jobs` keeps the jobs; these files keep the processes that do them: `workers` how many there are, when one
// is replaced, when the pool is broken or over; `worker` one worker's side; `embedder` the embedder's pools.
mod embedder;
mod typed;
mod worker;
mod workers;

pub use embedder::{Pool, PoolBuilder};
pub(crate) use typed::too_many_jobs;
pub use typed::{AsyncResult, Imap, JobError, MapResult};
pub(crate) use workers::{Home, PoolState, Settings};
