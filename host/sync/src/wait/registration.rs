//! A place in a wait list: how a wait enters it, attempts again, and leaves it however it ends.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::wait::list::{Key, Place};
use crate::wait::shared::{Operation, Shared};
use crate::wait::waiter::Waiter;

/// Attempts once more and, under the same hold of the mutex, enters the list: no change can come in between.
fn register<O: Operation>(
    shared: &Shared<O::State>,
    operation: &mut O,
    waker: &Waker,
) -> Result<O::Output, Key> {
    let waker = waker.clone();
    shared.change(|state| match operation.attempt(state, Place::Newcomer) {
        Some(output) => Ok(output),
        None => Err(O::list(state).register(operation.bytes(), waker)),
    })
}

/// A place in a wait list, left when dropped.
#[derive(Debug)]
pub(crate) struct Registration<'a, O: Operation> {
    shared: &'a Shared<O::State>,
    key: Option<Key>,
    /// For a task: the waker in the list, compared with each new one.
    waker: Option<Waker>,
}

impl<'a, O: Operation> Registration<'a, O> {
    /// Enters the list for a thread, unless the operation succeeds.
    pub(crate) fn enter(
        shared: &'a Shared<O::State>,
        operation: &mut O,
        waiter: &Waiter,
    ) -> Result<O::Output, Self> {
        register(shared, operation, waiter.waker()).map_err(|key| Self {
            shared,
            key: Some(key),
            waker: None,
        })
    }

    /// Attempts if woken. If the attempt fails, the wait goes back to its place.
    pub(crate) fn attempt(&mut self, operation: &mut O, waker: &Waker) -> Option<O::Output> {
        let key = self.key?;
        let waker = waker.clone();
        let (output, unused) = self.shared.change(|state| {
            let Some(place) = O::list(state).woken_place(key) else {
                return (None, Some(waker));
            };
            match operation.attempt(state, place) {
                Some(output) => {
                    let unused = O::list(state).remove(key);
                    debug_assert!(unused.is_none(), "a woken wait has no waker");
                    (Some(output), Some(waker))
                }
                None => {
                    O::list(state).register_again(key, operation.bytes(), waker);
                    (None, None)
                }
            }
        });
        drop(unused);
        if output.is_some() {
            self.key = None;
        }
        output
    }

    /// Makes the list wake this task through `waker` from now on.
    fn update_waker(&mut self, waker: &Waker) {
        let Some(key) = self.key else { return };
        if self
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            return;
        }
        self.waker = Some(waker.clone());
        let replacement = waker.clone();
        let unused = self
            .shared
            .change(|state| O::list(state).replace_waker(key, replacement));
        drop(unused);
    }
}

impl<O: Operation> Drop for Registration<'_, O> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let unused = self.shared.change(|state| O::list(state).remove(key));
            drop(unused);
        }
    }
}

/// An operation as a future. Dropping it leaves the wait list.
#[derive(Debug)]
pub(crate) struct Wait<'a, 'o, O: Operation> {
    operation: &'o mut O,
    shared: &'a Shared<O::State>,
    registration: Option<Registration<'a, O>>,
}

impl<'a, 'o, O: Operation> Wait<'a, 'o, O> {
    /// The operation is borrowed, so that its contents stay with the caller.
    pub(crate) fn new(shared: &'a Shared<O::State>, operation: &'o mut O) -> Self {
        Self {
            operation,
            shared,
            registration: None,
        }
    }
}

impl<O: Operation> Future for Wait<'_, '_, O> {
    type Output = O::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<O::Output> {
        let this = &mut *self;
        let waker = context.waker();
        let Some(registration) = this.registration.as_mut() else {
            return match register(this.shared, this.operation, waker) {
                Ok(output) => Poll::Ready(output),
                Err(key) => {
                    this.registration = Some(Registration {
                        shared: this.shared,
                        key: Some(key),
                        waker: Some(waker.clone()),
                    });
                    Poll::Pending
                }
            };
        };
        // Update the waker first: a wake that comes between the two calls goes to the new waker, or to a
        // task that is being polled and finds itself woken in the attempt.
        registration.update_waker(waker);
        match registration.attempt(this.operation, waker) {
            Some(output) => Poll::Ready(output),
            None => Poll::Pending,
        }
    }
}
