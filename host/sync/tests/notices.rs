//! Notices: which waits they end early, which they leave alone, and that nothing is lost with them.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use isopod_sync::{
    AcquireError, Acquired, Arrival, Barrier, Bounds, Completion, Condition, End, Event, GetError,
    JoinableQueue, Lock, Message, Party, ProcessId, PutError, Queue, RLock, RLockError, RecvError,
    Semaphore, WaitError, Waited, Waiter, pipe, wait_any,
};
use support::{Counting, process, run, until};

fn waiter(number: u64) -> Arc<Waiter> {
    process(number).0
}

/// Notifies a party that waits, and returns when the party has seen the notice and waits on.
fn notify_in_vain(party: &Waiter, hooks: &Counting, is_over: impl Fn() -> bool) {
    party.notify();
    // A wait checks its notices after each inspection, so the second inspection shows that it has checked.
    for _ in 0..2 {
        let before = hooks.inspections.load(Ordering::SeqCst);
        party.request_inspection();
        until(|| hooks.inspections.load(Ordering::SeqCst) > before || is_over());
    }
    assert!(!is_over(), "the notice has ended the wait");
}

type Wait = Box<dyn FnMut() -> bool + Send>;

/// A wait of each kind that nothing else ends; true if it ended as if its time-out had passed.
fn waits() -> Vec<(&'static str, Wait)> {
    let queue = Queue::new(Bounds::default());
    let full = Queue::new(Bounds {
        max_messages: Some(1),
        max_bytes: None,
    });
    full.put(Message::default()).unwrap();
    let joinable = JoinableQueue::new(Bounds::default());
    joinable.put(Message::default()).unwrap();
    let (near, far) = pipe(true);
    let lock = Lock::new();
    lock.acquire().unwrap();
    let rlock = RLock::new();
    rlock.acquire().unwrap();
    let semaphore = Semaphore::new(0, None);
    let event = Event::new();
    let completion = Completion::<()>::new();
    let (first, second) = (Queue::new(Bounds::default()), Event::new());
    let condition = Condition::new();
    vec![
        (
            "queue get",
            Box::new(move || queue.get().unwrap_err() == GetError::Empty),
        ),
        (
            "queue put",
            Box::new(move || {
                let refused = full.put(Message::from_bytes([1])).unwrap_err();
                // The message comes back.
                matches!(refused, PutError::Full(message) if message.bytes == [1])
            }),
        ),
        (
            "queue join",
            Box::new(move || joinable.join() == Err(WaitError::TimedOut)),
        ),
        (
            "connection",
            Box::new(move || far.recv().unwrap_err() == RecvError::TimedOut && near.is_writable()),
        ),
        (
            "lock",
            Box::new(move || lock.acquire() == Err(AcquireError::TimedOut)),
        ),
        (
            "rlock",
            Box::new(move || rlock.acquire() == Err(RLockError::TimedOut)),
        ),
        (
            "semaphore",
            Box::new(move || semaphore.acquire() == Err(AcquireError::TimedOut)),
        ),
        (
            "event",
            Box::new(move || event.wait() == Err(WaitError::TimedOut)),
        ),
        (
            "process",
            Box::new(move || completion.wait_within(None) == Err(WaitError::TimedOut)),
        ),
        (
            "any of several",
            Box::new(move || {
                let objects = [(&first).into(), (&second).into()];
                wait_any(&objects, None) == Err(WaitError::TimedOut)
            }),
        ),
        (
            "condition",
            Box::new(move || {
                condition.acquire().unwrap();
                let waited = condition.wait();
                // The party holds the lock again.
                condition.release().unwrap();
                waited == Ok(Waited::TimedOut(Acquired::Clean))
            }),
        ),
    ]
}

#[test]
fn a_notice_ends_each_kind_of_wait_before_or_while_it_waits() {
    for (number, (name, mut wait)) in (1..).zip(waits()) {
        let party = waiter(number);
        let waiting = run(&party, {
            let party = party.clone();
            move || {
                // The first wait is notified while it waits; the second ends too, because the notice was
                // not taken.
                let early = wait() && wait();
                let taken = party.take_notice();
                (early, taken, party.take_notice())
            }
        });
        until(|| party.waiting_for().is_some());
        party.notify();
        assert_eq!(waiting.join().unwrap(), (true, true, false), "{name}");
        assert_eq!(party.waiting_for(), None);
    }
}

#[test]
fn a_wait_with_a_long_time_out_ends_early_too() {
    let party = waiter(100);
    let waiting = run(&party, || {
        Event::new().wait_timeout(Duration::from_secs(3600))
    });
    until(|| party.waiting_for().is_some());
    party.notify();
    assert_eq!(waiting.join().unwrap(), Err(WaitError::TimedOut));
}

