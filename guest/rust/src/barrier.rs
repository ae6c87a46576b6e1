//! Barriers.

use crate::bindings::sync::{Arrival, Barrier as RawBarrier};
use crate::handle::travels;
use crate::time::nanoseconds;
use crate::{Error, blocking};
use std::sync::Arc;
use std::time::Duration;

/// A point that a number of processes pass together. Python: `multiprocessing.Barrier`.
///
/// A process that ends while it waits breaks the barrier, so that no other process waits for it.
///
/// ```no_run
/// # use isopod::Barrier;
/// let barrier = Barrier::new(3)?;
/// let index = barrier.wait()?;
/// # Ok::<(), isopod::Error>(())
/// ```
#[derive(Clone)]
pub struct Barrier {
    raw: Arc<RawBarrier>,
}

impl Barrier {
    /// Makes a barrier for this many parties.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new(parties: u32) -> Result<Barrier, Error> {
        Ok(Barrier {
            raw: Arc::new(RawBarrier::create(parties)?),
        })
    }

    /// Waits until all parties have arrived. Returns a number from 0 that is unique among them.
    ///
    /// # Errors
    /// [`ErrorKind::BrokenBarrier`](crate::ErrorKind::BrokenBarrier).
    pub fn wait(&self) -> Result<u32, Error> {
        self.wait_within(None, || ())
    }

    /// As [`wait`](Self::wait), for `timeout` at most; after that, the barrier is broken for all parties.
    ///
    /// # Errors
    /// [`ErrorKind::BrokenBarrier`](crate::ErrorKind::BrokenBarrier).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<u32, Error> {
        self.wait_within(Some(nanoseconds(timeout)), || ())
    }

    /// As [`wait`](Self::wait); the last party to arrive runs its `action` before any party goes on. Python:
    /// `Barrier(action=...)`; there the barrier has one action, here each call passes its own.
    ///
    /// # Errors
    /// [`ErrorKind::BrokenBarrier`](crate::ErrorKind::BrokenBarrier), also if the process ends while it runs
    /// the action.
    pub fn wait_with(&self, action: impl FnOnce()) -> Result<u32, Error> {
        self.wait_within(None, action)
    }

    /// Breaks the barrier, until it is reset. Does not block.
    pub fn abort(&self) {
        self.raw.abort();
    }

    /// Makes the barrier usable again; waiting parties get an error. Does not block.
    pub fn reset(&self) {
        self.raw.reset();
    }

    /// The number of parties.
    #[must_use]
    pub fn parties(&self) -> u32 {
        self.raw.parties()
    }

    /// The number of parties that wait now. Python: `n_waiting`.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.raw.waiting()
    }

    /// Whether the barrier is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.raw.is_broken()
    }

    fn wait_within(&self, timeout: Option<u64>, action: impl FnOnce()) -> Result<u32, Error> {
        let passed = match self.raw.wait(timeout)? {
            Arrival::Passed(index) => index,
            Arrival::Last(index) => {
                action();
                self.raw.pass()?;
                index
            }
        };
        // The host does not end this wait early for callbacks, because that would break the barrier.
        blocking::run_callbacks();
        Ok(passed)
    }
}

travels!(Barrier, RawBarrier, "barrier");
