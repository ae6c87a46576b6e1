//! The one place where a thread parks.
//!
//! A [`Signal`] is a hint without a meaning of its own: "check again". A waiter checks its own condition
//! after each return, so a signal that comes for another reason, too early or twice is harmless. One place
//! to park therefore serves wake, timeout, kill and inspection alike.
//!
//! The algorithm is the three-state parker of `std::thread::park` and of `crossbeam`'s `Parker`.
//! It is written again here for two reasons. A spinning thread must be able to read the state without
//! consuming it. And other users of the thread's own park token (a library on the same thread) must not be
//! able to consume a signal.
//!
//! # Ordering
//! Every transition is a read-modify-write of `state`, so they have one total order. If the
//! waker's swap comes before the waiter's `EMPTY -> PARKED`, that exchange fails and the waiter
//! does not park. If it comes after, the swap returns `PARKED` and the waker unparks. There is no
//! third order, hence no lost signal, and no system call when the waiter has not parked. The
//! waker's writes before its swap are visible to the waiter after the swap that consumes the signal.

use std::sync::Arc;
use std::task::Wake;
use std::time::Instant;

use crate::shim::{
    AtomicU8, AtomicU64, Mutex, Ordering, Thread, current_thread, expired, park_until, spin_loop,
    thread_number, yield_now,
};

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const SET: u8 = 2;

/// Polls with a pause instruction between them: a few hundred nanoseconds, the time that a peer which is
/// already running needs to answer.
const SPINS: u32 = 100;
/// Polls with a yield between them, which also lets another thread of the same core run.
const YIELDS: u32 = 20;

#[derive(Debug)]
pub(crate) struct Signal {
    state: AtomicU8,
    /// The thread to unpark. Set before the state can become `PARKED`.
    thread: Mutex<Option<Thread>>,
    /// The number of this thread. A thread that binds reads it without the mutex.
    bound_to: AtomicU64,
}

impl Signal {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU8::new(EMPTY),
            thread: Mutex::new(None),
            bound_to: AtomicU64::new(0),
        }
    }

    /// Makes the calling thread the waiting thread. There is one at a time; repeated calls of a plugin's
    /// instance usually bind it to the same thread again.
    pub(crate) fn bind(&self) {
        let number = thread_number();
        // Equal only if this thread was the last to bind, because each later binder stores its own number.
        // A handover between threads orders these stores.
        if self.bound_to.load(Ordering::Relaxed) == number {
            return;
        }
        *self.thread.lock() = Some(current_thread());
        self.bound_to.store(number, Ordering::Relaxed);
    }

    /// Sets the signal, and unparks the thread if it is parked.
    pub(crate) fn set(&self) {
        if self.state.swap(SET, Ordering::SeqCst) == PARKED {
            // A clone, so that the system call happens outside the mutex.
            let thread = self.thread.lock().clone();
            if let Some(thread) = thread {
                thread.unpark();
            }
        }
    }

    /// Whether the thread has announced that it parks, and nothing has woken it since.
    pub(crate) fn is_parked(&self) -> bool {
        self.state.load(Ordering::SeqCst) == PARKED
    }

    /// Consumes the signal if it is set.
    pub(crate) fn consume(&self) -> bool {
        self.state.load(Ordering::Acquire) == SET && self.clear()
    }

    /// Waits a few microseconds without parking. Returns whether the signal came and was consumed.
    pub(crate) fn spin(&self) -> bool {
        for _ in 0..SPINS {
            if self.consume() {
                return true;
            }
            spin_loop();
        }
        for _ in 0..YIELDS {
            if self.consume() {
                return true;
            }
            yield_now();
        }
        false
    }

    /// Announces that the thread is about to park. If the signal is already set, this consumes it instead
    /// and returns false: do not park.
    pub(crate) fn announce(&self) -> bool {
        let announced = self
            .state
            .compare_exchange(EMPTY, PARKED, Ordering::SeqCst, Ordering::Acquire)
            .is_ok();
        if !announced {
            self.clear();
        }
        announced
    }

    /// Parks, after [`announce`](Self::announce), until the signal comes or the deadline passes,
    /// and consumes the signal.
    pub(crate) fn park(&self, deadline: Option<Instant>) {
        loop {
            park_until(deadline);
            // Another user's park token, or a spurious return: park again.
            if self.state.load(Ordering::Acquire) == SET || expired(deadline) {
                break;
            }
        }
        self.clear();
    }

    fn clear(&self) -> bool {
        self.state.swap(EMPTY, Ordering::SeqCst) == SET
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.set();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set();
    }
}
