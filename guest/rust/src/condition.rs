//! Conditions.

use crate::bindings::sync::{Acquired, Condition as RawCondition};
use crate::handle::travels;
use crate::time::{NO_WAIT, nanoseconds};
use crate::{Error, Lock, RLock, blocking};
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A wait, under a lock, until other processes have made a predicate true. Python:
/// `multiprocessing.Condition`.
///
/// The methods to wait and to notify belong to the guard of [`Condition::acquire`], so no process can call
/// them without the lock.
///
/// ```no_run
/// # use isopod::{Condition, Queue};
/// # let queue = Queue::<u32>::new()?;
/// let condition = Condition::new()?;
/// let guard = condition.acquire()?;
/// guard.wait_for(|| !queue.is_empty())?;
/// # Ok::<(), isopod::Error>(())
/// ```
#[derive(Clone)]
pub struct Condition {
    raw: Arc<RawCondition>,
}

impl Condition {
    /// Makes a condition on a recursive lock of its own.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new() -> Result<Condition, Error> {
        Ok(Condition {
            raw: Arc::new(RawCondition::create()?),
        })
    }

    /// Makes a condition on a lock that other code uses too.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn with_lock(lock: &Lock) -> Result<Condition, Error> {
        Ok(Condition {
            raw: Arc::new(RawCondition::create_on(&lock.raw)?),
        })
    }

    /// Makes a condition on a recursive lock that other code uses too.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn with_rlock(lock: &RLock) -> Result<Condition, Error> {
        Ok(Condition {
            raw: Arc::new(RawCondition::create_on_rlock(&lock.raw)?),
        })
    }

    /// Acquires the condition's lock, until the guard is dropped.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn acquire(&self) -> Result<ConditionGuard<'_>, Error> {
        let acquired = blocking::wait(None, |timeout| self.raw.acquire(timeout))?;
        Ok(ConditionGuard {
            condition: self,
            is_abandoned: Cell::new(acquired == Acquired::Abandoned),
        })
    }
}

/// Holds the lock of a [`Condition`]; dropping it releases the lock.
#[must_use = "the lock is released when the guard is dropped"]
pub struct ConditionGuard<'a> {
    condition: &'a Condition,
    is_abandoned: Cell<bool>,
}

impl ConditionGuard<'_> {
    /// Releases the lock, waits for a notification, and acquires the lock again.
    ///
    /// It may return without a notification: callbacks of a [`Pool`](crate::Pool) run in this wait, under the
    /// lock, and end it. [`wait_for`](Self::wait_for) checks its predicate again.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn wait(&self) -> Result<(), Error> {
        self.wait_within(None).map(drop)
    }

    /// As [`wait`](Self::wait), for `timeout` at most; returns whether it was notified. As in Python, the
    /// timeout does not limit the time for acquiring the lock again.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, Error> {
        self.wait_within(Some(nanoseconds(timeout)))
    }

    /// Waits until `predicate` is true. The call checks it under the lock, first at once and then after each
    /// notification.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn wait_for(&self, mut predicate: impl FnMut() -> bool) -> Result<(), Error> {
        while !predicate() {
            self.wait()?;
        }
        Ok(())
    }

    /// As [`wait_for`](Self::wait_for), for `timeout` at most; returns the last value of `predicate`.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn wait_for_timeout(
        &self,
        mut predicate: impl FnMut() -> bool,
        timeout: Duration,
    ) -> Result<bool, Error> {
        let start = Instant::now();
        loop {
            if predicate() {
                return Ok(true);
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            self.wait_timeout(left)?;
        }
    }

    /// Wakes the process that has waited longest. Does not block.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn notify(&self) -> Result<(), Error> {
        self.notify_many(1)
    }

    /// Wakes up to `count` waiters. Python: `notify(n)`. Does not block.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn notify_many(&self, count: u32) -> Result<(), Error> {
        Ok(self.condition.raw.notify(count)?)
    }

    /// Wakes all waiters. Does not block.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn notify_all(&self) -> Result<(), Error> {
        Ok(self.condition.raw.notify_all()?)
    }

    /// Whether the last owner ended without releasing the lock when this guard last acquired it.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned.get()
    }

    fn wait_within(&self, timeout: Option<u64>) -> Result<bool, Error> {
        let (is_notified, acquired) = self.condition.raw.wait(timeout)?;
        self.is_abandoned.set(acquired == Acquired::Abandoned);
        // While callbacks ran, a notification may have come without a waiter. So this counts as notified, and
        // the caller checks its predicate.
        Ok(is_notified || (timeout != NO_WAIT && blocking::run_callbacks()))
    }
}

impl Drop for ConditionGuard<'_> {
    fn drop(&mut self) {
        // Another process may have released a plain lock already, as Python allows.
        let _ = self.condition.raw.release();
    }
}

impl fmt::Debug for ConditionGuard<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConditionGuard")
            .field("abandoned", &self.is_abandoned())
            .finish()
    }
}

travels!(Condition, RawCondition, "condition");
