//! The promises of the recursive lock, the semaphore, the event, the condition and the barrier, one by one.
//! Waits that must have begun are awaited through their records.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failed assumption is a failed test"
)]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use isopod_sync::{
    AcquireError, Acquired, Arrival, Barrier, BarrierError, Condition, ConditionError, End, Event,
    Handle, Holder, Hooks, Kind, Lock, NotOwner, Party, PassError, ProcessId, RLock, RLockError,
    Semaphore, TooManyReleases, WaitError, Waited, Waiter, wait_any,
};

struct NoHooks;
impl Hooks for NoHooks {}

/// A process and the thread it acts on.
fn process(number: u64) -> (Arc<Waiter>, Holder) {
    let process = ProcessId::new(number);
    let waiter = Waiter::new(Party::Process(process), Arc::new(NoHooks));
    (waiter, Holder::Process(process))
}

fn run<R: Send>(waiter: &Arc<Waiter>, action: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let run = || {
            let _entered = waiter.enter();
            action()
        };
        scope.spawn(run).join().unwrap()
    })
}

fn until(event: impl Fn() -> bool) {
    let failure = Instant::now() + Duration::from_secs(30);
    while !event() {
        assert!(Instant::now() < failure, "the event did not come");
        thread::yield_now();
    }
}

const MOMENT: Duration = Duration::from_millis(1);

#[test]
fn an_rlock_counts_and_only_its_owner_releases() {
    let (first, _) = process(1);
    let lock = RLock::new();
    assert_eq!(lock.release(), Err(NotOwner));
    for depth in 1..=3 {
        assert_eq!(lock.acquire(), Ok(Acquired::Clean));
        assert_eq!(lock.depth(), depth);
    }
    run(&first, || {
        assert_eq!(lock.release(), Err(NotOwner));
        assert_eq!(lock.try_acquire(), Err(RLockError::TimedOut));
        assert_eq!(lock.acquire_timeout(MOMENT), Err(RLockError::TimedOut));
    });
    for _ in 0..3 {
        assert_eq!(lock.owner(), Some(Party::Embedder));
        lock.release().unwrap();
    }
    assert!(!lock.is_locked());
    assert_eq!(lock.release(), Err(NotOwner));
}

#[test]
fn an_rlock_is_abandoned_with_all_levels_and_the_next_owner_is_told_once() {
    let (first, holder) = process(2);
    let lock = RLock::new();
    let held = lock.hold_as(holder);
    run(&first, || {
        held.acquire().unwrap();
        held.acquire().unwrap();
    });
    drop(held);
    assert_eq!(lock.depth(), 2);
    first.end(End::Normal);
    assert_eq!(lock.acquire(), Ok(Acquired::Abandoned));
    assert_eq!(lock.acquire(), Ok(Acquired::Clean));
    lock.release().unwrap();
    lock.release().unwrap();
    assert_eq!(lock.acquire(), Ok(Acquired::Clean));
}

#[test]
fn handles_open_as_their_own_kind_only() {
    let handles: [(Handle, Kind); 5] = [
        (Lock::new().to_handle(), Kind::Lock),
        (RLock::new().to_handle(), Kind::RLock),
        (Semaphore::new(1, None).to_handle(), Kind::Semaphore),
        (Event::new().to_handle(), Kind::Event),
        (Barrier::new(1).to_handle(), Kind::Barrier),
    ];
    for (handle, kind) in &handles {
        assert_eq!(handle.kind(), *kind);
        let opened = [
            (Kind::Lock, Lock::open(handle).is_some()),
            (Kind::RLock, RLock::open(handle).is_some()),
            (Kind::Semaphore, Semaphore::open(handle).is_some()),
            (Kind::Event, Event::open(handle).is_some()),
            (Kind::Barrier, Barrier::open(handle).is_some()),
            (Kind::Condition, Condition::open(handle).is_some()),
        ];
        for (as_kind, is_open) in opened {
            assert_eq!(is_open, as_kind == *kind);
        }
    }
}

#[test]
fn a_semaphore_has_as_many_permits_as_were_given() {
    let semaphore = Semaphore::new(2, None);
    semaphore.acquire().unwrap();
    semaphore.acquire().unwrap();
    assert_eq!(semaphore.try_acquire(), Err(AcquireError::TimedOut));
    assert_eq!(
        semaphore.acquire_timeout(MOMENT),
        Err(AcquireError::TimedOut)
    );
    semaphore.release(3).unwrap();
    assert_eq!(semaphore.value(), 3);
    let too_many = semaphore.release(u32::MAX).unwrap_err();
    assert_eq!((too_many.count, too_many.permits), (u32::MAX, 3));
    assert_eq!(too_many.limit, isopod_sync::SEMAPHORE_MAX_PERMITS);
    let bounded = Semaphore::new(1, Some(1));
    let too_many = TooManyReleases {
        count: 1,
        permits: 1,
        limit: 1,
    };
    assert_eq!(bounded.release(1), Err(too_many));
    bounded.acquire().unwrap();
    bounded.release(1).unwrap();
    assert_eq!(bounded.value(), 1);
}

