//! The submission of jobs: encoded, in chunks, with a time limit.

use super::callbacks::Callbacks;
use super::{AsyncResult, Imap, MapResult, Pool, chunks, ended};
use crate::Error;
use crate::bindings::pool::{Batch, Job};
use crate::message::{self, Encoded};
use crate::task::{self, Task, Value};
use crate::time::nanoseconds;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::time::Duration;

/// Options for the submission of jobs to a pool: [`Pool::chunks`] and [`Pool::job_timeout`] return this.
///
/// ```no_run
/// # use isopod::Pool;
/// # use std::time::Duration;
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// # let pool = Pool::new()?;
/// let patient = pool.job_timeout(Duration::from_secs(5)).chunks(8);
/// let squares = patient.map(|number: u64| number * number, 0..100)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "this submits nothing by itself"]
pub struct Submission<'a> {
    pool: &'a Pool,
    chunk_size: Option<usize>,
    job_timeout: Option<Duration>,
}

impl<'a> Submission<'a> {
    pub(super) fn new(pool: &'a Pool) -> Submission<'a> {
        Submission {
            pool,
            chunk_size: None,
            job_timeout: None,
        }
    }

    /// As [`Pool::chunks`].
    pub fn chunks(mut self, size: usize) -> Submission<'a> {
        self.chunk_size = Some(size);
        self
    }

