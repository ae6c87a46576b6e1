//! Models of the recursive lock, the semaphore, the event and the barrier. Run with
//! `RUSTFLAGS="--cfg loom"`; empty otherwise.
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
    Acquired, Arrival, Barrier, BarrierError, End, Event, Holder, PassError, ProcessId, RLock,
    Semaphore, WaitError,
};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use loom_support::{model, waiter};

const PROCESS: ProcessId = ProcessId::new(1);

#[test]
fn an_rlock_is_free_after_its_last_level_only() {
    model(4, || {
        let lock = RLock::new();
        let inside = Arc::new(AtomicUsize::new(0));
        let process = waiter(PROCESS.get());
        let other = thread::spawn({
            let (lock, inside, process) = (lock.clone(), inside.clone(), process.clone());
            move || {
                let _entered = process.enter();
                lock.acquire().unwrap();
                assert_eq!(inside.load(Ordering::Relaxed), 0);
                lock.release().unwrap();
            }
        });
        lock.acquire().unwrap();
        lock.acquire().unwrap();
        inside.store(1, Ordering::Relaxed);
        lock.release().unwrap();
        inside.store(0, Ordering::Relaxed);
        lock.release().unwrap();
        other.join().unwrap();
        assert_eq!(lock.depth(), 0);
    });
}

#[test]
fn all_levels_of_an_rlock_are_abandoned() {
    model(5, || {
        let lock = RLock::new();
        let owner = waiter(PROCESS.get());
        let held = lock.hold_as(Holder::Process(PROCESS));
        {
            let _entered = owner.enter();
            held.acquire().unwrap();
            held.acquire().unwrap();
        }
        let next = thread::spawn({
            let lock = lock.clone();
            move || lock.acquire().unwrap()
        });
        owner.end(End::Normal);
        drop(held);
        assert_eq!(next.join().unwrap(), Acquired::Abandoned);
        assert_eq!(lock.depth(), 1);
    });
}

#[test]
fn no_more_are_inside_than_there_are_permits() {
    model(2, || {
        let semaphore = Semaphore::new(1, None);
        let inside = Arc::new(AtomicUsize::new(0));
        let visitor = || {
            let (semaphore, inside) = (semaphore.clone(), inside.clone());
            move || {
                semaphore.acquire().unwrap();
                assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                inside.fetch_sub(1, Ordering::Relaxed);
                semaphore.release(1).unwrap();
            }
        };
        let others = [thread::spawn(visitor()), thread::spawn(visitor())];
        visitor()();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(semaphore.value(), 1);
    });
}

#[test]
fn two_permits_at_once_let_two_go_on() {
    model(3, || {
        let semaphore = Semaphore::new(0, None);
        let waits = [(); 2].map(|()| {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.acquire().unwrap())
        });
        semaphore.release(2).unwrap();
        for wait in waits {
            wait.join().unwrap();
        }
        assert_eq!(semaphore.value(), 0);
    });
}

#[test]
fn a_permit_for_a_killed_waiter_or_one_out_of_time_goes_to_the_next() {
    model(2, || {
        let semaphore = Semaphore::new(0, None);
        let victim = waiter(PROCESS.get());
        let gives_up = thread::spawn({
            let (semaphore, victim) = (semaphore.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                if semaphore.acquire_timeout(Duration::from_secs(1)).is_ok() {
                    semaphore.release(1).unwrap();
                }
            }
        });
        let next = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.acquire().unwrap()
        });
        semaphore.release(1).unwrap();
        victim.kill();
        gives_up.join().unwrap();
        next.join().unwrap();
        assert_eq!(semaphore.value(), 0);
    });
}

#[test]
fn permits_of_an_ended_process_come_back() {
    model(5, || {
        let semaphore = Semaphore::new(1, Some(1));
        let owner = waiter(PROCESS.get());
        let held = semaphore.hold_as(Holder::Process(PROCESS));
        {
            let _entered = owner.enter();
            held.acquire().unwrap();
        }
        let next = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.acquire().unwrap()
        });
        let dropper = thread::spawn(move || drop(held));
        owner.end(End::Abandoned);
        assert_eq!(next.join().unwrap(), Acquired::Abandoned);
        dropper.join().unwrap();
        assert_eq!(semaphore.value(), 0);
    });
}

#[test]
fn an_event_lets_all_go_on() {
    model(3, || {
        let event = Event::new();
        let waits = [(); 2].map(|()| {
            let event = event.clone();
            thread::spawn(move || event.wait().unwrap())
        });
        event.set();
        for wait in waits {
            wait.join().unwrap();
        }
    });
}

