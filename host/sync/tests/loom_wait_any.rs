//! Models of the wait for any of several objects. Run with `RUSTFLAGS="--cfg loom"`; empty
//! otherwise.
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
    Bounds, Completion, Message, Queue, WaitError, Waitable, Waiter, pipe, wait_any, wait_any_async,
};
use loom::thread;
use loom_support::{model, waiter};

fn queue() -> Queue {
    Queue::new(Bounds::default())
}

#[test]
fn either_of_two_objects_ends_the_wait() {
    model(4, || {
        let (queue, completion) = (queue(), Arc::new(Completion::new()));
        let watcher = thread::spawn({
            let (queue, completion) = (queue.clone(), completion.clone());
            move || {
                let mut seen = [false; 2];
                // The wait is level-triggered: the object that it reported is left out, and the other must
                // still come.
                let first =
                    wait_any(&[(&queue).into(), Waitable::from(&*completion)], None).unwrap();
                assert!(!first.is_empty());
                for index in first {
                    *seen.get_mut(index).unwrap() = true;
                }
                if !seen.first().unwrap() {
                    assert_eq!(wait_any(&[(&queue).into()], None), Ok(vec![0]));
                }
                queue.try_get().unwrap();
                assert_eq!(wait_any(&[(&*completion).into()], None), Ok(vec![0]));
            }
        });
        let setter = thread::spawn({
            let completion = completion.clone();
            move || completion.set(())
        });
        queue.put(Message::default()).unwrap();
        watcher.join().unwrap();
        assert!(setter.join().unwrap());
    });
}

#[test]
fn a_watcher_swallows_no_wake_of_a_taker() {
    model(3, || {
        let queue = queue();
        let taker = thread::spawn({
            let queue = queue.clone();
            move || queue.get().unwrap()
        });
        let watcher = thread::spawn({
            let queue = queue.clone();
            move || wait_any(&[(&queue).into()], None)
        });
        queue.put(Message::from_bytes([1])).unwrap();
        assert_eq!(taker.join().unwrap().bytes, [1]);
        // The taker may have been first: then another message must wake the watcher.
        queue.put(Message::from_bytes([2])).unwrap();
        assert_eq!(watcher.join().unwrap(), Ok(vec![0]));
        assert_eq!(queue.len(), 1);
    });
}

#[test]
fn a_watcher_and_a_taker_that_is_killed() {
    model(3, || {
        let queue = queue();
        let victim = waiter(1);
        let taker = thread::spawn({
            let (queue, victim) = (queue.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                queue.get().is_ok()
            }
        });
        let watcher = thread::spawn({
            let queue = queue.clone();
            move || {
                wait_any(&[(&queue).into()], None).unwrap();
            }
        });
        queue.put(Message::default()).unwrap();
        victim.kill();
        if taker.join().unwrap() {
            queue.put(Message::default()).unwrap();
        }
        watcher.join().unwrap();
        assert_eq!(queue.len(), 1);
    });
}

#[test]
fn wake_against_time_out_against_kill() {
    model(3, || {
        let (first, second) = (queue(), queue());
        let victim = waiter(1);
        let watcher = thread::spawn({
            let (first, second, victim) = (first.clone(), second.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                let objects = [(&first).into(), (&second).into()];
                wait_any(&objects, Some(Duration::from_secs(1)))
            }
        });
        let killer = thread::spawn({
            let victim = victim.clone();
            move || victim.kill()
        });
        second.put(Message::default()).unwrap();
        match watcher.join().unwrap() {
            Ok(ready) => assert_eq!(ready, [1]),
            Err(WaitError::Killed) => assert!(victim.acknowledged()),
            Err(WaitError::TimedOut) => {}
        }
        killer.join().unwrap();
        assert_eq!(second.len(), 1);
    });
}

#[test]
fn a_kill_is_never_lost() {
    model(5, || {
        let (first, second) = (queue(), queue());
        let victim = waiter(1);
        let watcher = thread::spawn({
            let victim = victim.clone();
            move || {
                let _entered = victim.enter();
                wait_any(&[(&first).into(), (&second).into()], None)
            }
        });
        victim.kill();
        assert_eq!(watcher.join().unwrap(), Err(WaitError::Killed));
    });
}

#[test]
fn the_end_of_a_pipe_and_the_closing_of_a_queue() {
    model(4, || {
        let (near, far) = pipe(true);
        let queue = queue();
        let watcher = thread::spawn({
            let queue = queue.clone();
            move || {
                let objects = [(&queue).into(), Waitable::try_from(&near).unwrap()];
                let ready = wait_any(&objects, None).unwrap();
                assert!(!ready.is_empty());
                // Both events last for ever; the second wait comes after both have happened.
                assert_eq!(wait_any(objects.get(..1).unwrap(), None), Ok(vec![0]));
                assert_eq!(wait_any(objects.get(1..).unwrap(), None), Ok(vec![0]));
            }
        });
        let closer = thread::spawn(move || queue.close());
        drop(far);
        watcher.join().unwrap();
        closer.join().unwrap();
    });
}

#[test]
fn a_task_is_woken_and_may_be_dropped() {
    model(3, || {
        let (first, second) = (queue(), queue());
        let victim = waiter(1);
        let task = thread::spawn({
            let (first, second, victim) = (first.clone(), second.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                let objects = [(&first).into(), (&second).into()];
                victim.block_on(wait_any_async(&objects)).ok()
            }
        });
        let watcher = thread::spawn({
            let (first, second) = (first.clone(), second.clone());
            move || {
                let objects = [(&first).into(), (&second).into()];
                let waiter = Waiter::current();
                waiter.block_on(wait_any_async(&objects)).unwrap()
            }
        });
        second.put(Message::default()).unwrap();
        victim.kill();
        assert!(task.join().unwrap().is_none_or(|ready| ready == [1]));
        assert_eq!(watcher.join().unwrap(), [1]);
    });
}
