//! Locks.

use crate::bindings::sync::{Acquired, Lock as RawLock};
use crate::bindings::types::ErrorCode;
use crate::handle::travels;
use crate::numbered::Numbered;
use crate::time::{NO_WAIT, nanoseconds, unless_timed_out};
use crate::{Error, blocking};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A lock that one process at a time can hold. Not recursive: a process that acquires it twice
/// waits for itself.
///
/// The lock is robust: when its owner ends in any way, the lock is free again, and the next owner learns of
/// it ([`LockGuard::is_abandoned`]).
///
/// ```no_run
/// # use isopod::Lock;
/// let lock = Lock::new()?;
/// {
///     let _guard = lock.acquire()?;
///     println!("nobody else holds the lock here");
/// }
/// # Ok::<(), isopod::Error>(())
/// ```
#[derive(Clone)]
pub struct Lock {
    pub(crate) raw: Arc<Numbered<RawLock>>,
}

impl Lock {
    /// Makes a free lock.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new() -> Result<Lock, Error> {
        Ok(Lock {
            raw: Arc::new(RawLock::create()?.into()),
        })
    }

    /// Waits until the lock is free, and acquires it until the guard is dropped.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    #[inline]
    pub fn acquire(&self) -> Result<LockGuard<'_>, Error> {
        Ok(LockGuard {
            lock: self,
            acquired: self.wait(None)?,
        })
    }

    /// Acquires the lock if it is free; `None` if it is not. Does not block.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn try_acquire(&self) -> Result<Option<LockGuard<'_>>, Error> {
        self.acquire_within(NO_WAIT)
    }

    /// Waits for the lock, for `timeout` at most; `None` if the time passed.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Option<LockGuard<'_>>, Error> {
        self.acquire_within(Some(nanoseconds(timeout)))
    }

    /// Releases the lock, even if another process holds it, as in Python. This is needed only for a lock
    /// whose guard was passed to [`std::mem::forget`]. Does not block.
    ///
    /// # Errors
    /// [`NotHeld`](crate::ErrorKind::NotHeld) if the lock is free.
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

    fn acquire_within(&self, timeout: Option<u64>) -> Result<Option<LockGuard<'_>>, Error> {
        let acquired = unless_timed_out(self.wait(timeout))?;
        Ok(acquired.map(|acquired| LockGuard {
            lock: self,
            acquired,
        }))
    }
}

/// Holds a [`Lock`]; dropping it releases the lock.
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard<'a> {
    lock: &'a Lock,
    acquired: Acquired,
}

impl LockGuard<'_> {
    /// Whether the last owner ended without releasing the lock: the guarded data may be inconsistent.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.acquired == Acquired::Abandoned
    }
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // Another process may have released the lock already, as Python allows; then nothing is left to do.
        let _ = self.lock.raw.release();
    }
}

travels!(Lock, RawLock, "lock");

impl fmt::Debug for LockGuard<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LockGuard")
            .field("abandoned", &self.is_abandoned())
            .finish()
    }
}
