//! Models of the condition. Run with `RUSTFLAGS="--cfg loom"`; empty otherwise.
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

use isopod_sync::{
    Acquired, Condition, ConditionError, End, Holder, Lock, Party, ProcessId, Waited,
};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use loom_support::{model, waiter};

/// The state under the lock of the condition.
#[derive(Clone)]
struct Shared {
    condition: Condition,
    ready: Arc<AtomicBool>,
}

impl Shared {
    fn new() -> Self {
        Self {
            condition: Condition::new_with(&Lock::new()),
            ready: Arc::new(AtomicBool::new(false)),
        }
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    fn wait_until_ready(&self) {
        self.condition.acquire().unwrap();
        while !self.is_ready() {
            assert!(self.condition.wait().unwrap().is_notified());
        }
        self.condition.release().unwrap();
    }

    fn make_ready(&self, notifications: u64) {
        self.condition.acquire().unwrap();
        self.ready.store(true, Ordering::Relaxed);
        self.condition.notify(notifications).unwrap();
        self.condition.release().unwrap();
    }
}

#[test]
fn a_notification_is_not_lost_between_release_and_wait() {
    model(5, || {
        let shared = Shared::new();
        let waiting = thread::spawn({
            let shared = shared.clone();
            move || shared.wait_until_ready()
        });
        shared.make_ready(1);
        waiting.join().unwrap();
        assert_eq!(shared.condition.owner(), None);
    });
}

#[test]
fn all_are_notified() {
    model(2, || {
        let shared = Shared::new();
        let waits: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || shared.wait_until_ready())
            })
            .collect();
        shared.make_ready(u64::MAX);
        for wait in waits {
            wait.join().unwrap();
        }
    });
}

/// One notification for two waiters: the killed one keeps it only if it got the lock again.
#[test]
fn the_notification_of_a_killed_waiter_passes_to_the_next() {
    model(2, || {
        let shared = Shared::new();
        let victim = waiter(1);
        let killed = thread::spawn({
            let (shared, victim) = (shared.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                if shared.condition.acquire().is_err() {
                    return;
                }
                while !shared.is_ready() {
                    match shared.condition.wait() {
                        Ok(waited) => assert!(waited.is_notified()),
                        Err(error) => {
                            assert_eq!(error, ConditionError::Killed);
                            return;
                        }
                    }
                }
                shared.condition.notify(1).unwrap();
                shared.condition.release().unwrap();
            }
        });
        let next = thread::spawn({
            let shared = shared.clone();
            move || shared.wait_until_ready()
        });
        shared.make_ready(1);
        victim.kill();
        killed.join().unwrap();
        next.join().unwrap();
        assert_eq!(shared.condition.owner(), None);
    });
}

#[test]
fn the_notification_of_a_waiter_out_of_time_passes_to_the_next() {
    model(2, || {
        let shared = Shared::new();
        let impatient = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.condition.acquire().unwrap();
                let waited = shared.condition.wait_timeout(Duration::from_secs(1));
                assert_eq!(shared.condition.owner(), Some(Party::Embedder));
                if waited.unwrap().is_notified() {
                    shared.condition.notify(1).unwrap();
                }
                shared.condition.release().unwrap();
            }
        });
        let next = thread::spawn({
            let shared = shared.clone();
            move || shared.wait_until_ready()
        });
        shared.make_ready(1);
        impatient.join().unwrap();
        next.join().unwrap();
    });
}

#[test]
fn who_waits_is_woken_and_told_when_an_owner_ends_before_it_notifies() {
    model(4, || {
        let shared = Shared::new();
        let waiting = thread::spawn({
            let shared = shared.clone();
            move || {
                let mut abandoned = shared.condition.acquire().unwrap() == Acquired::Abandoned;
                while !shared.is_ready() {
                    let waited = shared.condition.wait().unwrap();
                    abandoned |= waited == Waited::Notified(Acquired::Abandoned);
                }
                assert!(abandoned);
                shared.condition.release().unwrap();
            }
        });
        let owner = waiter(2);
        let held = shared.condition.hold_as(Holder::Process(ProcessId::new(2)));
        {
            let _entered = owner.enter();
            held.acquire().unwrap();
            shared.ready.store(true, Ordering::Relaxed);
        }
        owner.end(End::Normal);
        drop(held);
        waiting.join().unwrap();
    });
}
