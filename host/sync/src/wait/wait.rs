//! "Attempt under the mutex, else register and wait": the only loop that waits for an object.
//!
//! An object is a [`Shared`] state with its wait lists; an operation is an attempt on that state. [`wait`]
//! runs an operation on a thread, and [`Wait`](crate::wait::registration::Wait) does the same for a task.
//! Both [register](crate::wait::registration) once, attempt again when they are woken, and leave the list
//! however they end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::current::with_current;
use super::interrupt::Interrupt;
use super::list::Place;
use super::record::Subject;
use super::record_guard::RecordGuard;
use super::registration::Registration;
use super::shared::{Operation, Shared};
use super::waiter::Waiter;
use crate::shim::{Ordering, expired, spin_loop};

/// Runs an operation and waits for at most `timeout`: for ever without one, not at all if it is zero.
pub(crate) fn wait<O: Operation>(
    shared: &Shared<O::State>,
    subject: Subject,
    operation: &mut O,
    timeout: Option<Duration>,
) -> Result<O::Output, Interrupt> {
    match shared.attempt(operation, Place::Newcomer) {
        Ok(output) => Ok(output),
        Err(_) if timeout == Some(Duration::ZERO) => Err(Interrupt::TimedOut),
        Err(version) => wait_slowly(shared, subject, operation, timeout, version),
    }
}

#[cold]
fn wait_slowly<O: Operation>(
    shared: &Shared<O::State>,
    subject: Subject,
    operation: &mut O,
    timeout: Option<Duration>,
    version: usize,
) -> Result<O::Output, Interrupt> {
    // A clone, because hooks run while this waits and may read the current waiter.
    let waiter = with_current(Arc::clone);
    // A timeout too long to be represented counts as none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    if let Some(interrupt) = waiter.interrupt() {
        return Err(interrupt);
    }
    if waiter.may_spin()
        && let Some(output) = spin(shared, &waiter, operation, version)
    {
        return Ok(output);
    }
    match Registration::enter(shared, operation, &waiter) {
        Ok(output) => Ok(output),
        Err(registration) => park(subject, operation, &waiter, deadline, registration),
    }
}

/// Enters the list, runs `entered`, and waits for an operation that no newcomer can do. `entered` runs
/// while this wait is in the list, so any change that it lets others make finds the wait there. If
/// `entered` returns `None`, there is no wait and no result.
pub(crate) fn enter_and_wait<O: Operation, R>(
    shared: &Shared<O::State>,
    subject: Subject,
    operation: &mut O,
    timeout: Option<Duration>,
    entered: impl FnOnce() -> Option<R>,
) -> Option<(R, Result<O::Output, Interrupt>)> {
    let waiter = with_current(Arc::clone);
    // A timeout too long to be represented counts as none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let registration = Registration::enter(shared, operation, &waiter);
    let result = entered()?;
    let ended = match registration {
        Ok(output) => Ok(output),
        Err(registration) => match waiter.interrupt() {
            Some(interrupt) => Err(interrupt),
            None => park(subject, operation, &waiter, deadline, registration),
        },
    };
    Some((result, ended))
}

/// Waits in the list. The caller has already checked the kill flag.
fn park<O: Operation>(
    subject: Subject,
    operation: &mut O,
    waiter: &Waiter,
    deadline: Option<Instant>,
    mut registration: Registration<'_, O>,
) -> Result<O::Output, Interrupt> {
    let mut record = RecordGuard::new(waiter);
    loop {
        // A hook may have consumed the signal: then check again instead of parking.
        if !waiter.serve_inspection() {
            waiter.pause(deadline, || {
                record.set(std::iter::once(subject), O::NAME, deadline)
            });
        }
        if let Some(interrupt) = waiter.interrupt() {
            return Err(interrupt);
        }
        if let Some(output) = registration.attempt(operation, waiter.waker()) {
            return Ok(output);
        }
        if expired(deadline) {
            return Err(Interrupt::TimedOut);
        }
    }
}

/// Polls the version of the state for a few microseconds without entering the list, so that a peer that
/// runs on another core has no thread to wake.
fn spin<O: Operation>(
    shared: &Shared<O::State>,
    waiter: &Waiter,
    operation: &mut O,
    mut seen: usize,
) -> Option<O::Output> {
    /// About 2 us in all. Polling more often slows the peer down, because it takes the cache line of the
    /// version away from the peer; polling less often adds to each round trip.
    const PAUSES: u32 = 4;
    const LOOKS: u32 = if cfg!(loom) { 2 } else { 100 };
    for _ in 0..LOOKS {
        for _ in 0..PAUSES {
            spin_loop();
        }
        if shared.version.load(Ordering::Acquire) != seen {
            match shared.attempt(operation, Place::Newcomer) {
                Ok(output) => return Some(output),
                Err(version) => seen = version,
            }
        } else if waiter.is_killed() {
            return None;
        }
    }
    None
}
