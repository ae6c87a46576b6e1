//! Real threads, and ends of processes at random moments: no party waits for ever, and the next owner
//! learns of the end.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use isopod_sync::{
    Acquired, Arrival, Barrier, Condition, End, Event, Holder, Hooks, Lock, Party, ProcessId,
    RLock, Semaphore, Waiter,
};

struct Spin(bool);
impl Hooks for Spin {
    fn may_spin(&self) -> bool {
        self.0
    }
}

fn waiter(number: u64) -> Arc<Waiter> {
    // Every second one spins first.
    let hooks = Arc::new(Spin(number.is_multiple_of(2)));
    Waiter::new(Party::Process(ProcessId::new(number)), hooks)
}

/// Runs processes one after the other, each killed at some moment and then ended.
fn with_victims(
    first: u64,
    count: u64,
    body: impl Fn(Holder) + Clone + Send + 'static,
    mut killed: impl FnMut(&Waiter),
) {
    for number in first..first + count {
        let process = waiter(number);
        let (sender, begun) = std::sync::mpsc::channel();
        let thread = thread::spawn({
            let (process, body) = (process.clone(), body.clone());
            move || {
                let _entered = process.enter();
                sender.send(()).unwrap();
                body(Holder::Process(ProcessId::new(number)));
            }
        });
        begun.recv().unwrap();
        for _ in 0..number % 64 {
            std::hint::spin_loop();
        }
        process.kill();
        thread.join().unwrap();
        killed(&process);
        process.end(End::Abandoned);
    }
}

