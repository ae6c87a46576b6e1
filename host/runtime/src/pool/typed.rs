//! Typed results of the embedder's jobs: MessagePack becomes values, outcomes become errors.

use super::embedder::value;
use crate::exit_status::ExitStatus;
use crate::limits;
use isopod_sync::{Batch, Message, Outcome, SubmitError, TakeError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// Why a job has no value.
///
/// ```no_run
/// # fn example(pool: &isopod_host::pool::Pool) {
/// use isopod_host::pool::JobError;
/// match pool.apply::<u64>("square", &(7_u64,)) {
///     Ok(square) => println!("{square}"),
///     Err(JobError::WorkerLost(status)) => eprintln!("its worker ended: {status}"),
///     Err(error) => eprintln!("{error}"),
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobError {
    /// The timeout of the call passed; the job goes on.
    TimedOut,
    /// The task returned an error, with this text; or its name or its parameters are not those of the call.
    Failed(String),
    /// The task panicked, with this message and place. Its worker was replaced.
    Panicked(String),
    /// The worker ended in this way before the job did, and was replaced.
    /// [`ExitStatus::Deadline`] is the job's time limit.
    WorkerLost(ExitStatus),
    /// The job was never begun, for this reason.
    Cancelled(String),
    /// The pool cannot start workers, for this reason.
    PoolBroken(String),
    /// The pool was closed or terminated, and takes no more jobs.
    PoolNotRunning,
    /// The pool must be closed or terminated first.
    PoolStillRunning,
    /// The tree's limit on queued bytes does not leave room.
    LimitExceeded(String),
    /// The arguments cannot be encoded as a message.
    Encode(String),
    /// The value is not of the requested type.
    Decode(String),
    /// The value was taken before.
    Taken,
}

impl fmt::Display for JobError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobError::TimedOut => formatter.write_str("the timeout passed"),
            JobError::Failed(text) => write!(formatter, "the task failed: {text}"),
            JobError::Panicked(text) => write!(formatter, "the task {text}"),
            JobError::WorkerLost(status) => write!(formatter, "worker lost: {status}"),
            JobError::Cancelled(text) => write!(formatter, "the job was cancelled: {text}"),
            JobError::PoolBroken(text) => write!(formatter, "the pool is broken: {text}"),
            JobError::PoolNotRunning => formatter.write_str("the pool is not running"),
            JobError::PoolStillRunning => formatter.write_str("the pool is still running"),
            JobError::LimitExceeded(text) => formatter.write_str(text),
            JobError::Encode(text) => {
                write!(formatter, "the arguments cannot be made a message: {text}")
            }
            JobError::Decode(text) => {
                write!(formatter, "the value is not of the type asked for: {text}")
            }
            JobError::Taken => formatter.write_str("the value was taken before"),
        }
    }
}

impl std::error::Error for JobError {}

impl From<SubmitError> for JobError {
    fn from(error: SubmitError) -> JobError {
        match error {
            SubmitError::NotRunning => JobError::PoolNotRunning,
            SubmitError::Broken(text) => JobError::PoolBroken(text),
            SubmitError::TooManyJobs { limit } => JobError::LimitExceeded(too_many_jobs(limit)),
            SubmitError::TooManyWaiting { waiting, limit } => {
                JobError::LimitExceeded(limits::too_many_waiting(waiting, limit))
            }
            SubmitError::BudgetExceeded {
                queued_bytes,
                charged_bytes,
                limit_bytes,
            } => {
                let wanted = queued_bytes.saturating_add(charged_bytes);
                JobError::LimitExceeded(limits::over_either_budget(wanted, limit_bytes))
            }
        }
    }
}

/// The error text for more jobs in a batch than it may have.
pub(crate) fn too_many_jobs(limit: u32) -> String {
    format!("a batch has more than {limit} jobs, which is the limit")
}

impl From<TakeError> for JobError {
    fn from(error: TakeError) -> JobError {
        match error {
            // The threads of an embedder are never killed.
            TakeError::TimedOut | TakeError::Killed => JobError::TimedOut,
            TakeError::Empty => JobError::Taken,
        }
    }
}

/// The value of a submitted job, once it has ended.
///
/// ```no_run
/// # fn example(pool: &isopod_host::pool::Pool) -> Result<(), isopod_host::pool::JobError> {
/// let square = pool.apply_async::<u64>("square", &(7_u64,))?;
/// // Something else meanwhile.
/// assert_eq!(square.get()?, 49);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncResult<T> {
    batch: Batch<ExitStatus>,
    value: PhantomData<fn() -> T>,
}

/// The values of jobs that were submitted together, once they have ended.
#[derive(Debug)]
pub struct MapResult<T> {
    batch: Batch<ExitStatus>,
    values: PhantomData<fn() -> T>,
}