#[test]
fn what_needs_no_waiting_is_done_in_spite_of_a_notice() {
    let party = waiter(101);
    party.notify();
    let _entered = party.enter();
    let queue = Queue::new(Bounds::default());
    queue.put(Message::from_bytes([1])).unwrap();
    assert_eq!(queue.get().unwrap().bytes, [1]);
    let lock = Lock::new();
    assert_eq!(lock.acquire(), Ok(Acquired::Clean));
    assert_eq!(lock.acquire(), Err(AcquireError::TimedOut));
    assert!(party.take_notice());
}

#[test]
fn what_a_notified_party_was_woken_for_goes_to_the_next() {
    for _ in 0..200 {
        let semaphore = Semaphore::new(0, None);
        let party = waiter(102);
        let notified = run(&party, {
            let semaphore = semaphore.clone();
            move || semaphore.acquire().is_ok()
        });
        until(|| party.waiting_for().is_some());
        let other = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.acquire().is_ok()
        });
        semaphore.release(1).unwrap();
        party.notify();
        if notified.join().unwrap() {
            semaphore.release(1).unwrap();
        }
        assert!(other.join().unwrap());
        assert_eq!(semaphore.value(), 0);
    }
}

#[test]
fn a_notice_does_not_break_a_barrier() {
    for before in [true, false] {
        let barrier = Barrier::new(2);
        let (party, hooks) = process(103);
        if before {
            party.notify();
        }
        let waiting = run(&party, {
            let barrier = barrier.clone();
            move || barrier.wait().is_ok()
        });
        until(|| party.waiting_for().is_some());
        notify_in_vain(&party, &hooks, || waiting.is_finished());
        assert!(!barrier.is_broken());
        assert_eq!(barrier.wait(), Ok(Arrival::Last(1)));
        barrier.pass().unwrap();
        assert!(waiting.join().unwrap());
        // The notice stays for later.
        assert!(party.take_notice());
        assert!(!barrier.is_broken());
    }
}

#[test]
fn a_notice_does_not_end_the_wait_for_the_lock_of_a_condition() {
    let condition = Condition::new();
    let (party, hooks) = process(104);
    let waiting = run(&party, {
        let condition = condition.clone();
        move || {
            condition.acquire().unwrap();
            let waited = condition.wait();
            (waited, condition.owner())
        }
    });
    until(|| condition.waiting() == 1);
    // Notified for the condition while the lock is held, so that it waits for the lock.
    condition.acquire().unwrap();
    assert_eq!(condition.notify(1), Ok(1));
    until(|| {
        let record = party.waiting_for();
        record.is_some_and(|record| record.operation == "acquire")
    });
    notify_in_vain(&party, &hooks, || waiting.is_finished());
    condition.release().unwrap();
    let (waited, owner) = waiting.join().unwrap();
    assert_eq!(waited, Ok(Waited::Notified(Acquired::Clean)));
    assert_eq!(owner, Some(Party::Process(ProcessId::new(104))));
    assert!(party.take_notice());
}

#[test]
fn nothing_is_ended_while_notices_are_ignored() {
    let party = waiter(105);
    party.notify();
    let event = Event::new();
    let waiting = run(&party, {
        let (party, event) = (party.clone(), event.clone());
        move || {
            let nested = party.without_notices(|| {
                let inner = party.without_notices(|| event.wait());
                (inner, Event::new().wait_timeout(Duration::from_millis(1)))
            });
            (nested, Event::new().wait())
        }
    });
    until(|| party.waiting_for().is_some());
    event.set();
    let ((inner, outer), after) = waiting.join().unwrap();
    assert_eq!((inner, outer), (Ok(()), Err(WaitError::TimedOut)));
    assert_eq!(after, Err(WaitError::TimedOut));
}

#[test]
fn a_kill_comes_before_a_notice() {
    let party = waiter(106);
    party.notify();
    party.kill();
    let killed = run(&party, {
        let party = party.clone();
        move || {
            let ignoring = party.without_notices(|| Event::new().wait());
            (Event::new().wait(), ignoring)
        }
    });
    let expected = Err(WaitError::Killed);
    assert_eq!(killed.join().unwrap(), (expected, expected));
}

#[test]
fn the_end_of_a_party_hears_no_notices() {
    let party = waiter(107);
    party.notify();
    let event = Event::new();
    party.end(End::Normal);
    let waiting = run(&party, {
        let event = event.clone();
        move || event.wait()
    });
    until(|| party.waiting_for().is_some());
    event.set();
    assert_eq!(waiting.join().unwrap(), Ok(()));
}
