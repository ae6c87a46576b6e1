//! Events.

use crate::bindings::sync::Event as RawEvent;
use crate::bindings::types::ErrorCode;
use crate::handle::travels;
use crate::numbered::Numbered;
use crate::time::{nanoseconds, unless_timed_out};
use crate::{Error, blocking};
use std::sync::Arc;
use std::time::Duration;

/// A flag that processes wait for. Python: `multiprocessing.Event`.
///
/// ```no_run
/// # use isopod::{Event, Process};
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let go = Event::new()?;
/// let child = Process::spawn(|go: Event| go.wait(), (go.clone(),))?;
/// go.set();
/// child.join()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Event {
    raw: Arc<Numbered<RawEvent>>,
}

impl Event {
    /// Makes an event that is not set.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new() -> Result<Event, Error> {
        Ok(Event {
            raw: Arc::new(RawEvent::create()?.into()),
        })
    }

    /// Whether the event is set. Does not block.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.raw.is_set()
    }

    /// Sets the event, and wakes all waiters. Does not block.
    pub fn set(&self) {
        self.raw.set();
    }

    /// Clears the event. Does not block.
    pub fn clear(&self) {
        self.raw.clear();
    }

    /// Waits until the event is set.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn wait(&self) -> Result<(), Error> {
        Ok(self.wait_within(None)?)
    }

    /// Waits until the event is set, for `timeout` at most; returns whether it was set.
    ///
    /// # Errors
    /// Never fails today; the error leaves room for later failures.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, Error> {
        let waited = self.wait_within(Some(nanoseconds(timeout)));
        Ok(unless_timed_out(waited)?.is_some())
    }

    fn wait_within(&self, timeout: Option<u64>) -> Result<(), ErrorCode> {
        blocking::wait(timeout, |timeout| self.raw.wait(timeout))
    }
}

travels!(Event, RawEvent, "event");
