//! The waiter that a thread waits with.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::party::Party;
use crate::shim::thread_local;
use crate::wait::waiter::{NoHooks, Waiter};

#[cfg(not(loom))]
thread_local! {
    static CURRENT: RefCell<Option<Arc<Waiter>>> = const { RefCell::new(None) };
}

// The `thread_local!` of loom knows no `const`.
#[cfg(loom)]
thread_local! {
    static CURRENT: RefCell<Option<Arc<Waiter>>> = RefCell::new(None);
}

/// Keeps the waiter as the thread's current one until this is dropped. Dropping it restores
/// the previous waiter.
#[must_use = "the waiter is left again when the guard is dropped"]
#[derive(Debug)]
pub struct Entered {
    previous: Option<Arc<Waiter>>,
    /// Not `Send`: it must be dropped on its own thread.
    _not_send: PhantomData<*const ()>,
}

impl Waiter {
    /// Binds the waiter to the calling thread and makes it the thread's current one. Drop the guards
    /// in reverse order.
    pub fn enter(self: &Arc<Self>) -> Entered {
        self.bind();
        Entered {
            previous: replace(Some(Arc::clone(self))),
            _not_send: PhantomData,
        }
    }

    /// The waiter that the calling thread has entered, or else the embedder's waiter that belongs
    /// to the thread.
    #[must_use]
    pub fn current() -> Arc<Waiter> {
        with_current(Arc::clone)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let left = replace(self.previous.take());
        // Dropping a waiter drops its hooks, which may read the current waiter.
        drop(left);
    }
}

/// Calls `action` with the current waiter, without touching its reference count. `action` must not
/// enter or leave a waiter.
pub(crate) fn with_current<R>(action: impl FnOnce(&Arc<Waiter>) -> R) -> R {
    let mut action = Some(action);
    let result = CURRENT.try_with(|current| {
        if current.borrow().is_none() {
            let waiter = embedder_waiter();
            *current.borrow_mut() = Some(waiter);
        }
        let current = current.borrow();
        match (current.as_ref(), action.take()) {
            (Some(waiter), Some(action)) => Some(action(waiter)),
            _ => None,
        }
    });
    match (result, action) {
        (Ok(Some(result)), _) => result,
        // The thread is being torn down and its locals are gone: make a waiter for this one use.
        (_, Some(action)) => action(&embedder_waiter()),
        _ => unreachable!("the action is taken only where its result is returned"),
    }
}

fn embedder_waiter() -> Arc<Waiter> {
    let waiter = Waiter::new(Party::Embedder, Arc::new(NoHooks));
    waiter.bind();
    waiter
}

fn replace(waiter: Option<Arc<Waiter>>) -> Option<Arc<Waiter>> {
    CURRENT
        .try_with(|current| current.replace(waiter))
        .unwrap_or_default()
}