#[test]
fn permits_come_back_from_a_process_that_was_ended_only() {
    for (number, how) in [(3, End::Normal), (4, End::Abandoned)] {
        for drop_first in [true, false] {
            let (taker, holder) = process(number);
            let semaphore = Semaphore::new(3, Some(3));
            let held = semaphore.hold_as(holder);
            run(&taker, || {
                for _ in 0..3 {
                    held.acquire().unwrap();
                }
                held.release(1).unwrap();
            });
            if drop_first {
                drop(held);
                taker.end(how);
            } else {
                taker.end(how);
                drop(held);
            }
            if how == End::Normal {
                assert_eq!(semaphore.value(), 1);
                assert_eq!(semaphore.acquire(), Ok(Acquired::Clean));
            } else {
                assert_eq!(semaphore.value(), 3);
                assert_eq!(semaphore.acquire(), Ok(Acquired::Abandoned));
                assert_eq!(semaphore.acquire(), Ok(Acquired::Clean));
            }
        }
    }
}

#[test]
fn permits_that_another_gave_back_already_do_not_exceed_the_bound() {
    let (taker, holder) = process(5);
    let semaphore = Semaphore::new(1, Some(1));
    let held = semaphore.hold_as(holder);
    run(&taker, || held.acquire().unwrap());
    semaphore.release(1).unwrap();
    drop(held);
    taker.end(End::Abandoned);
    assert_eq!(semaphore.value(), 1);
}

#[test]
fn an_event_is_waited_for_until_it_is_set() {
    let event = Event::new();
    assert_eq!(event.wait_timeout(MOMENT), Err(WaitError::TimedOut));
    thread::scope(|scope| {
        let (waiter, _) = process(6);
        let wait = scope.spawn({
            let (event, waiter) = (event.clone(), waiter.clone());
            move || {
                let _entered = waiter.enter();
                event.wait()
            }
        });
        until(|| waiter.waiting_for().is_some());
        assert_eq!(waiter.waiting_for().unwrap().kind, Kind::Event);
        // Cleared before the waiter can run.
        event.set();
        event.clear();
        assert_eq!(wait.join().unwrap(), Ok(()));
    });
    assert!(!event.is_set());
    assert_eq!(
        event.wait_within(Some(Duration::ZERO)),
        Err(WaitError::TimedOut)
    );
    event.set();
    event.set();
    assert_eq!(event.wait_within(Some(Duration::ZERO)), Ok(()));
}

#[test]
fn an_event_is_one_of_several_to_wait_for() {
    let (first, second) = (Event::new(), Event::new());
    let both = [(&first).into(), (&second).into()];
    assert_eq!(wait_any(&both, Some(MOMENT)), Err(WaitError::TimedOut));
    thread::scope(|scope| {
        let wait = scope.spawn(|| wait_any(&[(&first).into(), (&second).into()], None));
        second.set();
        assert_eq!(wait.join().unwrap(), Ok(vec![1]));
    });
    first.set();
    assert_eq!(wait_any(&both, None), Ok(vec![0, 1]));
}

#[test]
fn a_condition_is_for_owners_only() {
    for condition in [Condition::new(), Condition::new_with(&Lock::new())] {
        assert_eq!(condition.wait(), Err(ConditionError::NotOwner));
        assert_eq!(condition.notify(1), Err(NotOwner));
        assert_eq!(condition.release(), Err(NotOwner));
        condition.acquire().unwrap();
        let (other, _) = process(7);
        run(&other, || {
            assert_eq!(condition.wait(), Err(ConditionError::NotOwner));
            assert_eq!(condition.notify_all(), Err(NotOwner));
        });
        assert_eq!(condition.notify(1), Ok(0));
        assert_eq!(condition.waiting(), 0);
        condition.release().unwrap();
    }
}

#[test]
fn a_wait_gives_all_levels_back_and_takes_them_again() {
    let lock = RLock::new();
    let condition = Condition::with_rlock(&lock);
    let (sleeper, _) = process(8);
    thread::scope(|scope| {
        let wait = scope.spawn(|| {
            let _entered = sleeper.enter();
            for _ in 0..3 {
                lock.acquire().unwrap();
            }
            let waited = condition.wait();
            assert_eq!(lock.owner(), Some(sleeper.party()));
            for _ in 0..3 {
                lock.release().unwrap();
            }
            waited
        });
        until(|| condition.waiting() == 1);
        lock.acquire().unwrap();
        assert_eq!((lock.depth(), condition.notify(5)), (1, Ok(1)));
        lock.release().unwrap();
        assert_eq!(wait.join().unwrap(), Ok(Waited::Notified(Acquired::Clean)));
    });
    assert!(!lock.is_locked());
}

