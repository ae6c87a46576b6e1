//! Models of waiting: each schedule (with a bounded number of preemptions) of wake, time-out, kill
//! and inspection against a wait. Run with `RUSTFLAGS="--cfg loom"`; empty otherwise.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failed assumption is a failed test"
)]

mod loom_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use isopod_sync::{
    Bounds, Completion, GetError, Hooks, Killed, Message, Party, ProcessId, Queue, WaitError,
    Waiter,
};
use loom::thread;
use loom_support::{model, waiter};

fn message(text: &str) -> Message {
    Message::from_bytes(text)
}

#[test]
fn kill_is_never_lost() {
    model(5, || {
        let queue = Queue::new(Bounds::default());
        let waiter = waiter(1);
        let process = thread::spawn({
            let (queue, waiter) = (queue.clone(), waiter.clone());
            move || {
                let _entered = waiter.enter();
                queue.get().unwrap_err()
            }
        });
        // Before the waiter is bound, and before, while or after it parks.
        waiter.kill();
        assert_eq!(process.join().unwrap(), GetError::Killed);
        assert!(waiter.acknowledged());
    });
}

#[test]
fn wake_against_time_out_against_kill() {
    model(3, || {
        let queue = Queue::new(Bounds::default());
        let waiter = waiter(1);
        let process = thread::spawn({
            let (queue, waiter) = (queue.clone(), waiter.clone());
            move || {
                let _entered = waiter.enter();
                queue.get_timeout(Duration::from_secs(1))
            }
        });
        let killer = thread::spawn({
            let waiter = waiter.clone();
            move || waiter.kill()
        });
        queue.put(message("m")).unwrap();
        let taken = process.join().unwrap();
        killer.join().unwrap();
        // Exactly one of the two has the message.
        assert_eq!(taken.is_ok(), queue.try_get().is_err());
        if matches!(taken, Err(GetError::Killed)) {
            assert!(waiter.acknowledged());
        }
    });
}

#[test]
fn notification_of_a_killed_wait_goes_to_the_next() {
    model(3, || {
        let queue = Queue::new(Bounds::default());
        let victim = waiter(1);
        let first = thread::spawn({
            let (queue, victim) = (queue.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                queue.get().is_ok()
            }
        });
        let second = thread::spawn({
            let queue = queue.clone();
            move || queue.get().is_ok()
        });
        queue.put(message("m")).unwrap();
        victim.kill();
        if first.join().unwrap() {
            queue.put(message("another")).unwrap();
        }
        assert!(second.join().unwrap());
        assert!(queue.is_empty());
    });
}

#[test]
fn notification_of_a_wait_that_times_out_goes_to_the_next() {
    model(3, || {
        let queue = Queue::new(Bounds::default());
        let first = thread::spawn({
            let queue = queue.clone();
            move || queue.get_timeout(Duration::from_secs(1)).is_ok()
        });
        let second = thread::spawn({
            let queue = queue.clone();
            move || queue.get().is_ok()
        });
        queue.put(message("m")).unwrap();
        if first.join().unwrap() {
            queue.put(message("another")).unwrap();
        }
        assert!(second.join().unwrap());
        assert!(queue.is_empty());
    });
}

#[test]
fn notification_of_a_dropped_future_goes_to_the_next() {
    model(3, || {
        let queue = Queue::new(Bounds::default());
        let victim = waiter(1);
        let first = thread::spawn({
            let (queue, victim) = (queue.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                // A kill drops the future, at any point of its life.
                match victim.block_on(queue.get_async()) {
                    Ok(received) => received.is_ok(),
                    Err(Killed) => false,
                }
            }
        });
        let second = thread::spawn({
            let queue = queue.clone();
            move || queue.get().is_ok()
        });
        queue.put(message("m")).unwrap();
        victim.kill();
        if first.join().unwrap() {
            queue.put(message("another")).unwrap();
        }
        assert!(second.join().unwrap());
        assert!(queue.is_empty());
    });
}

#[test]
fn a_wait_inside_block_on_does_not_swallow_the_wake_of_the_future() {
    model(5, || {
        let inner = Queue::new(Bounds::default());
        let outer = Queue::new(Bounds::default());
        let process = thread::spawn({
            let (inner, outer) = (inner.clone(), outer.clone());
            move || {
                let waiter = waiter(1);
                let _entered = waiter.enter();
                let mut received = Box::pin(outer.get_async());
                let mut first_poll = true;
                waiter
                    .block_on(std::future::poll_fn(move |context| {
                        let poll = received.as_mut().poll(context);
                        if std::mem::take(&mut first_poll) {
                            // Consumes the signal that the future's wake may have set.
                            inner.get().unwrap();
                        }
                        poll
                    }))
                    .is_ok()
            }
        });
        outer.put(message("outer")).unwrap();
        inner.put(message("inner")).unwrap();
        assert!(process.join().unwrap());
    });
}

#[test]
fn an_inspection_is_never_lost_and_the_wait_goes_on() {
    struct Answer {
        queue: Queue,
        inspections: AtomicUsize,
    }
    impl Hooks for Answer {
        fn inspect(&self) {
            self.inspections.fetch_add(1, Ordering::Relaxed);
            self.queue.try_put(message("inspected")).unwrap();
        }
    }
    model(5, || {
        let queue = Queue::new(Bounds::default());
        let hooks = Arc::new(Answer {
            queue: queue.clone(),
            inspections: AtomicUsize::new(0),
        });
        let waiter = Waiter::new(Party::Process(ProcessId::new(1)), hooks.clone());
        let process = thread::spawn({
            let waiter = waiter.clone();
            move || {
                let _entered = waiter.enter();
                queue.get().unwrap()
            }
        });
        waiter.request_inspection();
        // Only the hook puts a message in: without it the get would wait for ever.
        assert_eq!(process.join().unwrap().bytes, b"inspected");
        assert_eq!(hooks.inspections.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_completion_against_time_out_and_kill() {
    model(3, || {
        let completion = Arc::new(Completion::new());
        let victim = waiter(1);
        let patient = thread::spawn({
            let completion = completion.clone();
            move || completion.wait_within(None)
        });
        let killed = thread::spawn({
            let (completion, victim) = (completion.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                completion.wait_within(None)
            }
        });
        victim.kill();
        assert!(completion.set(7));
        assert_eq!(patient.join().unwrap(), Ok(7));
        assert!(matches!(
            killed.join().unwrap(),
            Ok(7) | Err(WaitError::Killed)
        ));
    });
}