/// The second set comes after a clear; a wait that saw the first must not wait for the second.
#[test]
fn an_event_that_is_set_for_a_moment_lets_go_on_who_waits() {
    model(5, || {
        let (event, waiting) = (Event::new(), Event::new());
        let wait = thread::spawn({
            let (event, waiting) = (event.clone(), waiting.clone());
            move || {
                waiting.set();
                event.wait()
            }
        });
        waiting.wait().unwrap();
        event.set();
        event.clear();
        event.set();
        assert_eq!(wait.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_killed_wait_for_an_event_ends() {
    model(5, || {
        let event = Event::new();
        let victim = waiter(PROCESS.get());
        let wait = thread::spawn({
            let (event, victim) = (event.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                event.wait()
            }
        });
        victim.kill();
        assert_eq!(wait.join().unwrap(), Err(WaitError::Killed));
    });
}

fn meet(barrier: &Barrier) -> u32 {
    match barrier.wait().unwrap() {
        Arrival::Passed(index) => index,
        Arrival::Last(index) => {
            barrier.pass().unwrap();
            index
        }
    }
}

#[test]
fn all_pass_a_barrier_round_after_round() {
    model(3, || {
        let barrier = Barrier::new(2);
        let other = thread::spawn({
            let barrier = barrier.clone();
            move || [meet(&barrier), meet(&barrier)]
        });
        let mine = [meet(&barrier), meet(&barrier)];
        let others = other.join().unwrap();
        assert_eq!([mine[0] + others[0], mine[1] + others[1]], [1, 1]);
        assert_eq!((barrier.waiting(), barrier.is_broken()), (0, false));
    });
}

#[test]
fn nobody_passes_before_the_action_is_over() {
    model(3, || {
        let barrier = Barrier::new(2);
        let done = Arc::new(AtomicUsize::new(0));
        let come = |barrier: Barrier, done: Arc<AtomicUsize>| {
            match barrier.wait().unwrap() {
                Arrival::Passed(index) => assert_eq!(index, 0),
                Arrival::Last(_) => {
                    done.store(1, Ordering::Relaxed);
                    barrier.pass().unwrap();
                }
            }
            assert_eq!(done.load(Ordering::Relaxed), 1);
        };
        let other = thread::spawn({
            let (barrier, done) = (barrier.clone(), done.clone());
            move || come(barrier, done)
        });
        come(barrier, done);
        other.join().unwrap();
    });
}

#[test]
fn a_killed_waiter_breaks_the_barrier() {
    model(4, || {
        let barrier = Barrier::new(2);
        let victim = waiter(PROCESS.get());
        let killed = thread::spawn({
            let (barrier, victim) = (barrier.clone(), victim.clone());
            move || {
                let _entered = victim.enter();
                match barrier.wait() {
                    // It arrived last, and so did not wait.
                    Ok(Arrival::Last(_)) => barrier.pass().is_ok(),
                    Ok(Arrival::Passed(_)) => true,
                    Err(error) => {
                        assert_eq!(error, BarrierError::Killed);
                        false
                    }
                }
            }
        });
        victim.kill();
        let passed = match barrier.wait() {
            Ok(Arrival::Passed(_)) => true,
            Ok(Arrival::Last(_)) => {
                let passed = barrier.pass();
                assert!(matches!(passed, Ok(()) | Err(PassError::Broken)));
                passed.is_ok()
            }
            Err(error) => {
                assert_eq!(error, BarrierError::Broken);
                false
            }
        };
        // The killed party may have passed without living to see it; that counts as a pass too.
        assert!(passed || !killed.join().unwrap());
        assert_eq!(barrier.is_broken(), !passed);
    });
}

#[test]
fn a_time_out_breaks_the_barrier_or_comes_too_late() {
    model(4, || {
        let barrier = Barrier::new(2);
        let impatient = thread::spawn({
            let barrier = barrier.clone();
            move || match barrier.wait_timeout(Duration::from_secs(1)) {
                Ok(Arrival::Last(_)) => barrier.pass().is_ok(),
                Ok(Arrival::Passed(_)) => true,
                Err(error) => {
                    assert_eq!(error, BarrierError::TimedOut);
                    false
                }
            }
        });
        let passed = match barrier.wait() {
            Ok(Arrival::Passed(_)) => true,
            Ok(Arrival::Last(_)) => barrier.pass().is_ok(),
            Err(error) => {
                assert_eq!(error, BarrierError::Broken);
                false
            }
        };
        assert_eq!(impatient.join().unwrap(), passed);
        assert_eq!(barrier.is_broken(), !passed);
    });
}

#[test]
fn the_end_of_who_came_last_breaks_the_barrier() {
    model(4, || {
        let barrier = Barrier::new(2);
        let other = thread::spawn({
            let barrier = barrier.clone();
            move || match barrier.wait() {
                Ok(Arrival::Last(_)) => barrier.pass().is_err(),
                Ok(Arrival::Passed(_)) => false,
                Err(error) => error == BarrierError::Broken,
            }
        });
        let last = waiter(PROCESS.get());
        let held = barrier.hold_as(Holder::Process(PROCESS));
        let came_last = {
            let _entered = last.enter();
            matches!(held.wait(), Ok(Arrival::Last(_)))
        };
        last.end(End::Normal);
        drop(held);
        assert_eq!(other.join().unwrap(), came_last);
    });
}

#[test]
fn a_reset_lets_go_who_waits_and_the_barrier_works_again() {
    model(3, || {
        let barrier = Barrier::new(2);
        let other = thread::spawn({
            let barrier = barrier.clone();
            // Before the reset it is turned away; after it, it waits for the next party.
            move || {
                let first = barrier.wait();
                if let Err(error) = first {
                    assert_eq!(error, BarrierError::Broken);
                    meet(&barrier);
                } else if matches!(first, Ok(Arrival::Last(_))) {
                    barrier.pass().unwrap();
                }
            }
        });
        barrier.reset();
        meet(&barrier);
        other.join().unwrap();
        assert!(!barrier.is_broken());
    });
}
