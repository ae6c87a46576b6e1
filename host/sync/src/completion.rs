//! A value that is set once and waited for: how a process ended, or that a tree is empty.

use std::time::Duration;

use crate::object::{Kind, ObjectId};
use crate::wait::any::{Readiness, Waitable};
use crate::wait::error::WaitError;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::{Operation, Shared, State};
use crate::wait::wait::wait;

/// A value that is set at most once. Any number of parties wait for it.
///
/// It does not travel: there are no handles to it.
///
/// ```
/// use isopod_sync::Completion;
/// let status = Completion::new();
/// assert_eq!(status.get(), None);
/// assert!(status.set(3) && !status.set(4));
/// assert_eq!(status.wait_within(None), Ok(3));
/// ```
#[derive(Debug)]
pub struct Completion<T> {
    id: ObjectId,
    state: Shared<CompletionState<T>>,
}

#[derive(Debug)]
struct CompletionState<T> {
    value: Option<T>,
    waits: WaitList,
}

impl<T: Clone> Completion<T> {
    /// A completion without a value.
    #[must_use]
    pub fn new() -> Self {
        Self {
            id: ObjectId::next(),
            state: Shared::new(CompletionState {
                value: None,
                waits: WaitList::default(),
            }),
        }
    }

    /// Its number, as it stands in a [`WaitRecord`](crate::WaitRecord).
    #[must_use]
    pub fn object_id(&self) -> ObjectId {
        self.id
    }

    /// Sets the value and wakes all waiters. Returns false and changes nothing if a value was set before.
    pub fn set(&self, value: T) -> bool {
        // A value that comes second is dropped here, not under the mutex.
        let mut value = Some(value);
        self.state.change(|state| {
            let is_first = state.value.is_none();
            if is_first {
                state.value = value.take();
            }
            is_first
        })
    }

    /// A copy of the value, if it is set. Does not block.
    #[must_use]
    pub fn get(&self) -> Option<T> {
        self.state.read(|state| state.value.clone())
    }

    /// Waits for the value for at most `timeout`: for ever without one, not at all if it is zero.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], and [`WaitError::Killed`] if the waiting party was killed.
    pub fn wait_within(&self, timeout: Option<Duration>) -> Result<T, WaitError> {
        wait(&self.state, self.subject(), &mut Join::new(), timeout).map_err(Into::into)
    }

    /// Waits for the value, as a future. Dropping the future ends the wait.
    pub async fn wait_async(&self) -> T {
        Wait::new(&self.state, &mut Join::new()).await
    }
}

impl<T> Completion<T> {
    fn subject(&self) -> Subject {
        Subject {
            object: self.id,
            kind: Kind::Process,
        }
    }
}

impl<T: Clone> Default for Completion<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> State for CompletionState<T> {
    fn settle(&mut self, wakes: &mut Wakes) {
        if self.value.is_some() {
            self.waits.wake_all(wakes);
        }
    }
}

/// Nothing is taken from a completion, so waiters and watchers share a list.
impl<T> Readiness for CompletionState<T> {
    fn is_ready(&self) -> bool {
        self.value.is_some()
    }

    fn watchers(&mut self) -> &mut WaitList {
        &mut self.waits
    }
}

impl<'a, T: Send> From<&'a Completion<T>> for Waitable<'a> {
    fn from(completion: &'a Completion<T>) -> Self {
        Self::new(&completion.state, completion.subject())
    }
}

#[derive(Debug)]
struct Join<T>(std::marker::PhantomData<fn() -> T>);

impl<T> Join<T> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T: Clone> Operation for Join<T> {
    type State = CompletionState<T>;
    type Output = T;

    const NAME: &'static str = "join";

    fn list(state: &mut CompletionState<T>) -> &mut WaitList {
        &mut state.waits
    }

    fn attempt(&mut self, state: &mut CompletionState<T>, _place: Place) -> Option<T> {
        state.value.clone()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_stays() {
        let completion = Completion::new();
        assert_eq!(completion.get(), None);
        assert_eq!(
            completion.wait_within(Some(Duration::ZERO)),
            Err(WaitError::TimedOut)
        );
        assert!(completion.set(1));
        assert!(!completion.set(2));
        assert_eq!(completion.wait_within(None), Ok(1));
    }

    #[test]
    fn everybody_who_waits_is_told() {
        let completion = Completion::new();
        std::thread::scope(|scope| {
            let waits: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| completion.wait_within(None)))
                .collect();
            completion.set("done");
            for wait in waits {
                assert_eq!(wait.join().ok(), Some(Ok("done")));
            }
        });
    }
}
