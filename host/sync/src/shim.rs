//! The few operations that depend on the scheduler, once from `std` and once from `loom`.
//!
//! All code that takes part in waiting and waking goes through this module, so that the models run the
//! very code that is shipped. The parts that stay on plain `std` even in a model (holder tables, the
//! registry of objects, counters) take only leaf locks and never wait for another thread.
//!
//! `loom` knows no time: in a model, a deadline has always passed when the code looks at it. The
//! explored schedules then contain each order of the timeout and all other events.

#[cfg(not(loom))]
pub(crate) use std::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
    thread::{Thread, current as current_thread, yield_now},
    thread_local,
};

#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
    thread::{Thread, current as current_thread, yield_now},
    thread_local,
};

use std::time::Instant;

#[cfg(not(loom))]
type RawMutex<T> = std::sync::Mutex<T>;
#[cfg(loom)]
type RawMutex<T> = loom::sync::Mutex<T>;

#[cfg(not(loom))]
pub(crate) type MutexGuard<'a, T> = std::sync::MutexGuard<'a, T>;
#[cfg(loom)]
pub(crate) type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

/// A mutex without poisoning: no code of a user runs while one is held, and each critical section
/// leaves its state valid, so a panic elsewhere on the thread says nothing about the state.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(RawMutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(RawMutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The number of the calling thread. It is never zero, and no two threads share it.
pub(crate) fn thread_number() -> u64 {
    // Plain `std` in a model too: callers only compare two numbers for equality.
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    thread_local! {
        static NUMBER: u64 = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

/// Whether the deadline has passed. Without a deadline, always false.
#[cfg(not(loom))]
pub(crate) fn expired(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

#[cfg(loom)]
pub(crate) fn expired(deadline: Option<Instant>) -> bool {
    deadline.is_some()
}

/// Parks the calling thread until it is unparked or the deadline passes; may return early.
#[cfg(not(loom))]
pub(crate) fn park_until(deadline: Option<Instant>) {
    match deadline {
        None => std::thread::park(),
        Some(deadline) => {
            std::thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

#[cfg(loom)]
pub(crate) fn park_until(deadline: Option<Instant>) {
    if deadline.is_none() {
        loom::thread::park();
    }
}