#[test]
fn a_wait_that_times_out_has_the_lock_again() {
    let condition = Condition::new();
    condition.acquire().unwrap();
    for timeout in [Duration::ZERO, MOMENT] {
        let waited = condition.wait_timeout(timeout);
        assert_eq!(waited, Ok(Waited::TimedOut(Acquired::Clean)));
        assert_eq!(condition.owner(), Some(Party::Embedder));
    }
    // A notification without a waiter is not kept.
    assert_eq!(condition.notify_all(), Ok(0));
    let waited = condition.wait_timeout(MOMENT).unwrap();
    assert!(!waited.is_notified());
}

#[test]
fn notifications_reach_those_who_wait_in_order() {
    let condition = Condition::new();
    let (sender, received) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        for number in 0..4 {
            let (condition, waiting) = (condition.clone(), condition.clone());
            let sender = sender.clone();
            scope.spawn(move || {
                let (waiter, _) = process(20 + number);
                let _entered = waiter.enter();
                condition.acquire().unwrap();
                assert!(condition.wait().unwrap().is_notified());
                sender.send(number).unwrap();
                condition.release().unwrap();
            });
            until(|| waiting.waiting() == number + 1);
        }
        for expected in [vec![0], vec![1]] {
            condition.acquire().unwrap();
            assert_eq!(condition.notify(1), Ok(1));
            condition.release().unwrap();
            for number in expected {
                assert_eq!(received.recv(), Ok(number));
            }
        }
        condition.acquire().unwrap();
        assert_eq!(condition.notify_all(), Ok(2));
        condition.release().unwrap();
        let mut rest = [received.recv().unwrap(), received.recv().unwrap()];
        rest.sort_unstable();
        assert_eq!(rest, [2, 3]);
    });
}

#[test]
fn a_killed_sleeper_leaves_without_the_lock() {
    let condition = Condition::new();
    let (sleeper, _) = process(9);
    thread::scope(|scope| {
        let wait = scope.spawn(|| {
            let _entered = sleeper.enter();
            condition.acquire().unwrap();
            condition.wait()
        });
        until(|| condition.waiting() == 1);
        sleeper.kill();
        assert_eq!(wait.join().unwrap(), Err(ConditionError::Killed));
    });
    assert_eq!((condition.waiting(), condition.owner()), (0, None));
}

#[test]
fn a_lock_known_through_its_condition_is_abandoned_too() {
    let (owner, holder) = process(10);
    let condition = Condition::new();
    let held = condition.hold_as(holder);
    run(&owner, || held.acquire().unwrap());
    drop(held);
    owner.end(End::Abandoned);
    assert_eq!(condition.try_acquire(), Ok(Acquired::Abandoned));
}

#[test]
fn sleepers_are_woken_when_an_owner_ends() {
    let condition = Condition::new();
    let (owner, holder) = process(15);
    let held = condition.hold_as(holder);
    thread::scope(|scope| {
        // Each is a party of its own: threads of the embedder would own the lock together.
        let sleep = |number| {
            let condition = condition.clone();
            scope.spawn(move || {
                let (waiter, _) = process(number);
                let _entered = waiter.enter();
                condition.acquire().unwrap();
                let waited = condition.wait().unwrap();
                condition.release().unwrap();
                waited
            })
        };
        let sleepers = [sleep(16), sleep(17)];
        until(|| condition.waiting() == 2);
        run(&owner, || held.acquire().unwrap());
        owner.end(End::Normal);
        drop(held);
        let told = sleepers.map(|sleeper| sleeper.join().unwrap());
        assert!(told.iter().all(|waited| waited.is_notified()));
        let abandoned = |waited: &&Waited| waited.acquired() == Acquired::Abandoned;
        assert_eq!(told.iter().filter(abandoned).count(), 1);
    });
}

#[test]
fn a_task_that_stops_waiting_for_a_condition_passes_its_notification_on() {
    let condition = Condition::new();
    let mut context = Context::from_waker(Waker::noop());
    condition.acquire().unwrap();
    let mut first = Box::pin(condition.wait_async());
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert_eq!(condition.owner(), None);
    condition.acquire().unwrap();
    let mut second = Box::pin(condition.wait_async());
    assert!(second.as_mut().poll(&mut context).is_pending());
    let (other, _) = process(11);
    run(&other, || {
        condition.acquire().unwrap();
        assert_eq!(condition.notify(1), Ok(1));
    });
    // Notified, and now waiting for the lock.
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(first);
    run(&other, || condition.release().unwrap());
    let notified = Poll::Ready(Ok(Waited::Notified(Acquired::Clean)));
    assert_eq!(second.as_mut().poll(&mut context), notified);
    assert_eq!(condition.owner(), Some(Party::Embedder));
}

