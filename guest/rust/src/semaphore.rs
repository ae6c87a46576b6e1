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

/// A number of permits that processes take and give back. Python: `multiprocessing.Semaphore`, and
/// with [`Semaphore::bounded`] `BoundedSemaphore`.
///
/// A process that is killed, traps or reaches a limit gives back what it has taken. One that comes
/// to its normal end does not, as in Python: a permit may be a signal that one process gives and
/// another takes.
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

    /// Makes a semaphore that never has more than the permits it begins with.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) above 2,147,483,647.
    pub fn bounded(permits: u32) -> Result<Semaphore, Error> {
        Semaphore::with_bound(permits, Some(permits))
    }

    /// Waits for a permit and takes it, until the guard is dropped.
    ///
    /// # Errors
    /// None that can be met today.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>, Error> {
        Ok(Permit {
            semaphore: self,
            acquired: self.wait(None)?,
        })
    }

    /// Takes a permit if there is one. Does not block.
    ///
    /// # Errors
    /// None that can be met today.
    pub fn try_acquire(&self) -> Result<Option<Permit<'_>>, Error> {
        self.acquire_within(NO_WAIT)
    }

    /// Waits for a permit, for `timeout` at most; `None` if the time passed.
    ///
    /// # Errors
    /// None that can be met today.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Option<Permit<'_>>, Error> {
        self.acquire_within(Some(nanoseconds(timeout)))
    }

    /// Adds permits, whoever has taken them. Does not block.
    ///
    /// # Errors
    /// [`NotHeld`](crate::ErrorKind::NotHeld), and no change, if there would be more than the bound or than
    /// 2,147,483,647.
    #[inline]
    pub fn release(&self, permits: u32) -> Result<(), Error> {
        Ok(self.raw.release(permits)?)
    }

    /// The number of free permits now. Python: `get_value()`. Does not block.
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

/// A permit of a [`Semaphore`]; dropping it gives it back, [`keep`](Permit::keep) does not.
#[must_use = "the permit is given back when this is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    acquired: Acquired,
}

impl Permit<'_> {
    /// Takes the permit for good: somebody else gives it back, if anybody does.
    pub fn keep(self) {
        std::mem::forget(self);
    }

    /// Whether this permit is one of a process that ended without giving it back.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.acquired == Acquired::Abandoned
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        // Fails only if somebody else has released it beyond the bound.
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
