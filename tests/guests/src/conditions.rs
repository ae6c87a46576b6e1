//! CPython's own tests of conditions, their semantics re-created under their names.

use crate::Outcome;
use crate::synchronisation::SHORT;
use isopod::{Condition, Process, RLock, Semaphore, SharedMemory};
use std::time::{Duration, Instant};

/// `_TestCondition.test_notify`, `test_notify_n`, `test_notify_all`: exactly as many sleepers wake as were
/// notified.
pub fn notify_n() -> Outcome {
    fn sleeper(condition: Condition, sleeping: Semaphore, woken: Semaphore) -> Outcome {
        let guard = condition.acquire()?;
        sleeping.release(1)?;
        guard.wait()?;
        woken.release(1)
    }
    let condition = Condition::new()?;
    let sleeping = Semaphore::new(0)?;
    let woken = Semaphore::new(0)?;
    for counts in [&[1_u32, 1, 2, 2][..], &[6], &[2, 4, 3], &[u32::MAX]] {
        let children = (0..6)
            .map(|_| {
                let objects = (condition.clone(), sleeping.clone(), woken.clone());
                Process::spawn(sleeper, objects)
            })
            .collect::<Result<Vec<_>, _>>()?;
        for _ in 0..6 {
            sleeping.acquire()?.keep();
        }
        assert!(nobody(&woken)?, "nobody has been notified");
        let mut asleep = 6;
        for count in counts {
            // A child that has announced its sleep holds the lock until it sleeps.
            let guard = condition.acquire()?;
            match *count {
                u32::MAX => guard.notify_all()?,
                1 => guard.notify()?,
                count => guard.notify_many(count)?,
            }
            drop(guard);
            for _ in 0..asleep.min(*count) {
                woken.acquire()?.keep();
            }
            asleep -= asleep.min(*count);
            assert!(nobody(&woken)?, "{count} were notified, more have woken");
        }
        for child in children {
            child.join()?;
        }
    }
    // A time-out wakes without a notification.
    let start = Instant::now();
    let child = Process::spawn(
        |condition: Condition| condition.acquire()?.wait_timeout(SHORT),
        (condition,),
    )?;
    assert!(!child.join()?);
    assert!(start.elapsed() >= SHORT);
    Ok(())
}

/// Whether no further sleeper wakes within a short time.
fn nobody(woken: &Semaphore) -> isopod::Result<bool> {
    Ok(woken.acquire_timeout(SHORT)?.is_none())
}

/// `_TestCondition.test_waitfor`, `test_waitfor_timeout`, `test_wait_result`.
pub fn waitfor() -> Outcome {
    let condition = Condition::new()?;
    let state = SharedMemory::new(8)?;
    // The child begins the count, and waits until its parent has brought it to four.
    state.store_u32(0, 100)?;
    let child = Process::spawn(
        |condition: Condition, state: SharedMemory| -> Outcome {
            let guard = condition.acquire()?;
            state.store_u32(0, 0)?;
            guard.notify()?;
            guard.wait_for(|| state.load_u32(0).is_ok_and(|count| count == 4))
        },
        (condition.clone(), state.clone()),
    )?;
    let guard = condition.acquire()?;
    guard.wait_for(|| state.load_u32(0).is_ok_and(|count| count == 0))?;
    drop(guard);
    count_up(&condition, &state, 4)?;
    child.join()?;

    // Its parent stops at three.
    state.store_u32(0, 0)?;
    let ready = Semaphore::new(0)?;
    let child = Process::spawn(
        |condition: Condition, state: SharedMemory, ready: Semaphore| {
            let guard = condition.acquire()?;
            ready.release(1)?;
            let start = Instant::now();
            let timeout = Duration::from_millis(100);
            let is_four = || state.load_u32(0).is_ok_and(|count| count == 4);
            let answer = guard.wait_for_timeout(is_four, timeout)?;
            Ok::<_, isopod::Error>((answer, start.elapsed() >= timeout))
        },
        (condition.clone(), state.clone(), ready.clone()),
    )?;
    ready.acquire()?.keep();
    count_up(&condition, &state, 3)?;
    assert_eq!(child.join()?, (false, true));

    let guard = condition.acquire()?;
    assert!(!guard.wait_timeout(Duration::ZERO)?, "nobody notifies");
    assert!(!guard.wait_timeout(SHORT)?, "nobody notifies");
    let child = Process::spawn(
        |condition: Condition| condition.acquire()?.notify(),
        (condition.clone(),),
    )?;
    assert!(guard.wait_timeout(Duration::from_secs(60))?, "notified");
    child.join()
}

/// Adds to the number, and notifies each time.
fn count_up(condition: &Condition, state: &SharedMemory, times: u32) -> Outcome {
    for _ in 0..times {
        let guard = condition.acquire()?;
        state.add_u32(0, 1)?;
        guard.notify()?;
    }
    Ok(())
}

/// A condition on a lock that others use, held more than once: a wait releases all of it.
pub fn condition_on_rlock() -> Outcome {
    let lock = RLock::new()?;
    let condition = Condition::with_rlock(&lock)?;
    let outer = lock.acquire()?;
    let guard = condition.acquire()?;
    let child = Process::spawn(
        |lock: RLock, condition: Condition| -> Outcome {
            let _held = lock.acquire()?;
            condition.acquire()?.notify_all()
        },
        (lock.clone(), condition.clone()),
    )?;
    guard.wait()?;
    drop(guard);
    child.join()?;
    let other = Process::spawn(
        |lock: RLock| -> isopod::Result<bool> { Ok(lock.try_acquire()?.is_none()) },
        (lock.clone(),),
    )?;
    assert!(other.join()?, "the outer level is held again");
    drop(outer);
    Ok(())
}