#[test]
fn a_barrier_for_nobody_or_one_never_waits() {
    for parties in [0, 1] {
        let barrier = Barrier::new(parties);
        for _ in 0..3 {
            assert_eq!(barrier.wait_timeout(Duration::ZERO), Ok(Arrival::Last(0)));
            assert_eq!(barrier.waiting(), 0);
            barrier.pass().unwrap();
            assert_eq!(barrier.pass(), Err(PassError::NotLast));
        }
        assert_eq!((barrier.parties(), barrier.is_broken()), (parties, false));
    }
}

/// Runs `action` on a barrier for two where a party waits; the other party is the test.
fn with_one_waiting(action: impl FnOnce(&Barrier, &Waiter)) -> Result<Arrival, BarrierError> {
    let barrier = Barrier::new(2);
    let (waiter, _) = process(12);
    thread::scope(|scope| {
        let wait = scope.spawn(|| {
            let _entered = waiter.enter();
            barrier.wait()
        });
        until(|| waiter.waiting_for().is_some());
        assert_eq!(barrier.waiting(), 1);
        action(&barrier, &waiter);
        wait.join().unwrap()
    })
}

#[test]
fn a_barrier_breaks_when_one_gives_up_and_works_again_after_a_reset() {
    let barrier = Barrier::new(2);
    assert_eq!(barrier.wait_timeout(MOMENT), Err(BarrierError::TimedOut));
    assert!(barrier.is_broken());
    assert_eq!(barrier.wait(), Err(BarrierError::Broken));
    barrier.reset();
    assert_eq!((barrier.is_broken(), barrier.waiting()), (false, 0));
    let mut context = Context::from_waker(Waker::noop());
    let mut dropped = Box::pin(barrier.wait_async());
    assert!(dropped.as_mut().poll(&mut context).is_pending());
    drop(dropped);
    assert!(barrier.is_broken());
}

#[test]
fn who_waits_at_a_barrier_is_told_how_it_ended() {
    let aborted = with_one_waiting(|barrier, _| barrier.abort());
    assert_eq!(aborted, Err(BarrierError::Broken));
    let reset = with_one_waiting(|barrier, _| {
        barrier.reset();
        assert!(!barrier.is_broken());
    });
    assert_eq!(reset, Err(BarrierError::Broken));
    let killed = with_one_waiting(|barrier, waiter| {
        waiter.kill();
        until(|| barrier.is_broken());
    });
    assert_eq!(killed, Err(BarrierError::Killed));
    let passed = with_one_waiting(|barrier, _| {
        assert_eq!(barrier.wait(), Ok(Arrival::Last(1)));
        barrier.pass().unwrap();
        barrier.abort();
    });
    assert_eq!(passed, Ok(Arrival::Passed(0)));
    let failed_action = with_one_waiting(|barrier, _| {
        assert_eq!(barrier.wait(), Ok(Arrival::Last(1)));
        barrier.abort();
        assert_eq!(barrier.pass(), Err(PassError::Broken));
    });
    assert_eq!(failed_action, Err(BarrierError::Broken));
}

#[test]
fn the_end_of_the_process_in_the_action_breaks_the_barrier() {
    for number in [13, 14] {
        let broken = with_one_waiting(|barrier, _| {
            let (last, holder) = process(number);
            // The barrier knows the process by a reference of its own, or only by that of another.
            let held = (number == 13).then(|| barrier.hold_as(holder));
            let used = held.as_ref().unwrap_or(barrier);
            assert_eq!(run(&last, || used.wait()), Ok(Arrival::Last(1)));
            last.end(End::Normal);
            drop(held);
            assert!(barrier.is_broken());
        });
        assert_eq!(broken, Err(BarrierError::Broken));
    }
}

#[test]
fn who_comes_during_the_action_belongs_to_the_next_gathering() {
    let barrier = Barrier::new(1);
    assert_eq!(barrier.wait(), Ok(Arrival::Last(0)));
    assert_eq!(barrier.wait_timeout(MOMENT), Err(BarrierError::TimedOut));
    assert!(!barrier.is_broken());
    let mut context = Context::from_waker(Waker::noop());
    let mut next = Box::pin(barrier.wait_async());
    assert!(next.as_mut().poll(&mut context).is_pending());
    barrier.pass().unwrap();
    let last = Poll::Ready(Ok(Arrival::Last(0)));
    assert_eq!(next.as_mut().poll(&mut context), last);
    barrier.pass().unwrap();
}
