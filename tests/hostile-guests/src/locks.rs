//! Locks and similar objects held by guests that break their rules.

use crate::raw::bindings::sync::{Barrier, Condition, Event, Lock, Rlock, Semaphore};
use crate::raw::bindings::types::ErrorCode;
use crate::raw::bindings::{pipe, process, queue};
use crate::{Outcome, ready, refused};
use isopod::{ErrorKind, Process, Queue};

/// Main takes every lock, more than once where that is possible, and ends.
pub fn held_at_exit() -> Outcome {
    let (lock, rlock) = (isopod::Lock::new()?, isopod::RLock::new()?);
    let child = |lock: isopod::Lock, rlock: isopod::RLock| -> Outcome {
        std::mem::forget(lock.acquire()?);
        for _ in 0..1_000 {
            std::mem::forget(rlock.acquire()?);
        }
        Ok(())
    };
    for _ in 0..10 {
        let child = Process::spawn(child, (lock.clone(), rlock.clone()))?;
        child.join()?;
    }
    assert!(lock.acquire()?.is_abandoned());
    assert!(rlock.acquire()?.is_abandoned());
    assert!(!lock.acquire()?.is_abandoned());
    println!("abandoned, then free");
    std::mem::forget(lock.acquire()?);
    std::mem::forget(rlock.acquire()?);
    Ok(())
}

/// Any process may release a lock, as in Python, but only its owner a recursive one.
pub fn released_by_another() -> Outcome {
    let (lock, rlock) = (isopod::Lock::new()?, isopod::RLock::new()?);
    refused(lock.release(), ErrorKind::NotHeld);
    refused(rlock.release(), ErrorKind::NotOwner);
    std::mem::forget(lock.acquire()?);
    std::mem::forget(rlock.acquire()?);
    let child = |lock: isopod::Lock, rlock: isopod::RLock| -> Outcome {
        refused(rlock.release(), ErrorKind::NotOwner);
        lock.release()?;
        refused(lock.release(), ErrorKind::NotHeld);
        Ok(())
    };
    Process::spawn(child, (lock.clone(), rlock.clone()))?.join()?;
    assert!(!lock.is_locked() && rlock.is_locked());
    assert!(!lock.acquire()?.is_abandoned());
    rlock.release()
}

pub fn condition_misuse() -> Outcome {
    let condition = Condition::create().expect("it is allowed");
    assert!(matches!(condition.wait(Some(0)), Err(ErrorCode::NotOwner)));
    assert!(matches!(condition.wait(None), Err(ErrorCode::NotOwner)));
    assert!(matches!(condition.notify(1), Err(ErrorCode::NotOwner)));
    assert!(matches!(condition.notify_all(), Err(ErrorCode::NotOwner)));
    println!("{:?}", condition.release().expect_err("it is not held"));
    condition.acquire(None).expect("it is free");
    condition.notify(0).expect("nobody is told");
    condition.notify(u32::MAX).expect("nobody waits");
    let waited = condition.wait(Some(0)).expect("its owner may wait");
    assert!(!waited.0, "nobody has notified");
    // Its lock, reached by another way.
    let lock = Rlock::create().expect("it is allowed");
    let of_lock = Condition::create_on_rlock(&lock).expect("it is allowed");
    for _ in 0..3 {
        lock.acquire(None).expect("it is free, or one's own");
    }
    assert!(!of_lock.wait(Some(1)).expect("its owner may wait").0);
    for _ in 0..3 {
        of_lock.release().expect("it is held three times again");
    }
    println!("{:?}", of_lock.release().expect_err("it is not held"));
    Ok(())
}

pub fn giant_barrier() -> Outcome {
    let barrier = Barrier::create(u32::MAX).expect("it is only a number");
    assert_eq!(barrier.parties(), u32::MAX);
    println!("{:?}", barrier.wait(Some(1)).expect_err("nobody comes"));
    assert!(barrier.is_broken());
    barrier.reset();
    println!("{:?}", barrier.pass().expect_err("nobody waits"));
    println!("{:?}", Barrier::create(0).map(|barrier| barrier.parties()));
    Ok(())
}

