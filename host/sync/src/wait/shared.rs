//! A state under its mutex, and the operations on it.

use crossbeam_utils::CachePadded;

use super::list::{Place, WaitList, Wakes};
use crate::shim::{AtomicUsize, Mutex, Ordering};

/// The state of an object, with its wait lists.
pub(crate) trait State {
    /// Restores the invariant: the woken waits are as many as the available items can serve. Called
    /// after every change.
    fn settle(&mut self, wakes: &mut Wakes);
}

/// A state under its mutex.
#[derive(Debug)]
pub(crate) struct Shared<S> {
    state: Mutex<S>,
    /// Grows with each change of the state. A hint for spinning threads: while it stays the same, they need
    /// not take the mutex to see that nothing has changed.
    pub(super) version: CachePadded<AtomicUsize>,
}

impl<S: State> Shared<S> {
    pub(crate) fn new(state: S) -> Self {
        Self {
            state: Mutex::new(state),
            version: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    /// Changes the state, and wakes the waits that the change serves after the mutex is released.
    pub(crate) fn change<R>(&self, action: impl FnOnce(&mut S) -> R) -> R {
        let mut wakes = Wakes::default();
        let mut state = self.state.lock();
        let result = action(&mut state);
        state.settle(&mut wakes);
        // Stored under the mutex, so no increment is lost. A spinning thread that reads it late checks
        // again or registers, and registering is exact.
        let version = self.version.load(Ordering::Relaxed).wrapping_add(1);
        self.version.store(version, Ordering::Release);
        drop(state);
        wakes.wake();
        result
    }

    /// Attempts an operation. If it has to wait, returns the version at which the attempt failed.
    pub(super) fn attempt<O: Operation<State = S>>(
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

    /// Changes the watchers of the state ([`wait_any`](crate::wait::any)), which affects no other wait.
    pub(crate) fn change_watchers<R>(&self, action: impl FnOnce(&mut S) -> R) -> R {
        action(&mut self.state.lock())
    }

    /// Reads the state.
    pub(crate) fn read<R>(&self, action: impl FnOnce(&S) -> R) -> R {
        action(&self.state.lock())
    }
}

/// An operation on a state that may have to wait.
pub(crate) trait Operation {
    type State: State;
    type Output;

    /// The name in a [`WaitRecord`].
    const NAME: &'static str;

    /// The list to wait in.
    fn list(state: &mut Self::State) -> &mut WaitList;

    /// The bytes that this wait needs, in the unit of its list.
    fn bytes(&self) -> u64 {
        0
    }

    /// Does the operation. If it has to wait, returns `None` and leaves the state unchanged. Runs under the
    /// mutex: it must neither wait nor drop anything that could take another object's mutex.
    fn attempt(&mut self, state: &mut Self::State, place: Place) -> Option<Self::Output>;
}
