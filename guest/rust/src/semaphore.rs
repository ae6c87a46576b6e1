//! Semaphores.

use crate::bindings::sync::{Acquired, Semaphore as RawSemaphore};
use crate::bindings::types::ErrorCode;
use crate::handle::travels;
use crate::numbered::Numbered;
use crate::time::{NO_WAIT, nanoseconds, unless_timed_out};
use crate::{Error, blocking};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A number of permits that processes acquire and release. Python: `multiprocessing.Semaphore`, and
/// `BoundedSemaphore` for [`Semaphore::bounded`].
///
/// If a process is killed, traps or reaches a limit, the host releases the permits that it holds. At its
/// normal end a process keeps them, as in Python: a permit may be a signal that one process sends and another
/// receives.
///
/// ```no_run
/// # use isopod::Semaphore;
/// let two_at_a_time = Semaphore::new(2)?;
/// let _permit = two_at_a_time.acquire()?;
/// # Ok::<(), isopod::Error>(())
/// ```
#[derive(Clone)]
pub struct Semaphore {
    raw: Arc<Numbered<RawSemaphore>>,
}

impl Semaphore {
    /// Makes a semaphore with this many permits, which may grow.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) above 2,147,483,647.
    pub fn new(permits: u32) -> Result<Semaphore, Error> {
        Semaphore::with_bound(permits, None)
    }

    /// Makes a semaphore that never has more than its initial number of permits.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) above 2,147,483,647.
    pub fn bounded(permits: u32) -> Result<Semaphore, Error> {
        Semaphore::with_bound(permits, Some(permits))
    }

    /// Waits for a permit and acquires it, until the guard is dropped.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>, Error> {
        Ok(Permit {
            semaphore: self,
            acquired: self.wait(None)?,
        })
    }

    /// Acquires a permit if there is one. Does not block.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn try_acquire(&self) -> Result<Option<Permit<'_>>, Error> {
        self.acquire_within(NO_WAIT)
    }

    /// Waits for a permit, for `timeout` at most; `None` if the time passed.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Option<Permit<'_>>, Error> {
        self.acquire_within(Some(nanoseconds(timeout)))
    }

    /// Adds permits; any process may, whether or not it acquired them. Does not block.
    ///
    /// # Errors
    /// [`NotHeld`](crate::ErrorKind::NotHeld), and no change, if there would be more than the bound or than
    /// 2,147,483,647.
    #[inline]
    pub fn release(&self, permits: u32) -> Result<(), Error> {
        Ok(self.raw.release(permits)?)
    }

    /// The current number of free permits. Python: `get_value()`. Does not block.
    #[must_use]
    pub fn value(&self) -> u32 {
        self.raw.value()
    }

    fn with_bound(permits: u32, bound: Option<u32>) -> Result<Semaphore, Error> {
        Ok(Semaphore {
            raw: Arc::new(RawSemaphore::create(permits, bound)?.into()),
        })
    }

    #[inline]
    fn wait(&self, timeout: Option<u64>) -> Result<Acquired, ErrorCode> {
        blocking::wait(timeout, |timeout| self.raw.acquire(timeout))
    }

    fn acquire_within(&self, timeout: Option<u64>) -> Result<Option<Permit<'_>>, Error> {
        let acquired = unless_timed_out(self.wait(timeout))?;
        Ok(acquired.map(|acquired| Permit {
            semaphore: self,
            acquired,
        }))
    }
}

/// A permit of a [`Semaphore`]; dropping it releases the permit, [`keep`](Permit::keep) does not.
#[must_use = "the permit is given back when this is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    acquired: Acquired,
}

impl Permit<'_> {
    /// Keeps the permit acquired after this call; another release may free it.
    pub fn keep(self) {
        std::mem::forget(self);
    }

    /// Whether this permit came from a process that ended without releasing it.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.acquired == Acquired::Abandoned
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        // This fails only if another process has released permits up to the bound.
        let _ = self.semaphore.raw.release(1);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Permit")
            .field("abandoned", &self.is_abandoned())
            .finish()
    }
}

travels!(Semaphore, RawSemaphore, "semaphore");
