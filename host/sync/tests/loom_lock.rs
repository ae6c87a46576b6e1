//! Models of the lock. Run with `RUSTFLAGS="--cfg loom"`; empty otherwise.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failed assumption is a failed test"
)]

mod loom_support;

use std::sync::Arc;
use std::time::Duration;

use isopod_sync::{AcquireError, Acquired, End, Holder, Lock, Party, ProcessId, Tree};
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;
use loom_support::{model, waiter};

const PROCESS: ProcessId = ProcessId::new(1);

/// Fails the model if two threads are inside at once.
struct Room(AtomicBool);

impl Room {
    fn visit(&self) {
        assert!(!self.0.swap(true, Ordering::Relaxed), "two owners at once");
        self.0.store(false, Ordering::Relaxed);
    }
}

#[test]
fn mutual_exclusion_and_no_lost_release() {
    model(3, || {
        let lock = Lock::new();
        let room = Arc::new(Room(AtomicBool::new(false)));
        let visitor = || {
            let (lock, room) = (lock.clone(), room.clone());
            move || {
                lock.acquire().unwrap();
                room.visit();
                lock.release().unwrap();
            }
        };
        let first = thread::spawn(visitor());
        let second = thread::spawn(visitor());
        visitor()();
        first.join().unwrap();
        second.join().unwrap();
        assert!(!lock.is_locked());
    });
}

#[test]
fn one_waiter_that_is_overtaken_gets_it_in_the_end() {
    model(5, || {
        let lock = Lock::new();
        let room = Arc::new(Room(AtomicBool::new(false)));
        let waiting = thread::spawn({
            let (lock, room) = (lock.clone(), room.clone());
            move || {
                lock.acquire().unwrap();
                room.visit();
                lock.release().unwrap();
            }
        });
        for _ in 0..3 {
            lock.acquire().unwrap();
            room.visit();
            lock.release().unwrap();
        }
        waiting.join().unwrap();
    });
}

#[test]
fn a_killed_waiter_passes_the_lock_on() {
    model(3, || {
        let lock = Lock::new();
        lock.acquire().unwrap();
        let victim = waiter(PROCESS.get());
        let killed = thread::spawn({
            let (lock, victim) = (lock.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                match lock.acquire() {
                    Ok(_) => lock.release().unwrap(),
                    Err(error) => assert_eq!(error, AcquireError::Killed),
                }
            }
        });
        let next = thread::spawn({
            let lock = lock.clone();
            move || lock.acquire().unwrap()
        });
        victim.kill();
        lock.release().unwrap();
        assert_eq!(next.join().unwrap(), Acquired::Clean);
        killed.join().unwrap();
        assert_eq!(lock.owner(), Some(Party::Embedder));
    });
}

#[test]
fn a_waiter_that_times_out_passes_the_lock_on() {
    model(3, || {
        let lock = Lock::new();
        lock.acquire().unwrap();
        let impatient = thread::spawn({
            let lock = lock.clone();
            move || {
                if lock.acquire_timeout(Duration::from_secs(1)).is_ok() {
                    lock.release().unwrap();
                }
            }
        });
        let next = thread::spawn({
            let lock = lock.clone();
            move || lock.acquire().unwrap()
        });
        lock.release().unwrap();
        next.join().unwrap();
        impatient.join().unwrap();
        assert!(lock.is_locked());
    });
}

/// The owner's end against a waiter, with the references dropped before or after the end.
fn abandoned(drop_first: bool) {
    model(5, move || {
        let tree = Tree::new(1 << 20);
        let lock = Lock::new_in(&tree, Holder::Embedder);
        let owner = waiter(PROCESS.get());
        {
            let _entered = owner.enter();
            lock.hold_as(Holder::Process(PROCESS)).acquire().unwrap();
        }
        let next = thread::spawn({
            let lock = lock.clone();
            move || lock.acquire().unwrap()
        });
        let reference = lock.hold_as(Holder::Process(PROCESS));
        if drop_first {
            drop(reference);
            owner.end(End::Abandoned);
        } else {
            owner.end(End::Abandoned);
            drop(reference);
        }
        assert_eq!(next.join().unwrap(), Acquired::Abandoned);
        lock.release().unwrap();
        assert_eq!(lock.acquire().unwrap(), Acquired::Clean);
    });
}

#[test]
fn abandoned_when_references_are_dropped_before_the_end() {
    abandoned(true);
}

#[test]
fn abandoned_when_references_are_dropped_after_the_end() {
    abandoned(false);
}

#[test]
fn dropping_the_last_reference_against_the_end() {
    model(5, || {
        let lock = Lock::new();
        let owner = waiter(PROCESS.get());
        let reference = lock.hold_as(Holder::Process(PROCESS));
        {
            let _entered = owner.enter();
            reference.acquire().unwrap();
        }
        let dropper = thread::spawn(move || drop(reference));
        owner.end(End::Abandoned);
        dropper.join().unwrap();
        // The second of the two released it.
        assert_eq!(lock.try_acquire(), Ok(Acquired::Abandoned));
    });
}

#[test]
fn what_the_owner_wrote_is_seen_by_the_next() {
    model(5, || {
        let lock = Lock::new();
        let value = Arc::new(AtomicUsize::new(0));
        let other = thread::spawn({
            let (lock, value) = (lock.clone(), value.clone());
            move || {
                lock.acquire().unwrap();
                // Relaxed: only the lock orders the two threads.
                let before = value.load(Ordering::Relaxed);
                value.store(before + 1, Ordering::Relaxed);
                lock.release().unwrap();
            }
        });
        lock.acquire().unwrap();
        let before = value.load(Ordering::Relaxed);
        value.store(before + 1, Ordering::Relaxed);
        lock.release().unwrap();
        other.join().unwrap();
        assert_eq!(value.load(Ordering::Relaxed), 2);
    });
}
