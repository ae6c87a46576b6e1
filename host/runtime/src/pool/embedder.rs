//! The embedder's pools.

use super::typed::{AsyncResult, Imap, JobError, MapResult, decode, encode};
use super::workers::{Home, PoolState, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::exit_status::ExitStatus;
use crate::life::Initializer;
use crate::process::{Command, Ends, Process, Terminator};
use isopod_sync::{Batch, BatchOptions, Holder, Message, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A pool of worker processes to which the embedder gives jobs. Dropping it terminates the workers.
///
/// A job calls a task of the program by its public name; in a Rust guest `#[isopod::task]` gives the task
/// that name. Arguments and values travel as MessagePack. A job begins at most once and always ends: a worker
/// that panics, traps, or is ended fails the job that it had begun, and is replaced.
///
/// ```no_run
/// use isopod_host::{Command, Engine, Program};
/// use isopod_host::pool::Pool;
/// let engine = Engine::new()?;
/// let program = Program::from_file(&engine, "squares.wasm")?;
/// let pool = Pool::builder(Command::new(&program)).workers(2).build()?;
/// let one: u64 = pool.apply("square", &(7_u64,))?;
/// let many: Vec<u64> = pool.map("square", 0..100_u64)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The names are Python's. There, `apply_async` is not asynchronous: it submits a job and returns an
/// [`AsyncResult`], for which any thread or task can wait:
///
/// ```no_run
/// # async fn example(pool: &isopod_host::pool::Pool) -> Result<(), isopod_host::pool::JobError> {
/// let one = pool.apply_async::<u64>("square", &(7_u64,))?.get_async().await?;
/// let mut values = pool.imap::<u64>("square", 0..100_u64)?;
/// while let Some(value) = values.next_async().await {
///     println!("{}", value?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pool {
    state: Arc<PoolState>,
}

/// The settings of a pool before it is made.
#[derive(Debug)]
#[must_use = "a pool is made by `build`"]
pub struct PoolBuilder {
    command: Command,
    settings: Settings,
    initializer: Option<Result<Initializer, JobError>>,
}

impl PoolBuilder {
    /// The number of workers. Default: one for each core that processes may use.
    pub fn workers(mut self, count: u32) -> PoolBuilder {
        self.settings.workers = count;
        self
    }

    /// Replaces each worker by a new process when it has done `count` jobs. Default: never.
    pub fn max_jobs_per_worker(mut self, count: u32) -> PoolBuilder {
        self.settings.max_jobs_per_worker = Some(count);
        self
    }

    /// Makes each worker call this task first, replacements too. `arguments` is a tuple: `(7,)`. A worker
    /// whose initializer fails ends; after ten in a row the pool is broken.
    pub fn initializer(mut self, task: &str, arguments: &impl Serialize) -> PoolBuilder {
        self.initializer = Some(encode(arguments).map(|message| Initializer {
            name: Some(Arc::from(task)),
            message,
        }));
        self
    }

    /// Ends a job, with its worker, when it has run for longer than `timeout`. Default: no limit.
    pub fn job_timeout(mut self, timeout: Duration) -> PoolBuilder {
        self.settings.job_timeout = Some(timeout);
        self
    }

    /// Bounds each worker's linear memories, in bytes. Default: the limit of the command.
    pub fn memory_limit(mut self, bytes: u64) -> PoolBuilder {
        self.command = self.command.memory_limit(bytes);
        self
    }

    /// When a job of a batch fails, cancels the jobs of the batch that have not begun, and waits for none of
    /// the others. Default: the pool waits for all.
    pub fn fail_fast(mut self, fail_fast: bool) -> PoolBuilder {
        self.settings.fails_fast = fail_fast;
        self
    }

    /// Makes the pool and starts its workers. Does not wait for them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for no workers at all, no jobs per worker, or arguments of the
    /// initializer that cannot be encoded as a message; the errors of [`Command::spawn`].
    pub fn build(self) -> Result<Pool> {
        let PoolBuilder {
            command,
            mut settings,
            initializer,
        } = self;
        settings.initializer = initializer.transpose().map_err(|error| {
            Error::new(
                ErrorKind::InvalidArgument,
                "the initializer of the pool cannot be called",
            )
            .with_cause(error)
        })?;
        let program = command.program().clone();
        if settings.workers == 0 || settings.max_jobs_per_worker == Some(0) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a pool has at least one worker, and a worker at least one job",
            ));
        }
        settings.limits = command.process_limits();
        let (tree, rights) = command.into_tree()?;
        settings.rights = rights;
        // Its workers come and go, so the tree must outlive moments without a process.
        tree.hold();
        let home = Home {
            program,
            tree,
            parent: None,
        };
        let state = PoolState::start(home, Holder::Embedder, settings)?;
        Ok(Pool { state })
    }
}

