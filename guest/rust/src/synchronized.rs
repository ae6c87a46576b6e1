//! The common part of shared numbers and arrays: a lock beside them.

use crate::{Error, RLock, RLockGuard};
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::time::Duration;

/// A [`RawValue`](crate::RawValue) or [`RawArray`](crate::RawArray) with a recursive lock beside
/// it: a [`Value`](crate::Value) or an [`Array`](crate::Array). Python:
/// `multiprocessing.sharedctypes.Synchronized`.
///
/// It has all methods of the raw object, and they do not use the lock. The lock only excludes processes that
/// acquire it too. Cloning gives a second handle to the same object and the same lock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Synchronized<R> {
    raw: R,
    lock: RLock,
}

impl<R> Synchronized<R> {
    /// Puts a lock beside an object; several objects may share one lock. Python:
    /// `sharedctypes.synchronized(obj, lock)`, `Value(..., lock=lock)`.
    #[must_use]
    pub fn with_lock(raw: R, lock: RLock) -> Synchronized<R> {
        Synchronized { raw, lock }
    }

    /// Waits for the lock and acquires it, until the guard is dropped. The owner may acquire it again.
    /// Python: `with value.get_lock():`.
    ///
    /// # Errors
    /// As [`RLock::acquire`].
    pub fn lock(&self) -> Result<SynchronizedGuard<'_, R>, Error> {
        Ok(self.guard(self.lock.acquire()?))
    }

    /// Acquires the lock if no other process holds it; `None` if one does. Does not block.
    ///
    /// # Errors
    /// As [`RLock::acquire`].
    pub fn try_lock(&self) -> Result<Option<SynchronizedGuard<'_, R>>, Error> {
        let acquired = self.lock.try_acquire()?;
        Ok(acquired.map(|acquired| self.guard(acquired)))
    }

    /// Waits for the lock, for `timeout` at most; `None` if the time passed.
    ///
    /// # Errors
    /// As [`RLock::acquire`].
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<Option<SynchronizedGuard<'_, R>>, Error> {
        let acquired = self.lock.acquire_timeout(timeout)?;
        Ok(acquired.map(|acquired| self.guard(acquired)))
    }

    /// The lock itself. Python: `get_lock()`.
    #[must_use]
    pub fn rlock(&self) -> &RLock {
        &self.lock
    }

    /// The object without the lock. Python: `get_obj()`.
    #[must_use]
    pub fn raw(&self) -> &R {
        &self.raw
    }

    fn guard<'a>(&'a self, acquired: RLockGuard<'a>) -> SynchronizedGuard<'a, R> {
        SynchronizedGuard {
            raw: &self.raw,
            acquired,
        }
    }
}

impl<R> Deref for Synchronized<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.raw
    }
}

/// Holds the lock of a [`Value`](crate::Value) or [`Array`](crate::Array), and has all its methods; dropping
/// it releases the lock once.
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct SynchronizedGuard<'a, R> {
    raw: &'a R,
    acquired: RLockGuard<'a>,
}

impl<R> SynchronizedGuard<'_, R> {
    /// Whether the last owner ended without releasing the lock: the guarded data may be inconsistent.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.acquired.is_abandoned()
    }
}

impl<R> Deref for SynchronizedGuard<'_, R> {
    type Target = R;

    fn deref(&self) -> &R {
        self.raw
    }
}
