//! "Attempt under the mutex, else register and wait": the only loop that waits for an object.
//!
//! An object is a [`Shared`] state with its wait lists, an operation is an attempt on that state.
//! [`wait`] runs an operation on a thread, [`Wait`](crate::registration::Wait) is the same for a
//! task. Both [register](crate::registration) once, attempt again when they are woken, and leave the
//! list however they end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::current::with_current;
use crate::object::{Kind, ObjectId};
use crate::record::RecordGuard;
use crate::registration::Registration;
use crate::shim::{AtomicUsize, Mutex, Ordering, expired, spin_loop};
use crate::wait_list::{Place, WaitList, Wakes};
use crate::waiter::Waiter;

/// The state of an object, with its wait lists.
pub(crate) trait State {
    /// Restores the invariant: as many waits are woken as what is there can serve. Called after
    /// every change.
    fn settle(&mut self, wakes: &mut Wakes);
}

/// A state under its mutex.
#[derive(Debug)]
pub(crate) struct Shared<S> {
    state: Mutex<S>,
    /// Grows with each change of the state. A hint for those who spin: they need not take the mutex
    /// to see that there is nothing to see.
    version: CachePadded<AtomicUsize>,
}

impl<S: State> Shared<S> {
    pub(crate) fn new(state: S) -> Self {
        Self {
            state: Mutex::new(state),
            version: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    /// Changes the state, and wakes whom that concerns after the mutex is free again.
    pub(crate) fn change<R>(&self, action: impl FnOnce(&mut S) -> R) -> R {
        let mut wakes = Wakes::default();
        let mut state = self.state.lock();
        let result = action(&mut state);
        state.settle(&mut wakes);
        // Under the mutex, so no increment is lost; a spinner that reads it late looks again or
        // registers, which is exact.
        let version = self.version.load(Ordering::Relaxed).wrapping_add(1);
        self.version.store(version, Ordering::Release);
        drop(state);
        wakes.wake();
        result
    }

    /// Tries an operation; if it has to wait, gives the version at which it did.
    fn attempt<O: Operation<State = S>>(
        &self,
        operation: &mut O,
        place: Place,
    ) -> Result<O::Output, usize> {
        let mut wakes = Wakes::default();
        let mut state = self.state.lock();
        let version = self.version.load(Ordering::Relaxed);
        let Some(output) = operation.attempt(&mut state, place) else {
            // Nothing has changed.
            return Err(version);
        };
        state.settle(&mut wakes);
        self.version
            .store(version.wrapping_add(1), Ordering::Release);
        drop(state);
        wakes.wake();
        Ok(output)
    }

    /// Changes who watches the state ([`wait_any`](crate::wait_any)), which concerns nobody else.
    pub(crate) fn change_watchers<R>(&self, action: impl FnOnce(&mut S) -> R) -> R {
        action(&mut self.state.lock())
    }

    /// Reads the state.
    pub(crate) fn read<R>(&self, action: impl FnOnce(&S) -> R) -> R {
        action(&self.state.lock())
    }
}

/// Something to do to a state that may have to wait.
pub(crate) trait Operation {
    type State: State;
    type Output;

    /// As in a [`WaitRecord`].
    const NAME: &'static str;

    /// The list to wait in.
    fn list(state: &mut Self::State) -> &mut WaitList;

    /// What this wait needs, in the unit of its list.
    fn bytes(&self) -> u64 {
        0
    }

    /// Does it, or returns `None`, with the state as it was, if it has to wait. Runs under the mutex: it must neither wait nor
    /// drop anything that could take another object's mutex.
    fn attempt(&mut self, state: &mut Self::State, place: Place) -> Option<Self::Output>;
}

/// The object that a wait is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) object: ObjectId,
    pub(crate) kind: Kind,
}

/// Why a wait ended without its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The time passed, or the party was [notified](Waiter::notify).
    TimedOut,
    Killed,
}

/// Runs an operation, waiting for at most `timeout`; without one for ever, and not at all for zero.
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
    // A clone, because hooks run while this waits and may look at the current waiter.
    let waiter = with_current(Arc::clone);
    // A time-out too long to be represented is none.
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

/// Enters the list, runs `entered`, and waits for an operation that no newcomer can do: what
/// `entered` allows others to do finds this wait in the list. Without a result of `entered` there is
/// no wait, and no result.
pub(crate) fn enter_and_wait<O: Operation, R>(
    shared: &Shared<O::State>,
    subject: Subject,
    operation: &mut O,
    timeout: Option<Duration>,
    entered: impl FnOnce() -> Option<R>,
) -> Option<(R, Result<O::Output, Interrupt>)> {
    let waiter = with_current(Arc::clone);
    // A time-out too long to be represented is none.
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

/// Waits in the list. The kill flag has been looked at.
fn park<O: Operation>(
    subject: Subject,
    operation: &mut O,
    waiter: &Waiter,
    deadline: Option<Instant>,
    mut registration: Registration<'_, O>,
) -> Result<O::Output, Interrupt> {
    let mut record = RecordGuard::new(waiter);
    loop {
        // A hook may have consumed the signal: then look again instead of parking.
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

/// Looks for a change of the state for a few microseconds without entering the list: a peer that
/// runs on another core finds nobody to wake.
fn spin<O: Operation>(
    shared: &Shared<O::State>,
    waiter: &Waiter,
    operation: &mut O,
    mut seen: usize,
) -> Option<O::Output> {
    /// Some 2 us in all. Looking more often slows the peer down, which then loses the line of the
    /// version under its hands; looking less often adds to each round trip.
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