    /// As [`Pool::job_timeout`].
    pub fn job_timeout(mut self, timeout: Duration) -> Submission<'a> {
        self.job_timeout = Some(timeout);
        self
    }

    /// As [`Pool::apply`].
    ///
    /// # Errors
    /// Those of [`Pool::apply`].
    pub fn apply<F, Args>(self, task: F, arguments: Args) -> Result<Value<F, Args>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
    {
        self.apply_async(task, arguments)?.get()
    }

    /// As [`Pool::apply_async`].
    ///
    /// # Errors
    /// Those of [`Pool::apply_async`].
    pub fn apply_async<F, Args>(
        self,
        task: F,
        arguments: Args,
    ) -> Result<AsyncResult<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
    {
        let batch = self.submit_one(task, &arguments, false)?;
        Ok(AsyncResult::new(batch, ended::only))
    }

    /// As [`Pool::apply_async_with`].
    ///
    /// # Errors
    /// Those of [`Pool::apply_async`].
    pub fn apply_async_with<F, Args>(
        self,
        task: F,
        arguments: Args,
        callbacks: Callbacks<Value<F, Args>>,
    ) -> Result<AsyncResult<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
        Value<F, Args>: 'static,
    {
        let batch = self.submit_one(task, &arguments, true)?;
        Ok(self.with_callbacks(batch, ended::only, callbacks))
    }

    /// As [`Pool::map`].
    ///
    /// # Errors
    /// Those of [`Pool::map`].
    pub fn map<F, A, I>(self, task: F, items: I) -> Result<Vec<Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.map_async(task, items)?.get()
    }

    /// As [`Pool::map_async`].
    ///
    /// # Errors
    /// Those of [`Pool::map_async`].
    pub fn map_async<F, A, I>(self, task: F, items: I) -> Result<MapResult<Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.starmap_async(task, items.into_iter().map(|item| (item,)))
    }

    /// As [`Pool::map_async_with`].
    ///
    /// # Errors
    /// Those of [`Pool::map_async`].
    pub fn map_async_with<F, A, I>(
        self,
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
        self.starmap_async_with(task, items.into_iter().map(|item| (item,)), callbacks)
    }

    /// As [`Pool::starmap`].
    ///
    /// # Errors
    /// Those of [`Pool::starmap`].
    pub fn starmap<F, Args, I>(self, task: F, items: I) -> Result<Vec<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
        I: IntoIterator<Item = Args>,
    {
        self.starmap_async(task, items)?.get()
    }

    /// As [`Pool::starmap_async`].
    ///
    /// # Errors
    /// Those of [`Pool::starmap_async`].
    pub fn starmap_async<F, Args, I>(
        self,
        task: F,
        items: I,
    ) -> Result<MapResult<Value<F, Args>>, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
        I: IntoIterator<Item = Args>,
    {
        let batch = self.submit_chunks(task, items, false)?;
        Ok(AsyncResult::new(batch, ended::all))
    }

    /// As [`Pool::starmap_async_with`].
    ///
    /// # Errors
    /// Those of [`Pool::starmap_async`].
    pub fn starmap_async_with<F, Args, I>(
        self,
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
        let batch = self.submit_chunks(task, items, true)?;
        Ok(self.with_callbacks(batch, ended::all, callbacks))
    }

    /// As [`Pool::imap`].
    ///
    /// # Errors
    /// Those of [`Pool::imap`].
    pub fn imap<'i, F, A, I>(self, task: F, items: I) -> Result<Imap<'i, Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'i,
    {
        self.start_imap(task, items.into_iter(), true)
    }

    /// As [`Pool::imap_unordered`].
    ///
    /// # Errors
    /// Those of [`Pool::imap`].
    pub fn imap_unordered<'i, F, A, I>(
        self,
        task: F,
        items: I,
    ) -> Result<Imap<'i, Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
        I::IntoIter: 'i,
    {
        self.start_imap(task, items.into_iter(), false)
    }

    fn submit_one<F, Args>(self, task: F, arguments: &Args, notify: bool) -> Result<Batch, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
    {
        // The type alone determines the task, so the worker can make the value again.
        std::mem::forget(task);
        let index = task::table_index::<F, Args>(task::job::<F, Args>)?;
        let job = message::encode_into(Vec::new(), &index, arguments)?;
        self.submit(type_name::<F>(), &mut [job], notify)
    }

    fn submit_chunks<F, Args, I>(self, task: F, items: I, notify: bool) -> Result<Batch, Error>
    where
        F: Task<Args>,
        Args: Serialize + DeserializeOwned,
        I: IntoIterator<Item = Args>,
    {
        std::mem::forget(task);
        let items: Vec<Args> = items.into_iter().collect();
        let size = chunks::size(self.chunk_size, items.len(), self.pool.worker_count)?;
        let index = task::table_index::<F, Args>(task::chunk::<F, Args>)?;
        let mut jobs = items
            .chunks(size)
            .map(|chunk| message::encode_into(Vec::new(), &index, chunk))
            .collect::<Result<Vec<_>, _>>()?;
        drop(items);
        self.submit(type_name::<F>(), &mut jobs, notify)
    }

    fn start_imap<'i, F, A, I>(
        self,
        task: F,
        mut items: I,
        is_ordered: bool,
    ) -> Result<Imap<'i, Value<F, (A,)>>, Error>
    where
        F: Task<(A,)>,
        A: Serialize + DeserializeOwned,
        I: Iterator<Item = A> + 'i,
    {
        std::mem::forget(task);
        let size = chunks::size(self.chunk_size.or(Some(1)), 0, 0)?;
        let index = task::table_index::<F, (A,)>(task::chunk::<F, (A,)>)?;
        let draw = move || {
            let chunk: Vec<(A,)> = items.by_ref().take(size).map(|item| (item,)).collect();
            (!chunk.is_empty()).then(|| message::encode_into(Vec::new(), &index, chunk.as_slice()))
        };
        let read_ahead = chunks::read_ahead(self.pool.worker_count);
        Imap::start(Box::new(draw), read_ahead, is_ordered, |jobs| {
            self.submit(type_name::<F>(), jobs, false)
        })
    }

    /// Submits jobs, and takes their bytes.
    fn submit(self, label: &str, jobs: &mut [Encoded], notify: bool) -> Result<Batch, Error> {
        let timeout = self.job_timeout.map(nanoseconds);
        Ok(self
            .pool
            .raw
            .submit(label, &raw_jobs(jobs), timeout, notify)?)
    }

    fn with_callbacks<T: 'static>(
        self,
        batch: Batch,
        collect: super::async_result::Collect<T>,
        callbacks: Callbacks<T>,
    ) -> AsyncResult<T> {
        let pool = (self.pool.id, self.pool.worker_count);
        AsyncResult::with_callbacks(batch, collect, callbacks, pool)
    }
}

/// Jobs as the host takes them: their bytes are moved, their handles are borrowed.
pub(super) fn raw_jobs(jobs: &mut [Encoded]) -> Vec<Job<'_>> {
    jobs.iter_mut()
        .map(|job| Job {
            bytes: std::mem::take(&mut job.bytes),
            handles: job.handles.iter().collect(),
        })
        .collect()
}
