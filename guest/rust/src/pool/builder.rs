//! The options of a pool.

use super::Pool;
use crate::bindings::pool::{Options, Pool as RawPool};
use crate::bindings::types::Handle;
use crate::message::{self, Encoded};
use crate::task::{self, Task};
use crate::time::nanoseconds;
use crate::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Options for a pool; see [`Pool::builder`].
///
/// ```no_run
/// # use isopod::Pool;
/// # use std::time::Duration;
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let pool = Pool::builder()
///     .workers(4)
///     .initializer(|name: String| println!("a worker for {name}"), ("tests".to_owned(),))
///     .job_timeout(Duration::from_secs(10))
///     .memory_limit(64 << 20)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct PoolBuilder {
    workers: Option<usize>,
    initializer: Option<Result<Encoded, Error>>,
    max_jobs_per_worker: Option<u32>,
    job_timeout: Option<Duration>,
    memory_limit: Option<u64>,
    fail_fast: bool,
}

impl PoolBuilder {
    /// The number of workers. Default: the number of cores that processes may use. Python:
    /// `processes`.
    #[must_use]
    pub fn workers(mut self, count: usize) -> PoolBuilder {
        self.workers = Some(count);
        self
    }

    /// The task that each worker runs first, also a worker that replaces another. Its value is dropped. If it
    /// fails repeatedly, the pool is broken. Python: `initializer` and `initargs`.
    #[must_use]
    pub fn initializer<F, Args>(mut self, task: F, arguments: Args) -> PoolBuilder
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
    {
        std::mem::forget(task);
        let index = task::table_index::<F, Args>(task::job::<F, Args>);
        self.initializer =
            Some(index.and_then(|index| message::encode_into(Vec::new(), &index, &arguments)));
        self
    }

    /// Replaces each worker by a new process after this many jobs. Default: never. A chunk of a map is one
    /// job. Python: `maxtasksperchild`.
    #[must_use]
    pub fn max_jobs_per_worker(mut self, count: u32) -> PoolBuilder {
        self.max_jobs_per_worker = Some(count);
        self
    }

    /// Ends a job, and its worker, that has run for longer than this; see [`Pool::job_timeout`]. Default: no
    /// such limit.
    #[must_use]
    pub fn job_timeout(mut self, timeout: Duration) -> PoolBuilder {
        self.job_timeout = Some(timeout);
        self
    }

    /// Limits the memory of each worker, in bytes. Default: the limit of this process.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> PoolBuilder {
        self.memory_limit = Some(bytes);
        self
    }

    /// Whether the first failed job of a map cancels the jobs that are not begun, so that the caller does not
    /// wait for the others. Default: no, as in Python.
    #[must_use]
    pub fn fail_fast(mut self, fail_fast: bool) -> PoolBuilder {
        self.fail_fast = fail_fast;
        self
    }

    /// Makes the pool, and starts its workers without waiting for them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for 0 workers, or 0 jobs per worker; [`ErrorKind::LimitExceeded`] for a
    /// memory limit above this process's own; [`ErrorKind::Encode`] for arguments of the initializer that
    /// cannot be encoded; those of [`Process::spawn`](crate::Process::spawn).
    pub fn build(self) -> Result<Pool, Error> {
        let options = Options::new();
        if let Some(count) = self.workers {
            let count = u32::try_from(count).map_err(|_| {
                let text = format!("{count} workers are more than {}", u32::MAX);
                Error::with_text(ErrorKind::InvalidArgument, text)
            })?;
            options.set_workers(count)?;
        }
        if let Some(initializer) = self.initializer {
            let Encoded { bytes, handles } = initializer?;
            let handles: Vec<&Handle> = handles.iter().collect();
            options.set_initializer(&bytes, &handles);
        }
        if let Some(count) = self.max_jobs_per_worker {
            options.set_max_jobs_per_worker(count)?;
        }
        if let Some(timeout) = self.job_timeout {
            options.set_job_timeout(nanoseconds(timeout));
        }
        if let Some(bytes) = self.memory_limit {
            options.set_memory_limit(bytes)?;
        }
        options.set_fail_fast(self.fail_fast);
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let raw = RawPool::create(&options)?;
        Ok(Pool {
            worker_count: usize::try_from(raw.worker_count()).unwrap_or(usize::MAX),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            raw,
        })
    }
}