impl Pool {
    /// A pool with one worker for each core that processes may use.
    ///
    /// # Errors
    /// The errors of [`PoolBuilder::build`].
    pub fn new(command: Command) -> Result<Pool> {
        Pool::builder(command).build()
    }

    /// Starts with the default settings. The command's arguments, directories, streams and limits apply to
    /// each worker.
    pub fn builder(command: Command) -> PoolBuilder {
        let cores = command.program().engine().cores().len();
        PoolBuilder {
            command,
            settings: Settings {
                workers: u32::try_from(cores).unwrap_or(1),
                ..Settings::default()
            },
            initializer: None,
        }
    }

    /// Calls a task and waits for its value. `arguments` is a tuple: `(7,)`.
    ///
    /// # Errors
    /// Any [`JobError`] of the submission or of the job.
    pub fn apply<T: DeserializeOwned>(
        &self,
        task: &str,
        arguments: &impl Serialize,
    ) -> Result<T, JobError> {
        self.apply_async(task, arguments)?.get()
    }

    /// Submits a call of a task. Does not block.
    ///
    /// # Errors
    /// [`JobError::PoolNotRunning`], [`JobError::PoolBroken`], [`JobError::LimitExceeded`],
    /// [`JobError::Encode`].
    pub fn apply_async<T: DeserializeOwned>(
        &self,
        task: &str,
        arguments: &impl Serialize,
    ) -> Result<AsyncResult<T>, JobError> {
        let batch = self.submit(task, vec![encode(arguments)?])?;
        Ok(AsyncResult::new(batch))
    }

