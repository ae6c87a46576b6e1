//! Callbacks of pools: the waits in which they run, and how often they run.

use crate::Outcome;
use crate::pool::{LONG, kind, square};
use isopod::{
    Barrier, Bounds, Callbacks, Condition, ErrorKind, Event, Lock, Pool, Process, Queue, RLock,
    Semaphore, SharedMemory, wait_any, wait_any_timeout,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Submits a job that ends while this process waits; `callback` runs then.
fn later(pool: &Pool, callback: impl FnOnce() + 'static) -> Outcome {
    let callbacks = Callbacks::new().on_value(move |_: &u64| callback());
    // The result is dropped, and the callback runs all the same.
    pool.apply_async_with(square, (7,), callbacks).map(drop)
}

/// Callbacks run in every wait: each wait here ends only through a callback in this very process, so it
/// would never end otherwise.
pub fn in_every_wait() -> Outcome {
    let pool = Rc::new(Pool::with_workers(1)?);
    let queue = Queue::<u64>::bounded(1)?;
    let other = queue.clone();
    later(&pool, move || other.put(&1).expect("there is room"))?;
    assert_eq!(queue.get()?, 1);
    let other = queue.clone();
    later(&pool, move || other.put(&2).expect("there is room"))?;
    assert_eq!(queue.get_timeout(LONG)?, 2);
    queue.put(&3)?;
    let other = queue.clone();
    later(&pool, move || {
        assert_eq!(other.get().expect("the first"), 3)
    })?;
    queue.put(&4)?;
    let joinable = Queue::<u64>::joinable(Bounds::default())?;
    joinable.put(&5)?;
    let other = joinable.clone();
    later(&pool, move || other.task_done().expect("one is unfinished"))?;
    assert_eq!(joinable.join()?, 0);

    let (receiver, sender) = isopod::one_way_pipe::<u64>()?;
    let other = sender.clone();
    later(&pool, move || {
        other.send(&6).expect("the other end is there")
    })?;
    assert_eq!(receiver.recv()?, 6);
    let other = sender.clone();
    later(&pool, move || {
        other.send(&7).expect("the other end is there")
    })?;
    assert!(receiver.poll_timeout(LONG)?);
    assert_eq!(receiver.recv()?, 7);
    let (bytes, large) = isopod::one_way_pipe::<Vec<u8>>()?;
    large.send(&vec![0; 60_000])?;
    let other = bytes.clone();
    later(&pool, move || drop(other.recv().expect("the first")))?;
    large.send(&vec![0; 60_000])?;

    let lock = Lock::new()?;
    std::mem::forget(lock.acquire()?);
    let other = lock.clone();
    later(&pool, move || other.release().expect("it is held"))?;
    assert!(lock.acquire_timeout(LONG)?.is_some());
    let semaphore = Semaphore::new(0)?;
    let other = semaphore.clone();
    later(&pool, move || other.release(1).expect("there is no bound"))?;
    semaphore.acquire()?.keep();
    let event = Event::new()?;
    let other = event.clone();
    later(&pool, move || other.set())?;
    event.wait()?;
    event.clear();
    let other = event.clone();
    later(&pool, move || other.set())?;
    let empty = Queue::<u64>::new()?;
    assert_eq!(wait_any(&[&empty, &event])?, [1]);
    Ok(())
}

/// Like [`in_every_wait`], with another process at the other end.
pub fn in_every_wait_for_others() -> Outcome {
    let pool = Rc::new(Pool::with_workers(1)?);
    let event = Event::new()?;
    let child = Process::spawn(|event: Event| event.wait(), (event.clone(),))?;
    let other = event.clone();
    later(&pool, move || other.set())?;
    child.join()?;
    event.clear();
    let (rlock, held) = (RLock::new()?, Event::new()?);
    let holder = Process::spawn(
        |rlock: RLock, held: Event, release: Event| -> Outcome {
            let _guard = rlock.acquire()?;
            held.set();
            release.wait()
        },
        (rlock.clone(), held.clone(), event.clone()),
    )?;
    held.wait()?;
    let other = event.clone();
    later(&pool, move || other.set())?;
    drop(rlock.acquire()?);
    holder.join()?;
    event.clear();

    // Results of other jobs.
    let second = Pool::with_workers(1)?;
    let task = |event: Event| event.wait();
    let result = second.apply_async(task, (event.clone(),))?;
    let other = event.clone();
    later(&pool, move || other.set())?;
    result.get()?;
    event.clear();
    let mut values = second.imap(task, [event.clone()])?;
    let other = event.clone();
    later(&pool, move || other.set())?;
    assert_eq!(values.next().transpose()?, Some(()));
    event.clear();
    second.apply_async(task, (event.clone(),))?;
    second.close();
    let other = event.clone();
    later(&pool, move || other.set())?;
    second.join()?;

    // A condition, whose lock this process holds while callbacks run.
    let condition = Condition::new()?;
    let is_true = Rc::new(Cell::new(false));
    let guard = condition.acquire()?;
    let other = Rc::clone(&is_true);
    later(&pool, move || other.set(true))?;
    guard.wait_for(|| is_true.get())?;
    is_true.set(false);
    let other = Rc::clone(&is_true);
    later(&pool, move || other.set(true))?;
    assert!(guard.wait_for_timeout(|| is_true.get(), LONG)?);
    drop(guard);

    // Callbacks do not end the wait at a barrier early: they run after it.
    let barrier = Barrier::new(2)?;
    let is_done = Event::new()?;
    let ran = Rc::new(Cell::new(false));
    let other = Rc::clone(&ran);
    let callbacks = Callbacks::new().on_value(move |(): &()| other.set(true));
    pool.apply_async_with(|done: Event| done.set(), (is_done.clone(),), callbacks)?;
    let party = Process::spawn(
        |barrier: Barrier, is_done: Event| is_done.wait().and_then(|()| barrier.wait()).map(drop),
        (barrier.clone(), is_done),
    )?;
    barrier.wait()?;
    party.join()?;
    pool.close();
    pool.join()?;
    assert!(ran.get());
    Ok(())
}

/// A wait that callbacks interrupt still lasts for its whole time-out.
pub fn time_outs_hold() -> Outcome {
    let pool = Pool::with_workers(2)?;
    let count = Rc::new(Cell::new(0));
    let timeout = Duration::from_millis(100);
    let many = || -> Outcome {
        for _ in 0..50 {
            let count = Rc::clone(&count);
            later(&pool, move || count.set(count.get() + 1))?;
        }
        Ok(())
    };
    let waits: [&dyn Fn() -> Outcome; 4] = [
        &|| {
            isopod::sleep(timeout);
            Ok(())
        },
        &|| {
            let result = Queue::<u64>::new()?.get_timeout(timeout);
            assert_eq!(kind(result), ErrorKind::Empty);
            Ok(())
        },
        &|| {
            assert!(!Event::new()?.wait_timeout(timeout)?);
            Ok(())
        },
        &|| {
            assert!(wait_any_timeout(&[&Event::new()?], timeout)?.is_empty());
            Ok(())
        },
    ];
    for wait in waits {
        many()?;
        let start = Instant::now();
        wait()?;
        assert!(start.elapsed() >= timeout);
    }
    pool.close();
    pool.join()?;
    assert_eq!(count.get(), 200);
    Ok(())
}

/// Each callback runs once, with its own value, whatever happens to the job.
pub fn each_once() -> Outcome {
    const JOBS: u64 = 5000;
    let pool = Pool::with_workers(3)?;
    let log = Rc::new(RefCell::new(vec![0_u32; JOBS as usize]));
    let task = |number: u64| match number % 500 {
        0 => std::process::exit(3),
        1 => panic!("one"),
        2 => Err("two"),
        _ => Ok(number),
    };
    for number in 0..JOBS {
        let (values, errors) = (Rc::clone(&log), Rc::clone(&log));
        let callbacks = Callbacks::new()
            .on_value(move |value: &u64| {
                assert_eq!(*value, number);
                values.borrow_mut()[number as usize] += 1;
            })
            .on_error(move |error| {
                let expected = match number % 500 {
                    0 => ErrorKind::WorkerLost,
                    1 => ErrorKind::TaskPanicked,
                    2 => ErrorKind::TaskFailed,
                    _ => panic!("{number}: {error}"),
                };
                assert_eq!(error.kind(), expected, "{error}");
                errors.borrow_mut()[number as usize] += 1;
            });
        pool.apply_async_with(task, (number,), callbacks)?;
    }
    pool.close();
    pool.join()?;
    assert!(log.borrow().iter().all(|count| *count == 1));
    Ok(())
}

/// Callbacks submit jobs with callbacks and wait for results. Callbacks of empty maps, and of jobs that
/// ended before, run too.
pub fn of_callbacks() -> Outcome {
    let pool = Rc::new(Pool::with_workers(2)?);
    let done = Event::new()?;
    fn chain(pool: Rc<Pool>, left: u64, done: Event) -> Outcome {
        let again = Rc::clone(&pool);
        let callbacks = Callbacks::new().on_value(move |value: &u64| {
            assert_eq!(*value, left * left);
            assert_eq!(again.apply(square, (5,)).expect("a job in a callback"), 25);
            if left == 0 {
                done.set();
            } else {
                chain(again, left - 1, done).expect("a job in a callback");
            }
        });
        pool.apply_async_with(square, (left,), callbacks).map(drop)
    }
    chain(Rc::clone(&pool), 20, done.clone())?;
    done.wait()?;
    // The map has no jobs: the next wait runs its callback.
    let ran = Rc::new(Cell::new(0));
    let count = || {
        let ran = Rc::clone(&ran);
        Callbacks::new().on_value(move |list: &Vec<u64>| {
            assert!(list.is_empty());
            ran.set(ran.get() + 1);
        })
    };
    pool.map_async_with(square, [], count())?;
    isopod::sleep(Duration::from_millis(1));
    assert_eq!(ran.get(), 1);
    pool.map_async_with(square, [], count())?;
    pool.poll();
    assert_eq!(ran.get(), 2);
    assert!(pool.map_async_with(square, [], count())?.get()?.is_empty());
    assert_eq!(ran.get(), 3);
    // `poll` does not wait, and runs the callbacks of jobs that have ended.
    let counter = SharedMemory::new(4)?;
    let task = |counter: SharedMemory| counter.add_u32(0, 1);
    let ran = Rc::new(Cell::new(false));
    let other = Rc::clone(&ran);
    let callbacks = Callbacks::new().on_value(move |_: &u32| other.set(true));
    let result = pool.apply_async_with(task, (counter,), callbacks)?;
    while !ran.get() {
        pool.poll();
    }
    assert!(result.is_ready());
    assert_eq!(result.get()?, 0, "the value stays for who asks");
    Ok(())
}

/// Callbacks of a terminated pool receive its error.
pub fn of_a_terminated_pool() -> Outcome {
    let pool = Pool::with_workers(1)?;
    let (begun, never) = (Event::new()?, Event::new()?);
    let task = |begun: Event, never: Event| {
        begun.set();
        never.wait()
    };
    let log = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..100 {
        let log = Rc::clone(&log);
        let callbacks = Callbacks::new().on_error(move |error| log.borrow_mut().push(error.kind()));
        pool.apply_async_with(task, (begun.clone(), never.clone()), callbacks)?;
    }
    begun.wait()?;
    pool.terminate();
    pool.join()?;
    assert_eq!(log.borrow().len(), 100);
    let lost = |kind: &&ErrorKind| **kind == ErrorKind::WorkerLost;
    assert_eq!(
        log.borrow().iter().filter(lost).count(),
        1,
        "all others were cancelled"
    );
    Ok(())
}
