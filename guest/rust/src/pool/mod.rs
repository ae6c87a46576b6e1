//! Pools of worker processes.

mod async_result;
mod builder;
mod callbacks;
mod chunks;
mod ended;
mod imap;
mod submission;

pub use async_result::{AsyncResult, MapResult};
pub use builder::PoolBuilder;
pub use callbacks::Callbacks;
pub use imap::Imap;
pub use submission::Submission;

use crate::bindings::pool::Pool as RawPool;
use crate::task::{Task, Value};
use crate::time::nanoseconds;
use crate::{Error, blocking, due};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::time::Duration;

/// A number of worker processes that run jobs. Python: `multiprocessing.Pool`.
///
/// The task of a job is like the task of a [`Process`](crate::Process): a function, or a closure that
/// captures nothing, whose parameters and value travel as messages. Each job is begun at most once, in the
/// order of submission. It always ends: with its value, or with an error that gives the reason why it has
/// none. If a worker is killed, traps, panics or reaches a limit, the job that it had begun fails, and the
/// pool replaces the worker. An error of a task ends only its job.
///
/// The workers are daemons of this process, so their tasks cannot start processes. Dropping the pool
/// terminates it, as leaving Python's `with Pool()` does: to let all jobs run, [`close`](Pool::close) and
/// [`join`](Pool::join) it. A pool cannot travel in a message. To use it from several places of one process,
/// share a reference or an `Rc`.
///
/// ```no_run
/// use isopod::Pool;
///
/// #[isopod::main]
/// fn main() -> isopod::Result<()> {
///     let pool = Pool::with_workers(4)?;
///     let squares = pool.map(|number: u64| number * number, 0..10)?;
///     println!("{squares:?}");
///     Ok(())
/// }
/// ```
pub struct Pool {
    raw: RawPool,
    /// Distinguishes the callbacks of this pool from those of others.
    id: u64,
    worker_count: usize,
}

impl Pool {
    /// Makes a pool with one worker for each core that processes may use. Does not wait for their start.
    ///
    /// # Errors
    /// Those of [`Process::spawn`](crate::Process::spawn).
    pub fn new() -> Result<Pool, Error> {
        Pool::builder().build()
    }

    /// Makes a pool of this many workers.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for 0; those of
    /// [`Process::spawn`](crate::Process::spawn).
    pub fn with_workers(count: usize) -> Result<Pool, Error> {
        Pool::builder().workers(count).build()
    }

    /// Options for a pool: its workers, their initializer, limits.
    #[must_use]
    pub fn builder() -> PoolBuilder {
        PoolBuilder::default()
    }

    /// Runs a job, and waits for its value.
    ///
    /// # Errors
    /// Those of [`apply_async`](Pool::apply_async) and [`AsyncResult::get`].
    pub fn apply<F, Args>(&self, task: F, arguments: Args) -> Result<Value<F, Args>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
    {
        self.submission().apply(task, arguments)
    }