    /// Calls a task of one parameter for each item, and waits for the values, in the order of the items.
    ///
    /// # Errors
    /// The error of the first item that failed, when all jobs have ended; or at once, if the pool fails fast.
    pub fn map<T: DeserializeOwned>(
        &self,
        task: &str,
        items: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<Vec<T>, JobError> {
        self.map_async(task, items)?.get()
    }

    /// As [`map`](Self::map), without waiting.
    ///
    /// # Errors
    /// As [`apply_async`](Self::apply_async).
    pub fn map_async<T: DeserializeOwned>(
        &self,
        task: &str,
        items: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<MapResult<T>, JobError> {
        self.starmap_async(task, items.into_iter().map(|item| (item,)))
    }

    /// As [`map`](Self::map), for a task of several parameters: each item is a tuple of arguments.
    ///
    /// # Errors
    /// As [`map`](Self::map).
    pub fn starmap<T: DeserializeOwned>(
        &self,
        task: &str,
        items: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<Vec<T>, JobError> {
        self.starmap_async(task, items)?.get()
    }

    /// As [`starmap`](Self::starmap), without waiting.
    ///
    /// # Errors
    /// As [`apply_async`](Self::apply_async).
    pub fn starmap_async<T: DeserializeOwned>(
        &self,
        task: &str,
        items: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<MapResult<T>, JobError> {
        let messages = items
            .into_iter()
            .map(|item| encode(&item))
            .collect::<Result<_, JobError>>()?;
        Ok(MapResult::new(self.submit(task, messages)?))
    }

    /// As [`map_async`](Self::map_async), as an iterator over the values in the order of the items.
    ///
    /// # Errors
    /// As [`apply_async`](Self::apply_async).
    pub fn imap<T: DeserializeOwned>(
        &self,
        task: &str,
        items: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<Imap<T>, JobError> {
        let results: MapResult<T> = self.map_async(task, items)?;
        Ok(Imap::new(results.into_batch(), true))
    }

    /// As [`imap`](Self::imap), in the order in which the jobs end.
    ///
    /// # Errors
    /// As [`apply_async`](Self::apply_async).
    pub fn imap_unordered<T: DeserializeOwned>(
        &self,
        task: &str,
        items: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<Imap<T>, JobError> {
        let results: MapResult<T> = self.map_async(task, items)?;
        Ok(Imap::new(results.into_batch(), false))
    }

    /// Submits calls of a task whose arguments are messages that the embedder made itself: MessagePack for a
    /// Rust guest, and handles beside it. Does not block.
    ///
    /// # Errors
    /// As [`apply_async`](Self::apply_async).
    pub fn submit(
        &self,
        task: &str,
        messages: Vec<Message>,
    ) -> Result<Batch<ExitStatus>, JobError> {
        let options = BatchOptions {
            name: Some(Arc::from(task)),
            fails_fast: self.state.settings.fails_fast,
            ..BatchOptions::default()
        };
        let (batch, _) = self.state.jobs.submit(messages, options)?;
        Ok(batch)
    }

    /// The live workers.
    pub fn workers(&self) -> Vec<Process> {
        let live = self.state.live();
        live.into_iter().map(Process::new).collect()
    }

    /// Takes no more jobs. The jobs submitted before still run, then the workers end. Returns at once.
    pub fn close(&self) {
        self.state.close();
    }

    /// Ends the workers, whatever they are doing, and cancels the jobs that have not begun. Returns at once.
    pub fn terminate(&self) {
        self.state.terminate();
    }

    /// Returns a terminator, which terminates the pool from anywhere: it can be cloned and sent, and keeps
    /// nothing of the pool alive.
    ///
    /// ```no_run
    /// # fn example(pool: &isopod_host::pool::Pool) {
    /// let terminator = pool.terminator();
    /// std::thread::spawn(move || terminator.terminate());
    /// # }
    /// ```
    pub fn terminator(&self) -> Terminator {
        let state: Weak<dyn Ends> = Arc::downgrade(&self.state) as _;
        Terminator::of_part(state)
    }

    /// Waits until all workers have ended.
    ///
    /// # Errors
    /// [`JobError::PoolStillRunning`] if it was neither closed nor terminated.
    pub fn join(&self) -> Result<(), JobError> {
        self.join_within(None)
    }

    /// As [`join`](Self::join), but gives up after `timeout`.
    ///
    /// # Errors
    /// As `join`; [`JobError::TimedOut`].
    pub fn join_timeout(&self, timeout: Duration) -> Result<(), JobError> {
        self.join_within(Some(timeout))
    }

    /// As [`join`](Self::join), but does not wait.
    ///
    /// # Errors
    /// As `join`; [`JobError::TimedOut`] while a worker lives.
    pub fn try_join(&self) -> Result<(), JobError> {
        self.join_within(Some(Duration::ZERO))
    }

    /// As [`join`](Self::join), for an asynchronous embedder.
    ///
    /// # Errors
    /// As `join`.
    pub async fn join_async(&self) -> Result<(), JobError> {
        self.check_ending()?;
        self.state.ended.wait_async().await;
        Ok(())
    }

    fn join_within(&self, timeout: Option<Duration>) -> Result<(), JobError> {
        self.check_ending()?;
        let ended = self.state.ended.wait_within(timeout);
        ended.map_err(|_| JobError::TimedOut)
    }

    fn check_ending(&self) -> Result<(), JobError> {
        match self.state.is_ending() {
            true => Ok(()),
            false => Err(JobError::PoolStillRunning),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.state.terminate();
    }
}

/// The value of an outcome.
pub(super) fn value<T: DeserializeOwned>(outcome: Outcome<ExitStatus>) -> Result<T, JobError> {
    match outcome {
        Outcome::Value(message) => decode(&message),
        Outcome::Failed(text) => Err(JobError::Failed(text)),
        Outcome::Panicked(text) => Err(JobError::Panicked(text)),
        Outcome::WorkerLost(status) => Err(JobError::WorkerLost(status)),
        Outcome::Cancelled(text) => Err(JobError::Cancelled(text)),
        Outcome::PoolBroken(text) => Err(JobError::PoolBroken(text)),
    }
}
