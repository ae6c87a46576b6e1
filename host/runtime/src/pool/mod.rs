//! Pools: workers that are started, given jobs, replaced when they end, and ended with the pool.
//!
//! What becomes of jobs is [`isopod_sync::Jobs`]'s business; here are the processes that do them. A
//! pool has no thread of its own: the thread of a worker that has ended tells the pool, and starts
//! the replacement, or has the timer do so after a pause.
//!
//! * [`workers`]: how many there are, when one is replaced, when the pool is broken, when it is over.
//! * [`worker`]: one worker's side: its next job, its report, its end.
//! * [`embedder`]: pools of the embedder's.

mod embedder;
mod typed;
mod worker;
mod workers;

pub use embedder::{Pool, PoolBuilder};
pub(crate) use typed::too_many_jobs;
pub use typed::{AsyncResult, Imap, JobError, MapResult};
pub(crate) use workers::{Home, PoolState, Settings};