#[test]
fn the_rlock_survives_owners_that_end() {
    const ROUNDS: u64 = 2_000;
    let lock = RLock::new();
    let inside = Arc::new(AtomicBool::new(false));
    let told = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let steady = thread::spawn({
        let (lock, inside, told) = (lock.clone(), inside.clone(), told.clone());
        let stop = stop.clone();
        move || {
            while !stop.load(Ordering::Relaxed) {
                if lock.acquire().unwrap() == Acquired::Abandoned {
                    told.fetch_add(1, Ordering::Relaxed);
                }
                lock.acquire().unwrap();
                assert!(!inside.swap(true, Ordering::Relaxed));
                inside.store(false, Ordering::Relaxed);
                lock.release().unwrap();
                lock.release().unwrap();
            }
        }
    });
    let left_locked = Arc::new(AtomicU64::new(0));
    with_victims(
        100_000,
        ROUNDS,
        {
            let (lock, told, left_locked) = (lock.clone(), told.clone(), left_locked.clone());
            move |holder| {
                let held = lock.hold_as(holder);
                // Never released: the process ends with two levels, or is killed while it waits.
                if let Ok(acquired) = held.acquire() {
                    assert_eq!(held.acquire(), Ok(Acquired::Clean));
                    assert!(!inside.load(Ordering::Relaxed));
                    left_locked.fetch_add(1, Ordering::Relaxed);
                    if acquired == Acquired::Abandoned {
                        told.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        },
        |_| {},
    );
    stop.store(true, Ordering::Relaxed);
    steady.join().unwrap();
    if lock.acquire().unwrap() == Acquired::Abandoned {
        told.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(
        told.load(Ordering::Relaxed),
        left_locked.load(Ordering::Relaxed)
    );
}

#[test]
fn all_permits_are_back_after_processes_were_ended() {
    const ROUNDS: u64 = 2_000;
    const PERMITS: u32 = 2;
    let semaphore = Semaphore::new(PERMITS, Some(PERMITS));
    let stop = Arc::new(AtomicBool::new(false));
    let steady = thread::spawn({
        let (semaphore, stop) = (semaphore.clone(), stop.clone());
        move || {
            while !stop.load(Ordering::Relaxed) {
                semaphore.acquire().unwrap();
                semaphore.release(1).unwrap();
            }
        }
    });
    with_victims(
        200_000,
        ROUNDS,
        {
            let semaphore = semaphore.clone();
            move |holder| {
                let held = semaphore.hold_as(holder);
                while held.acquire().is_ok() {}
            }
        },
        |_| {},
    );
    stop.store(true, Ordering::Relaxed);
    steady.join().unwrap();
    assert_eq!(semaphore.value(), PERMITS);
}

/// A queue made of a number, a lock and a condition: each item that goes in comes out, although consumers
/// are killed while they wait, and a party that takes nothing times out the whole time.
#[test]
fn no_notification_is_lost_when_sleepers_are_killed() {
    const ROUNDS: u64 = 2_000;
    let condition = Condition::new_with(&Lock::new());
    let items = Arc::new(AtomicU64::new(0));
    let taken = Arc::new(AtomicU64::new(0));
    let closed = Arc::new(AtomicBool::new(false));
    let take_all = {
        let (condition, items, taken) = (condition.clone(), items.clone(), taken.clone());
        let closed = closed.clone();
        move || {
            while condition.acquire().is_ok() {
                while items.load(Ordering::Relaxed) == 0 {
                    if closed.load(Ordering::Relaxed) {
                        condition.release().unwrap();
                        return;
                    }
                    if condition.wait().is_err() {
                        return;
                    }
                }
                items.fetch_sub(1, Ordering::Relaxed);
                taken.fetch_add(1, Ordering::Relaxed);
                condition.release().unwrap();
            }
        }
    };
    let survivor = thread::spawn(take_all.clone());
    let impatient = thread::spawn({
        let (condition, closed) = (condition.clone(), closed.clone());
        move || {
            condition.acquire().unwrap();
            while !closed.load(Ordering::Relaxed) {
                let waited = condition.wait_timeout(Duration::from_micros(20));
                if waited.unwrap().is_notified() {
                    condition.notify(1).unwrap();
                }
            }
            condition.release().unwrap();
        }
    });
    with_victims(
        300_000,
        ROUNDS,
        move |_| take_all(),
        |_| {
            for _ in 0..2 {
                condition.acquire().unwrap();
                items.fetch_add(1, Ordering::Relaxed);
                condition.notify(1).unwrap();
                condition.release().unwrap();
            }
        },
    );
    // The rest of the items are taken without another notification.
    while taken.load(Ordering::Relaxed) < 2 * ROUNDS {
        thread::yield_now();
    }
    condition.acquire().unwrap();
    closed.store(true, Ordering::Relaxed);
    condition.notify_all().unwrap();
    condition.release().unwrap();
    survivor.join().unwrap();
    impatient.join().unwrap();
    assert_eq!(condition.waiting(), 0);
}

#[test]
fn condition_ping_pong() {
    const ROUNDS: u64 = 20_000;
    let condition = Condition::new();
    let turn = Arc::new(AtomicU64::new(0));
    let player = |parity: u64| {
        let (condition, turn) = (condition.clone(), turn.clone());
        thread::spawn(move || {
            let waiter = waiter(400_000 + parity);
            let _entered = waiter.enter();
            for _ in 0..ROUNDS {
                condition.acquire().unwrap();
                while turn.load(Ordering::Relaxed) % 2 != parity {
                    assert!(condition.wait().unwrap().is_notified());
                }
                turn.fetch_add(1, Ordering::Relaxed);
                condition.notify(1).unwrap();
                condition.release().unwrap();
            }
        })
    };
    for thread in [player(0), player(1)] {
        thread.join().unwrap();
    }
    assert_eq!(turn.load(Ordering::Relaxed), 2 * ROUNDS);
}

#[test]
fn barrier_rounds() {
    const PARTIES: u32 = 4;
    const ROUNDS: u64 = 2_000;
    let barrier = Barrier::new(PARTIES);
    let actions = Arc::new(AtomicU64::new(0));
    let parties: Vec<_> = (0..u64::from(PARTIES))
        .map(|number| {
            let (barrier, actions) = (barrier.clone(), actions.clone());
            thread::spawn(move || {
                let waiter = waiter(500_000 + number);
                let _entered = waiter.enter();
                let mut sum = 0_u64;
                for round in 1..=ROUNDS {
                    sum += match barrier.wait().unwrap() {
                        Arrival::Passed(index) => u64::from(index),
                        Arrival::Last(index) => {
                            actions.fetch_add(1, Ordering::Relaxed);
                            barrier.pass().unwrap();
                            u64::from(index)
                        }
                    };
                    assert!(actions.load(Ordering::Relaxed) >= round);
                }
                sum
            })
        })
        .collect();
    let sum: u64 = parties.into_iter().map(|party| party.join().unwrap()).sum();
    assert_eq!(sum, ROUNDS * u64::from(PARTIES * (PARTIES - 1) / 2));
    assert_eq!(actions.load(Ordering::Relaxed), ROUNDS);
}

/// Two steady parties and one that is killed: each time the barrier breaks all of them learn of it, and
/// after a reset it works again.
#[test]
fn a_barrier_never_keeps_anybody_when_parties_are_killed() {
    const ROUNDS: u64 = 1_000;
    let barrier = Barrier::new(3);
    let stop = Arc::new(AtomicBool::new(false));
    let come = |barrier: &Barrier| match barrier.wait() {
        Ok(Arrival::Last(_)) => barrier.pass().is_ok(),
        Ok(Arrival::Passed(_)) => true,
        Err(_) => false,
    };
    let steady = [(); 2].map(|()| {
        let (barrier, stop) = (barrier.clone(), stop.clone());
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                if !come(&barrier) {
                    thread::yield_now();
                }
            }
        })
    });
    with_victims(
        600_000,
        ROUNDS,
        {
            let barrier = barrier.clone();
            let come_last = Arc::new(AtomicU64::new(0));
            move |holder| {
                let held = barrier.hold_as(holder);
                while let Ok(arrival) = held.wait() {
                    // Half of the last arrivals end in the action.
                    if let Arrival::Last(index) = arrival {
                        assert_eq!(index, 2);
                        let times = come_last.fetch_add(1, Ordering::Relaxed);
                        if times.is_multiple_of(2) || held.pass().is_err() {
                            return;
                        }
                    }
                }
            }
        },
        |_| barrier.reset(),
    );
    stop.store(true, Ordering::Relaxed);
    barrier.abort();
    for thread in steady {
        thread.join().unwrap();
    }
    assert_eq!(barrier.waiting(), 0);
}

#[test]
fn event_ping_pong() {
    const ROUNDS: u64 = 20_000;
    let (ping, pong) = (Event::new(), Event::new());
    let other = thread::spawn({
        let (ping, pong) = (ping.clone(), pong.clone());
        move || {
            let waiter = waiter(700_000);
            let _entered = waiter.enter();
            for _ in 0..ROUNDS {
                ping.wait().unwrap();
                ping.clear();
                pong.set();
            }
        }
    });
    for _ in 0..ROUNDS {
        ping.set();
        pong.wait().unwrap();
        pong.clear();
    }
    other.join().unwrap();
    assert!(!ping.is_set() && !pong.is_set());
}