pub fn semaphore_overflow() -> Outcome {
    println!("{:?}", Semaphore::create(u32::MAX, None).map(drop));
    println!("{:?}", Semaphore::create(2, Some(1)).map(drop));
    let most = i32::MAX.unsigned_abs();
    let semaphore = Semaphore::create(most, None).expect("it is the most");
    for permits in [1, most, u32::MAX] {
        assert!(matches!(
            semaphore.release(permits),
            Err(ErrorCode::NotHeld)
        ));
        assert_eq!(semaphore.value(), most);
    }
    semaphore.acquire(None).expect("there are many");
    assert!(semaphore.release(2).is_err());
    semaphore.release(0).expect("nothing happens");
    semaphore.release(1).expect("there is room");
    assert_eq!(semaphore.value(), most);
    Ok(())
}

/// Nothing blocks.
pub fn timeouts_of_zero() -> Outcome {
    let now = Some(0);
    let lock = Lock::create().expect("it is allowed");
    lock.acquire(now).expect("it is free");
    assert!(matches!(lock.acquire(now), Err(ErrorCode::TimedOut)));
    let semaphore = Semaphore::create(0, None).expect("it is allowed");
    assert!(matches!(semaphore.acquire(now), Err(ErrorCode::TimedOut)));
    let event = Event::create().expect("it is allowed");
    assert!(matches!(event.wait(now), Err(ErrorCode::TimedOut)));
    let full = queue::Queue::create(Some(1), None).expect("it is allowed");
    assert!(matches!(full.get(now), Err(ErrorCode::Empty)));
    full.put(&[], &[], now).expect("there is room");
    assert!(matches!(full.put(&[], &[], now), Err(ErrorCode::Full)));
    let (ours, _theirs) = pipe::create(true).expect("it is allowed");
    assert!(matches!(ours.recv(now), Err(ErrorCode::TimedOut)));
    assert!(matches!(ours.poll(now), Ok(false)));
    // A process that must end at its first instruction.
    let builder = Process::builder().timeout(std::time::Duration::ZERO);
    let child = builder.spawn(crate::processes::loop_quietly, ())?;
    println!("{}", child.wait()?);
    Ok(())
}

/// One child in each wait, which lasts for 584 years.
pub fn longest_timeouts() -> Outcome {
    const WAITS: u32 = 8;
    let (waiting, end) = (Queue::<()>::new()?, Some(u64::MAX));
    let _children: Vec<_> = (0..WAITS)
        .map(|number| {
            let child = |number: u32, waiting: Queue<()>, end: Option<u64>| -> Outcome {
                waiting.put(&())?;
                wait(number, end);
                panic!("584 years have passed");
            };
            Process::spawn(child, (number, waiting.clone(), end))
        })
        .collect::<Result<_, _>>()?;
    for _ in 0..WAITS {
        waiting.get()?;
    }
    let options = process::Options::new();
    options.set_timeout(u64::MAX);
    let child = process::Process::spawn("any", &[], &[], &options).expect("it is started");
    child.join(end).expect("it ends at once");
    ready()?;
    isopod::sleep(std::time::Duration::from_nanos(u64::MAX));
    Ok(())
}

fn wait(number: u32, end: Option<u64>) {
    match number {
        0 => drop(queue::Queue::create(None, None).expect("allowed").get(end)),
        1 => drop(Event::create().expect("allowed").wait(end)),
        2 => drop(Semaphore::create(0, None).expect("allowed").acquire(end)),
        3 => drop(Barrier::create(2).expect("allowed").wait(end)),
        4 => {
            let condition = Condition::create().expect("allowed");
            condition.acquire(end).expect("it is free");
            drop(condition.wait(end));
        }
        5 => {
            let lock = Lock::create().expect("allowed");
            lock.acquire(end).expect("it is free");
            drop(lock.acquire(end));
        }
        6 => drop(pipe::create(true).expect("allowed").0.poll(end)),
        _ => std::thread::sleep(std::time::Duration::from_nanos(u64::MAX)),
    }
}