/// Declares the methods of both results.
macro_rules! result {
    ($result:ident, $value:ty, $marker:ident, $take:expr) => {
        impl<T: DeserializeOwned> $result<T> {
            pub(super) fn new(batch: Batch<ExitStatus>) -> Self {
                Self {
                    batch,
                    $marker: PhantomData,
                }
            }

            /// Waits for the result and takes it.
            ///
            /// # Errors
            /// The error of the job; of several jobs, the first error.
            pub fn get(self) -> Result<$value, JobError> {
                $take(self.batch.take_all_within(None)?)
            }

            /// As [`get`](Self::get), for `timeout` at most. The result can be taken once.
            ///
            /// # Errors
            /// As `get`; [`JobError::TimedOut`]; [`JobError::Taken`].
            pub fn get_timeout(&self, timeout: Duration) -> Result<$value, JobError> {
                $take(self.batch.take_all_within(Some(timeout))?)
            }

            /// As [`get`](Self::get), for an asynchronous embedder.
            ///
            /// # Errors
            /// As `get`.
            pub async fn get_async(self) -> Result<$value, JobError> {
                $take(self.batch.take_all_async().await?)
            }

            /// As [`get`](Self::get), but does not wait. The result can be taken once.
            ///
            /// # Errors
            /// As `get`; [`JobError::TimedOut`] if it is not ready; [`JobError::Taken`].
            pub fn try_get(&self) -> Result<$value, JobError> {
                self.get_timeout(Duration::ZERO)
            }

            /// Waits until the result is ready, and leaves it in place.
            pub fn wait(&self) {
                // The threads of an embedder are never killed.
                let _ = self.batch.wait_within(None);
            }

            /// As [`wait`](Self::wait), for an asynchronous embedder.
            pub async fn wait_async(&self) {
                self.batch.wait_async().await;
            }

            /// Waits until the result is ready, for `timeout` at most. Returns whether it is ready.
            pub fn wait_timeout(&self, timeout: Duration) -> bool {
                self.batch.wait_within(Some(timeout)).is_ok()
            }

            /// Whether the result is ready. Does not block.
            #[must_use]
            pub fn is_ready(&self) -> bool {
                self.batch.is_done()
            }
        }
    };
}

result!(AsyncResult, T, value, |outcomes: Vec<
    Outcome<ExitStatus>,
>| {
    let outcome = outcomes.into_iter().next().ok_or(JobError::Taken)?;
    value(outcome)
});

result!(MapResult, Vec<T>, values, |outcomes: Vec<
    Outcome<ExitStatus>,
>| {
    // A cancelled job was cancelled because of another one, so it is not the cause.
    let is_cause = |outcome: &Outcome<ExitStatus>| {
        !matches!(outcome, Outcome::Value(_) | Outcome::Cancelled(_))
    };
    match outcomes.iter().find(|outcome| is_cause(outcome)) {
        Some(cause) => Err(value::<T>(cause.clone()).err().unwrap_or(JobError::Taken)),
        None => outcomes.into_iter().map(value).collect(),
    }
});

impl<T> MapResult<T> {
    pub(super) fn into_batch(self) -> Batch<ExitStatus> {
        self.batch
    }
}

/// The values of jobs, one after the other as they become ready.
///
/// ```no_run
/// # fn example(pool: &isopod_host::pool::Pool) -> Result<(), isopod_host::pool::JobError> {
/// for square in pool.imap_unordered::<u64>("square", 0..100_u64)? {
///     println!("{}", square?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Imap<T> {
    batch: Batch<ExitStatus>,
    is_ordered: bool,
    values: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Imap<T> {
    pub(super) fn new(batch: Batch<ExitStatus>, is_ordered: bool) -> Imap<T> {
        Imap {
            batch,
            is_ordered,
            values: PhantomData,
        }
    }

    /// The next value, or the error of its job; none after the last. Waits for `timeout` at most.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<T, JobError>> {
        self.next_within(Some(timeout))
    }

    /// The next value, if it is ready: [`JobError::TimedOut`] if not, none after the last. Does not block.
    pub fn try_next(&mut self) -> Option<Result<T, JobError>> {
        self.next_within(Some(Duration::ZERO))
    }

    /// The next value, or the error of its job; none after the last. For an asynchronous embedder. A dropped
    /// future takes nothing.
    pub async fn next_async(&mut self) -> Option<Result<T, JobError>> {
        let next = match self.is_ordered {
            true => self.batch.next_async().await,
            false => {
                let next = self.batch.next_ended_async().await;
                next.map(|(_, outcome)| outcome)
            }
        };
        taken(next)
    }

    fn next_within(&mut self, timeout: Option<Duration>) -> Option<Result<T, JobError>> {
        let next = match self.is_ordered {
            true => self.batch.next_within(timeout),
            false => {
                let next = self.batch.next_ended_within(timeout);
                next.map(|(_, outcome)| outcome)
            }
        };
        taken(next)
    }
}

fn taken<T: DeserializeOwned>(
    next: Result<Outcome<ExitStatus>, TakeError>,
) -> Option<Result<T, JobError>> {
    match next {
        Ok(outcome) => Some(value(outcome)),
        Err(TakeError::Empty) => None,
        Err(error) => Some(Err(error.into())),
    }
}

impl<T: DeserializeOwned> Iterator for Imap<T> {
    type Item = Result<T, JobError>;

    fn next(&mut self) -> Option<Result<T, JobError>> {
        self.next_within(None)
    }
}

pub(super) fn encode(arguments: &impl Serialize) -> Result<Message, JobError> {
    let bytes = rmp_serde::to_vec(arguments);
    let bytes = bytes.map_err(|error| JobError::Encode(error.to_string()))?;
    Ok(Message::from_bytes(bytes))
}

pub(super) fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, JobError> {
    rmp_serde::from_slice(&message.bytes).map_err(|error| JobError::Decode(error.to_string()))
}