    /// Submits a job, and does not wait for it.
    ///
    /// # Errors
    /// [`PoolNotRunning`](crate::ErrorKind::PoolNotRunning) after [`close`](Pool::close) or
    /// [`terminate`](Pool::terminate); [`PoolBroken`](crate::ErrorKind::PoolBroken);
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded); [`Encode`](crate::ErrorKind::Encode) for arguments
    /// that cannot be encoded. No job is submitted then.
    pub fn apply_async<F, Args>(
        &self,
        task: F,
        arguments: Args,
    ) -> Result<AsyncResult<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
    {
        self.submission().apply_async(task, arguments)
    }

    /// As [`apply_async`](Pool::apply_async), with callbacks for the end of the job.
    ///
    /// # Errors
    /// Those of [`apply_async`](Pool::apply_async).
    pub fn apply_async_with<F, Args>(
        &self,
        task: F,
        arguments: Args,
        callbacks: Callbacks<Value<F, Args>>,
    ) -> Result<AsyncResult<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
        Value<F, Args>: 'static,
    {
        self.submission()
            .apply_async_with(task, arguments, callbacks)
    }

    /// Runs the task with each item, and returns the values in the order of the items.
    ///
    /// The items are collected first, and travel in chunks, each of which is one job. See
    /// [`chunks`](Pool::chunks) for their size.
    ///
    /// # Errors
    /// Those of [`apply_async`](Pool::apply_async) and [`AsyncResult::get`]: the first error in the order of
    /// the items. The remaining items of its chunk do not run.
    pub fn map<F, A, I>(&self, task: F, items: I) -> Result<Vec<Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.submission().map(task, items)
    }

    /// As [`map`](Pool::map), without waiting.
    ///
    /// # Errors
    /// Those of [`apply_async`](Pool::apply_async).
    pub fn map_async<F, A, I>(&self, task: F, items: I) -> Result<MapResult<Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.submission().map_async(task, items)
    }

    /// As [`map_async`](Pool::map_async), with callbacks for the end of all jobs.
    ///
    /// # Errors
    /// Those of [`apply_async`](Pool::apply_async).
    pub fn map_async_with<F, A, I>(
        &self,
        task: F,
        items: I,
        callbacks: Callbacks<Vec<Value<F, (A,)>>>,
    ) -> Result<MapResult<Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
        Value<F, (A,)>: 'static,
    {
        self.submission().map_async_with(task, items, callbacks)
    }

    /// As [`map`](Pool::map), for a task with any number of parameters: the items are tuples.
    ///
    /// # Errors
    /// Those of [`map`](Pool::map).
    pub fn starmap<F, Args, I>(&self, task: F, items: I) -> Result<Vec<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
        I: IntoIterator<Item = Args>,
    {
        self.submission().starmap(task, items)
    }

    /// As [`starmap`](Pool::starmap), without waiting.
    ///
    /// # Errors
    /// Those of [`apply_async`](Pool::apply_async).
    pub fn starmap_async<F, Args, I>(
        &self,
        task: F,
        items: I,
    ) -> Result<MapResult<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
        I: IntoIterator<Item = Args>,
    {
        self.submission().starmap_async(task, items)
    }

    /// As [`starmap_async`](Pool::starmap_async), with callbacks for the end of all jobs.
    ///
    /// # Errors
    /// Those of [`apply_async`](Pool::apply_async).
    pub fn starmap_async_with<F, Args, I>(
        &self,
        task: F,
        items: I,
        callbacks: Callbacks<Vec<Value<F, Args>>>,
    ) -> Result<MapResult<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
        I: IntoIterator<Item = Args>,
        Value<F, Args>: 'static,
    {
        self.submission().starmap_async_with(task, items, callbacks)
    }

    /// Runs the task with each item, and returns the values one by one in the order of the items. Each item
    /// is a job of its own, unless [`chunks`](Pool::chunks) sets another size.
    ///
    /// The pool draws items while the caller takes values: up to four jobs for each worker are ahead. So the
    /// items may be endless, and may depend on values that were taken. (CPython draws all at once.)
    ///
    /// # Errors
    /// Those of [`apply_async`](Pool::apply_async).
    pub fn imap<'a, F, A, I>(&self, task: F, items: I) -> Result<Imap<'a, Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'a,
    {
        self.submission().imap(task, items)
    }

    /// As [`imap`](Pool::imap), with the values in the order in which the jobs end.
    ///
    /// # Errors
    /// Those of [`apply_async`](Pool::apply_async).
    pub fn imap_unordered<'a, F, A, I>(
        &self,
        task: F,
        items: I,
    ) -> Result<Imap<'a, Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'a,
    {
        self.submission().imap_unordered(task, items)
    }

    /// Sets the number of items in each job of a map. Python: `chunksize`.
    ///
    /// Without it, a map makes four jobs for each worker, and an `imap` makes one job of each item.
    ///
    /// ```no_run
    /// # use isopod::Pool;
    /// # #[isopod::main]
    /// # fn main() -> isopod::Result<()> {
    /// # let pool = Pool::new()?;
    /// let lengths = pool.chunks(100).imap(|word: String| word.len(), std::env::args())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn chunks(&self, size: usize) -> Submission<'_> {
        self.submission().chunks(size)
    }

    /// Limits the time of each job, from its beginning. At the limit the worker is ended in any state, and
    /// the job fails with [`WorkerLost`](crate::ErrorKind::WorkerLost) and
    /// [`ExitStatus::Deadline`](crate::ExitStatus::Deadline). Python has no equivalent.
    pub fn job_timeout(&self, timeout: Duration) -> Submission<'_> {
        self.submission().job_timeout(timeout)
    }

    /// The number of workers that the pool was made with.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.worker_count
    }

    /// Runs the callbacks of jobs that have ended. Does not block otherwise. Only a process that computes for
    /// a long time without a wait needs it: see [`Callbacks`].
    pub fn poll(&self) {
        if !blocking::run_callbacks() {
            due::run_overdue();
        }
    }

    /// Accepts no more jobs. Submitted jobs still run, and then the workers end. Does not block; closing
    /// twice is fine.
    pub fn close(&self) {
        self.raw.close();
    }

    /// Ends the workers in any state. Jobs that they had begun fail with
    /// [`WorkerLost`](crate::ErrorKind::WorkerLost), all others with
    /// [`Cancelled`](crate::ErrorKind::Cancelled). Does not block.
    pub fn terminate(&self) {
        self.raw.terminate();
    }

    /// Waits until all workers have ended and all callbacks of this process's jobs have run.
    ///
    /// # Errors
    /// [`PoolStillRunning`](crate::ErrorKind::PoolStillRunning) if the pool was neither closed nor
    /// terminated.
    pub fn join(&self) -> Result<(), Error> {
        self.join_within(None)
    }

    /// As [`join`](Pool::join), for `timeout` at most.
    ///
    /// # Errors
    /// [`TimedOut`](crate::ErrorKind::TimedOut), and those of [`join`](Pool::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), Error> {
        self.join_within(Some(nanoseconds(timeout)))
    }

    fn join_within(&self, timeout: Option<u64>) -> Result<(), Error> {
        blocking::wait(timeout, |timeout| self.raw.join(timeout))?;
        due::run();
        Ok(())
    }

    fn submission(&self) -> Submission<'_> {
        Submission::new(self)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pool")
            .field("workers", &self.worker_count)
            .finish_non_exhaustive()
    }
}
