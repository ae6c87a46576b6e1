//! The results of jobs that run in the background after their submission.

use super::callbacks::Callbacks;
use crate::bindings::pool::{Batch, Outcome};
use crate::bindings::types::ErrorCode;
use crate::due::{self, Due};
use crate::time::{NO_WAIT, nanoseconds};
use crate::{Error, ErrorKind, blocking};
use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// The future result of jobs that were submitted with [`Pool::apply_async`](crate::Pool::apply_async) and
/// similar methods: a `T`, or an error. Python: `AsyncResult`.
///
/// Dropping this drops the value; the jobs and their callbacks still run.
///
/// ```no_run
/// # use isopod::Pool;
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let pool = Pool::new()?;
/// let results = (1..=10_u64)
///     .map(|number| pool.apply_async(|number: u64| number * number, (number,)))
///     .collect::<Result<Vec<_>, _>>()?;
/// for result in results {
///     println!("{}", result.get()?);
/// }
/// # Ok(())
/// # }
/// ```
pub struct AsyncResult<T> {
    state: Rc<State<T>>,
}

/// The result of the map methods of [`Pool`](crate::Pool): the list of the values. Python: `MapResult`.
pub type MapResult<T> = AsyncResult<Vec<T>>;

/// A function that turns outcomes into the result.
pub(crate) type Collect<T> = fn(Vec<Outcome>) -> Result<T, Error>;

/// The state that an [`AsyncResult`] shares with the list of callbacks.
struct State<T> {
    batch: Batch,
    collect: Collect<T>,
    callbacks: RefCell<Option<Callbacks<T>>>,
    /// The result that the callbacks received, until it is taken.
    ended: Cell<Option<Result<T, Error>>>,
}

impl<T> AsyncResult<T> {
    /// The result of jobs without callbacks.
    pub(crate) fn new(batch: Batch, collect: Collect<T>) -> AsyncResult<T> {
        AsyncResult {
            state: Rc::new(State {
                batch,
                collect,
                callbacks: RefCell::new(None),
                ended: Cell::new(None),
            }),
        }
    }

    /// Waits until the jobs have ended, and returns the value.
    ///
    /// # Errors
    /// [`ErrorKind::TaskFailed`] if the task returned an error, or its value cannot be encoded;
    /// [`ErrorKind::TaskPanicked`]; [`ErrorKind::WorkerLost`] if the worker ended before the job did, also at
    /// the job's time limit; [`ErrorKind::Cancelled`] if the pool was terminated before the job was begun;
    /// [`ErrorKind::PoolBroken`]; [`ErrorKind::NotFound`] if the value was taken before. For a map, this is
    /// the first error in the order of its arguments. It comes only when all jobs have ended, unless the pool
    /// [fails fast](crate::PoolBuilder::fail_fast).
    pub fn get(self) -> Result<T, Error> {
        self.state.take(None)
    }

    /// As [`get`](Self::get), for `timeout` at most. The value can be taken once (in Python it stays).
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]: the jobs go on, and the value can be taken later; and those of
    /// [`get`](Self::get).
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, Error> {
        self.state.take(Some(nanoseconds(timeout)))
    }

    /// Waits until the jobs have ended, with or without a value.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn wait(&self) -> Result<(), Error> {
        self.state.wait(None)
    }

    /// As [`wait`](Self::wait), for `timeout` at most; returns whether the jobs have ended.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, Error> {
        match self.state.wait(Some(nanoseconds(timeout))) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the jobs have ended. Does not block. Python: `ready()`.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state.batch.is_done()
    }

    /// Whether all jobs have ended with a value. Does not block. Python: `successful()`.
    ///
    /// # Errors
    /// [`ErrorKind::StillRunning`] if not all of them have ended. Python: `ValueError`.
    pub fn is_successful(&self) -> Result<bool, Error> {
        if !self.is_ready() {
            return Err(Error::with_text(
                ErrorKind::StillRunning,
                "the jobs of this result have not all ended",
            ));
        }
        Ok(!self.state.batch.has_failed())
    }
}

impl<T: 'static> AsyncResult<T> {
    /// The result of jobs of this pool, with callbacks.
    pub(crate) fn with_callbacks(
        batch: Batch,
        collect: Collect<T>,
        callbacks: Callbacks<T>,
        (pool, worker_count): (u64, usize),
    ) -> AsyncResult<T> {
        let result = AsyncResult::new(batch, collect);
        result.state.callbacks.replace(Some(callbacks));
        let entry: Rc<dyn Due> = Rc::clone(&result.state) as Rc<dyn Due>;
        due::add(pool, worker_count, entry);
        result
    }
}

impl<T> State<T> {
    fn has_callbacks(&self) -> bool {
        self.callbacks.borrow().is_some()
    }

    /// Waits for the end of the jobs and of their callbacks, so that the caller may rely on both.
    fn wait(&self, timeout: Option<u64>) -> Result<(), Error> {
        blocking::wait(timeout, |timeout| self.batch.wait(timeout))?;
        if self.has_callbacks() {
            due::run();
            // Inside a callback, other callbacks wait for its end. These cannot wait, because the caller
            // needs them now.
            self.run_callbacks();
        }
        Ok(())
    }

    fn take(&self, timeout: Option<u64>) -> Result<T, Error> {
        if self.has_callbacks() {
            self.wait(timeout)?;
        }
        match self.ended.take() {
            Some(ended) => ended,
            None => self.collect(timeout),
        }
    }

    fn collect(&self, timeout: Option<u64>) -> Result<T, Error> {
        let taken = blocking::wait(timeout, |timeout| self.batch.take_all(timeout));
        match unless_taken(taken)? {
            Some(outcomes) => (self.collect)(outcomes),
            None => Err(Error::with_text(
                ErrorKind::NotFound,
                "the value of this result was taken before",
            )),
        }
    }

    fn run_callbacks(&self) {
        let Some(callbacks) = self.callbacks.take() else {
            return;
        };
        let ended = self.collect(NO_WAIT);
        callbacks.run(&ended);
        self.ended.set(Some(ended));
    }
}

/// `None` for the error that outcomes were taken before.
fn unless_taken<T>(taken: Result<T, ErrorCode>) -> Result<Option<T>, Error> {
    match taken {
        Ok(outcomes) => Ok(Some(outcomes)),
        Err(ErrorCode::Empty) => Ok(None),
        Err(code) => Err(code.into()),
    }
}

impl<T> Due for State<T> {
    fn is_done(&self) -> bool {
        self.batch.is_done()
    }

    fn run(&self) {
        self.run_callbacks();
    }
}

impl<T> fmt::Debug for AsyncResult<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AsyncResult<{}>", type_name::<T>())
    }
}
