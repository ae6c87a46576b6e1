//! CPython's own tests of locks, semaphores and events (`Lib/test/_test_multiprocessing.py`), their
//! semantics re-created under their names.
//!
//! The tests compare a time-out with its own length only. The guard of the test catches a wait that takes
//! longer.

use crate::Outcome;
use isopod::{ErrorKind, Event, Lock, Process, RLock, Semaphore};
use std::time::{Duration, Instant};

pub(crate) const SHORT: Duration = Duration::from_millis(20);
pub(crate) const LONGER: Duration = Duration::from_millis(35);

/// `_TestLock.test_lock`.
pub fn lock() -> Outcome {
    let lock = Lock::new()?;
    let guard = lock.acquire()?;
    assert!(lock.try_acquire()?.is_none());
    drop(guard);
    let error = lock.release().expect_err("it is free");
    assert_eq!(error.kind(), ErrorKind::NotHeld);
    Ok(())
}

/// `_TestLock.test_rlock`.
pub fn rlock() -> Outcome {
    let lock = RLock::new()?;
    let guards = [lock.acquire()?, lock.acquire()?, lock.acquire()?];
    let child = Process::spawn(
        |lock: RLock| -> isopod::Result<bool> {
            let error = lock.release().expect_err("it is the parent's");
            assert_eq!(error.kind(), ErrorKind::NotOwner);
            Ok(lock.acquire_timeout(SHORT)?.is_none())
        },
        (lock.clone(),),
    )?;
    assert!(child.join()?, "held three times by the parent");
    drop(guards);
    let error = lock.release().expect_err("released as often as acquired");
    assert_eq!(error.kind(), ErrorKind::NotOwner);
    let child = Process::spawn(
        |lock: RLock| -> isopod::Result<bool> { Ok(lock.try_acquire()?.is_some()) },
        (lock,),
    )?;
    assert!(child.join()?, "free for others");
    Ok(())
}

/// `_TestSemaphore.test_semaphore`, `test_bounded_semaphore`.
pub fn semaphore() -> Outcome {
    for semaphore in [Semaphore::new(2)?, Semaphore::bounded(2)?] {
        assert_eq!(semaphore.value(), 2);
        semaphore.acquire()?.keep();
        assert_eq!(semaphore.value(), 1);
        semaphore.acquire()?.keep();
        assert_eq!(semaphore.value(), 0);
        assert!(semaphore.try_acquire()?.is_none());
        assert_eq!(semaphore.value(), 0);
        semaphore.release(1)?;
        assert_eq!(semaphore.value(), 1);
        semaphore.release(1)?;
        assert_eq!(semaphore.value(), 2);
    }
    let semaphore = Semaphore::new(2)?;
    semaphore.release(1)?;
    assert_eq!(semaphore.value(), 3);
    semaphore.release(2)?;
    assert_eq!(semaphore.value(), 5);
    let bounded = Semaphore::bounded(2)?;
    let error = bounded.release(1).expect_err("beyond its bound");
    assert_eq!(error.kind(), ErrorKind::NotHeld);
    assert_eq!(bounded.value(), 2);
    let error = Semaphore::new(u32::MAX).expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    Ok(())
}

/// `_TestSemaphore.test_timeout`. The types here do not allow a negative time-out.
pub fn semaphore_timeout() -> Outcome {
    let semaphore = Semaphore::new(0)?;
    assert!(semaphore.try_acquire()?.is_none());
    assert!(semaphore.acquire_timeout(Duration::ZERO)?.is_none());
    for timeout in [SHORT, LONGER] {
        let start = Instant::now();
        assert!(semaphore.acquire_timeout(timeout)?.is_none());
        assert!(start.elapsed() >= timeout);
    }
    let giver = Process::spawn(
        |semaphore: Semaphore| semaphore.release(1),
        (semaphore.clone(),),
    )?;
    semaphore.acquire()?.keep();
    giver.join()
}

/// `_TestEvent.test_event`.
pub fn event() -> Outcome {
    let event = Event::new()?;
    assert!(!event.is_set());
    assert!(!event.wait_timeout(Duration::ZERO)?);
    let start = Instant::now();
    assert!(!event.wait_timeout(SHORT)?);
    assert!(start.elapsed() >= SHORT);
    event.set();
    assert!(event.is_set());
    event.wait()?;
    assert!(event.wait_timeout(SHORT)?);
    assert!(event.is_set(), "a wait does not clear it");
    event.clear();
    assert!(!event.is_set());
    assert!(!event.wait_timeout(Duration::ZERO)?);
    let child = Process::spawn(|event: Event| event.set(), (event.clone(),))?;
    event.wait()?;
    child.join()
}
