//! Conditions.

use crate::bindings::sync::{Acquired, Condition as RawCondition};
use crate::handle::travels;
use crate::time::{NO_WAIT, nanoseconds};
use crate::{Error, Lock, RLock, blocking};
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Waits for something that other processes make true, under a lock. Python:
/// `multiprocessing.Condition`.
///
/// What is waited for, and told, is behind the guard of [`Condition::acquire`]: nobody can wait or
/// notify without the lock.
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

    /// Makes a condition on a lock that others use too.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn with_lock(lock: &Lock) -> Result<Condition, Error> {
        Ok(Condition {
            raw: Arc::new(RawCondition::create_on(&lock.raw)?),
        })
    }

    /// Makes a condition on a recursive lock that others use too.
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
    /// None that can be met today.
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
    /// Releases the lock, waits to be notified, and acquires it again.
    ///
    /// It may return without a notification: callbacks of a [`Pool`](crate::Pool) run in this wait,
    /// under the lock, and end it. [`wait_for`](Self::wait_for) asks again.
    ///
    /// # Errors
    /// None that can be met today.
    pub fn wait(&self) -> Result<(), Error> {
        self.wait_within(None).map(drop)
    }

    /// As [`wait`](Self::wait), for `timeout` at most; says whether it was notified. Acquiring the
    /// lock again takes as long as it takes, as in Python.
    ///
    /// # Errors
    /// None that can be met today.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, Error> {
        self.wait_within(Some(nanoseconds(timeout)))
    }

    /// Waits until `predicate` is true. It is asked under the lock, first at once and then after
    /// each notification.
    ///
    /// # Errors
    /// None that can be met today.
    pub fn wait_for(&self, mut predicate: impl FnMut() -> bool) -> Result<(), Error> {
        while !predicate() {
            self.wait()?;
        }
        Ok(())
    }

    /// As [`wait_for`](Self::wait_for), for `timeout` at most; gives what `predicate` said last.
    ///
    /// # Errors
    /// None that can be met today.
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

    /// Wakes the one who has waited longest. Does not block.
    ///
    /// # Errors
    /// None that can be met today.
    pub fn notify(&self) -> Result<(), Error> {
        self.notify_many(1)
    }

    /// Wakes up to `count` of those who wait. Python: `notify(n)`. Does not block.
    ///
    /// # Errors
    /// None that can be met today.
    pub fn notify_many(&self, count: u32) -> Result<(), Error> {
        Ok(self.condition.raw.notify(count)?)
    }

    /// Wakes everybody who waits. Does not block.
    ///
    /// # Errors
    /// None that can be met today.
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
        // Where callbacks have run, a notification may have come while nobody waited for it. So this
        // is as good as notified, and who waits looks at what it waits for.
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
