//! Recursive locks.

use crate::bindings::sync::{Acquired, Rlock as RawRLock};
use crate::bindings::types::ErrorCode;
use crate::handle::travels;
use crate::numbered::Numbered;
use crate::time::{NO_WAIT, nanoseconds, unless_timed_out};
use crate::{Error, blocking};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A lock that its owner can acquire again. It is free after the same number of releases. Python:
/// `multiprocessing.RLock`.
///
/// It is robust, like [`Lock`](crate::Lock).
///
/// ```no_run
/// # use isopod::RLock;
/// let lock = RLock::new()?;
/// let _outer = lock.acquire()?;
/// let _inner = lock.acquire()?;
/// # Ok::<(), isopod::Error>(())
/// ```
#[derive(Clone)]
pub struct RLock {
    pub(crate) raw: Arc<Numbered<RawRLock>>,
}

impl RLock {
    /// Makes a free lock.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new() -> Result<RLock, Error> {
        Ok(RLock {
            raw: Arc::new(RawRLock::create()?.into()),
        })
    }

    /// Waits until the lock is free or owned by this process, and acquires it once more, until the guard is
    /// dropped.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if it is held more than four billion times.
    #[inline]
    pub fn acquire(&self) -> Result<RLockGuard<'_>, Error> {
        Ok(RLockGuard {
            lock: self,
            acquired: self.wait(None)?,
        })
    }

    /// Acquires the lock if it is free or owned by this process; `None` if it is not. Does not block.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub fn try_acquire(&self) -> Result<Option<RLockGuard<'_>>, Error> {
        self.acquire_within(NO_WAIT)
    }

    /// Waits for the lock, for `timeout` at most; `None` if the time passed.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Option<RLockGuard<'_>>, Error> {
        self.acquire_within(Some(nanoseconds(timeout)))
    }

    /// Releases the lock once. This is needed only if a guard was passed to [`std::mem::forget`].
    ///
    /// # Errors
    /// [`NotOwner`](crate::ErrorKind::NotOwner) if this process does not hold it.
    #[inline]
    pub fn release(&self) -> Result<(), Error> {
        Ok(self.raw.release()?)
    }

    /// Whether any process holds the lock now. Does not block.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    #[inline]
    fn wait(&self, timeout: Option<u64>) -> Result<Acquired, ErrorCode> {
        blocking::wait(timeout, |timeout| self.raw.acquire(timeout))
    }

    fn acquire_within(&self, timeout: Option<u64>) -> Result<Option<RLockGuard<'_>>, Error> {
        let acquired = unless_timed_out(self.wait(timeout))?;
        Ok(acquired.map(|acquired| RLockGuard {
            lock: self,
            acquired,
        }))
    }
}

/// Holds an [`RLock`] once; dropping it releases the lock once.
#[must_use = "the lock is released when the guard is dropped"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    acquired: Acquired,
}

impl RLockGuard<'_> {
    /// Whether the last owner ended without releasing the lock: the guarded data may be inconsistent.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.acquired == Acquired::Abandoned
    }
}

impl Drop for RLockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // This fails only if the lock was released by hand before.
        let _ = self.lock.raw.release();
    }
}

impl fmt::Debug for RLockGuard<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RLockGuard")
            .field("abandoned", &self.is_abandoned())
            .finish()
    }
}

travels!(RLock, RawRLock, "rlock");
