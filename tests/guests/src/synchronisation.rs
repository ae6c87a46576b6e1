//! CPython's own tests of locks, semaphores, events, conditions and barriers
//! (`Lib/test/_test_multiprocessing.py`), their semantics re-created under their names.

use crate::Outcome;
use isopod::{
    Barrier, Bounds, Condition, ErrorKind, Event, Lock, Process, Queue, RLock, Semaphore, Sender,
    SharedMemory, Waitable,
};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(20);

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
        |lock: RLock| -> Result<bool, isopod::Error> {
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
        |lock: RLock| -> Result<bool, isopod::Error> { Ok(lock.try_acquire()?.is_some()) },
        (lock,),
    )?;
    assert!(child.join()?, "free for others");
    Ok(())
}

/// `_TestSemaphore.test_semaphore`, `test_bounded_semaphore`.
pub fn semaphore() -> Outcome {
    let semaphore = Semaphore::new(2)?;
    semaphore.acquire()?.keep();
    assert_eq!(semaphore.value(), 1);
    semaphore.acquire()?.keep();
    assert!(semaphore.try_acquire()?.is_none());
    semaphore.release(2)?;
    semaphore.release(1)?;
    assert_eq!(semaphore.value(), 3);
    let bounded = Semaphore::bounded(2)?;
    let error = bounded.release(1).expect_err("beyond its bound");
    assert_eq!(error.kind(), ErrorKind::NotHeld);
    assert_eq!(bounded.value(), 2);
    let error = Semaphore::new(u32::MAX).expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    Ok(())
}

/// `_TestSemaphore.test_timeout`.
pub fn semaphore_timeout() -> Outcome {
    let semaphore = Semaphore::new(0)?;
    let start = Instant::now();
    assert!(semaphore.try_acquire()?.is_none());
    assert!(semaphore.acquire_timeout(Duration::ZERO)?.is_none());
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(semaphore.acquire_timeout(SHORT)?.is_none());
    assert!(start.elapsed() >= SHORT);
    let giver = Process::spawn(
        |semaphore: Semaphore| semaphore.release(1),
        (semaphore.clone(),),
    )?;
    semaphore.acquire()?.keep();
    giver.join()
}

/// `_TestCondition.test_notify_n`: exactly as many wake as were notified.
pub fn notify_n() -> Outcome {
    let condition = Condition::new()?;
    let sleeping = Semaphore::new(0)?;
    let woken = Semaphore::new(0)?;
    let children = (0..6)
        .map(|_| {
            Process::spawn(
                |condition: Condition, sleeping: Semaphore, woken: Semaphore| -> Outcome {
                    let guard = condition.acquire()?;
                    sleeping.release(1)?;
                    guard.wait()?;
                    woken.release(1)
                },
                (condition.clone(), sleeping.clone(), woken.clone()),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    for _ in 0..6 {
        sleeping.acquire()?.keep();
    }
    for (count, expected) in [(1, 1), (4, 5), (3, 6)] {
        // Who has said that it sleeps holds the lock until it does.
        condition.acquire()?.notify_many(count)?;
        while woken.value() < expected {
            isopod_yield();
        }
        assert_eq!(woken.value(), expected);
    }
    for child in children {
        child.join()?;
    }
    Ok(())
}

/// `_TestCondition.test_waitfor`, `test_waitfor_timeout`, and notifying without the lock.
pub fn waitfor() -> Outcome {
    let condition = Condition::new()?;
    let state = Queue::<u32>::new()?;
    let child = Process::spawn(
        |condition: Condition, state: Queue<u32>| -> Outcome {
            let guard = condition.acquire()?;
            guard.wait_for(|| state.len() == 4)
        },
        (condition.clone(), state.clone()),
    )?;
    for number in 0..4 {
        let guard = condition.acquire()?;
        state.put(&number)?;
        guard.notify()?;
    }
    child.join()?;
    let guard = condition.acquire()?;
    let start = Instant::now();
    assert!(!guard.wait_for_timeout(|| false, SHORT)?);
    assert!(start.elapsed() >= SHORT);
    assert!(!guard.wait_timeout(SHORT)?, "nobody notifies");
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
        |lock: RLock| -> Result<bool, isopod::Error> { Ok(lock.try_acquire()?.is_none()) },
        (lock.clone(),),
    )?;
    assert!(other.join()?, "the outer level is held again");
    drop(outer);
    Ok(())
}

/// `_TestEvent.test_event`.
pub fn event() -> Outcome {
    let event = Event::new()?;
    assert!(!event.is_set());
    assert!(!event.wait_timeout(Duration::ZERO)?);
    assert!(!event.wait_timeout(SHORT)?);
    event.set();
    assert!(event.is_set());
    event.wait()?;
    assert!(event.wait_timeout(SHORT)?);
    event.clear();
    assert!(!event.is_set());
    let child = Process::spawn(|event: Event| event.set(), (event.clone(),))?;
    event.wait()?;
    child.join()
}

/// `_TestBarrier.test_wait_return` and `test_action`: each index once, the action once, before
/// anybody goes on.
pub fn wait_return() -> Outcome {
    let barrier = Barrier::new(5)?;
    let indices = Queue::<(u32, u64)>::new()?;
    let actions = Queue::<()>::new()?;
    let arrive = |barrier: Barrier, indices: Queue<(u32, u64)>, actions: Queue<()>| -> Outcome {
        let index = barrier.wait_with(|| actions.put(&()).unwrap_or_default())?;
        indices.put(&(index, actions.len()))
    };
    let children = (0..4)
        .map(|_| Process::spawn(arrive, (barrier.clone(), indices.clone(), actions.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    arrive(barrier.clone(), indices.clone(), actions)?;
    for child in children {
        child.join()?;
    }
    let mut seen = Vec::new();
    for entry in indices.iter().take(5) {
        let (index, actions) = entry?;
        assert_eq!(actions, 1);
        seen.push(index);
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!((barrier.parties(), barrier.waiting()), (5, 0));
    Ok(())
}

/// `_TestBarrier.test_abort_and_reset`, `test_timeout`.
pub fn abort_and_reset() -> Outcome {
    let barrier = Barrier::new(2)?;
    let broken = |error: isopod::Error| assert_eq!(error.kind(), ErrorKind::BrokenBarrier);
    broken(barrier.wait_timeout(SHORT).expect_err("alone"));
    assert!(barrier.is_broken());
    broken(barrier.wait().expect_err("broken"));
    barrier.reset();
    assert!(!barrier.is_broken());
    let waits = |barrier: Barrier| -> Result<String, isopod::Error> {
        Ok(match barrier.wait() {
            Ok(index) => format!("passed as {index}"),
            Err(error) => format!("{:?}", error.kind()),
        })
    };
    let child = Process::spawn(waits, (barrier.clone(),))?;
    while barrier.waiting() == 0 {
        isopod_yield();
    }
    barrier.abort();
    assert_eq!(child.join()?, "BrokenBarrier");
    barrier.reset();
    let child = Process::spawn(waits, (barrier.clone(),))?;
    barrier.wait()?;
    assert!(child.join()?.starts_with("passed"));
    Ok(())
}

/// `_TestBarrier.test_thousand`.
pub fn thousand() -> Outcome {
    let barrier = Barrier::new(3)?;
    let rounds = |barrier: Barrier| -> Result<u64, isopod::Error> {
        let mut sum = 0;
        for _ in 0..1000 {
            sum += u64::from(barrier.wait()?);
        }
        Ok(sum)
    };
    let children = [
        Process::spawn(rounds, (barrier.clone(),))?,
        Process::spawn(rounds, (barrier.clone(),))?,
    ];
    let mut sum = rounds(barrier)?;
    for child in children {
        sum += child.join()?;
    }
    assert_eq!(sum, 3000, "0, 1 and 2 in each round");
    Ok(())
}

/// Killed holders and waiters leave nobody waiting.
pub fn the_dead_hold_nothing() -> Outcome {
    let ready = Queue::<()>::new()?;
    // A recursive lock, held twice.
    let lock = RLock::new()?;
    let child = Process::spawn(
        |lock: RLock, ready: Queue<()>| -> Outcome {
            let _held = (lock.acquire()?, lock.acquire()?);
            ready.put(&())?;
            crate::endings::end("busy-quietly")
        },
        (lock.clone(), ready.clone()),
    )?;
    ready.get()?;
    child.kill()?;
    assert!(lock.acquire()?.is_abandoned());
    // A permit.
    let semaphore = Semaphore::new(1)?;
    let child = Process::spawn(
        |semaphore: Semaphore, ready: Queue<()>| -> Outcome {
            let _permit = semaphore.acquire()?;
            ready.put(&())?;
            crate::endings::end("busy-quietly")
        },
        (semaphore.clone(), ready.clone()),
    )?;
    ready.get()?;
    child.kill()?;
    assert!(semaphore.acquire()?.is_abandoned());
    // A place at a barrier.
    let barrier = Barrier::new(2)?;
    let child = Process::spawn(
        |barrier: Barrier| barrier.wait().map(drop),
        (barrier.clone(),),
    )?;
    while barrier.waiting() == 0 {
        isopod_yield();
    }
    child.kill()?;
    child.wait()?;
    assert!(barrier.is_broken());
    // A place at a condition: the notification reaches the one behind.
    let condition = Condition::new()?;
    let sleeper = |condition: Condition, ready: Queue<()>| -> Outcome {
        let guard = condition.acquire()?;
        ready.put(&())?;
        guard.wait()
    };
    let first = Process::spawn(sleeper, (condition.clone(), ready.clone()))?;
    ready.get()?;
    let second = Process::spawn(sleeper, (condition.clone(), ready.clone()))?;
    ready.get()?;
    let guard = condition.acquire()?;
    first.kill()?;
    first.wait()?;
    guard.notify()?;
    drop(guard);
    second.join()
}

/// Lets others run while there is nothing to wait for.
fn isopod_yield() {
    std::thread::sleep(Duration::from_micros(100));
}

/// `_TestWait.test_wait`: what four processes send through four pipes, until the end of each.
pub fn wait() -> Outcome {
    let mut open = Vec::new();
    let mut children = Vec::new();
    for number in 0..4_u32 {
        let (receiver, sender) = isopod::one_way_pipe::<(u32, u32)>()?;
        children.push(Process::spawn(
            |number: u32, sender: Sender<(u32, u32)>| -> Outcome {
                for message in 0..10 {
                    sender.send(&(number, message))?;
                }
                Ok(())
            },
            (number, sender),
        )?);
        open.push(receiver);
    }
    let mut received = Vec::new();
    while !open.is_empty() {
        let waitables: Vec<&dyn Waitable> = open.iter().map(|end| end as &dyn Waitable).collect();
        let ready = isopod::wait_any(&waitables)?;
        assert!(!ready.is_empty());
        // From the back, so that removing one does not move the others.
        for position in ready.into_iter().rev() {
            match open[position].recv() {
                Ok(message) => received.push(message),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::EndOfFile);
                    open.remove(position);
                }
            }
        }
    }
    received.sort_unstable();
    let expected: Vec<(u32, u32)> = (0..4).flat_map(|n| (0..10).map(move |m| (n, m))).collect();
    assert_eq!(received, expected);
    for child in children {
        child.join()?;
    }
    Ok(())
}

/// `_TestWait.test_wait_timeout`, `test_wait_integer` (a process's sentinel) and every kind.
pub fn wait_kinds() -> Outcome {
    let event = Event::new()?;
    let queue = Queue::<u32>::new()?;
    let gate = Queue::<u32>::new()?;
    let child = Process::spawn(|gate: Queue<u32>| gate.get().map(drop), (gate.clone(),))?;
    let all: [&dyn Waitable; 3] = [&event, &queue, &child];
    let start = Instant::now();
    assert_eq!(isopod::wait_any_timeout(&all, Duration::ZERO)?, []);
    assert_eq!(isopod::wait_any_timeout(&all, SHORT)?, []);
    assert!(start.elapsed() >= SHORT);
    gate.put(&1)?;
    assert_eq!(isopod::wait_any(&all)?, [2]);
    event.set();
    assert_eq!(isopod::wait_any(&all)?, [0, 2]);
    queue.put(&1)?;
    assert_eq!(isopod::wait_any(&all)?, [0, 1, 2]);
    assert_eq!(queue.len(), 1, "nothing is taken");
    let error = isopod::wait_any(&[]).expect_err("for ever");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    child.join()
}

/// `_TestQueue.test_task_done`, and a worker that is killed with a task in its hands.
pub fn task_done() -> Outcome {
    let queue = Queue::<u32>::joinable(Bounds::default())?;
    let work = |queue: Queue<u32>| -> Outcome {
        for task in &queue {
            task?;
            queue.task_done()?;
        }
        Ok(())
    };
    let workers = (0..4)
        .map(|_| Process::spawn(work, (queue.clone(),)))
        .collect::<Result<Vec<_>, _>>()?;
    for number in 0..100 {
        queue.put(&number)?;
    }
    assert_eq!(queue.join()?, 0);
    let error = queue.task_done().expect_err("all are done");
    assert_eq!(error.kind(), ErrorKind::NotHeld);
    queue.close();
    for worker in workers {
        worker.join()?;
    }

    let queue = Queue::<u32>::joinable(Bounds::default())?;
    let taken = Queue::<()>::new()?;
    let worker = Process::spawn(
        |queue: Queue<u32>, taken: Queue<()>| -> Outcome {
            queue.get()?;
            taken.put(&())?;
            crate::endings::end("busy-quietly")
        },
        (queue.clone(), taken.clone()),
    )?;
    queue.put(&1)?;
    taken.get()?;
    let error = queue
        .join_timeout(SHORT)
        .expect_err("it is in the worker's hands");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    worker.kill()?;
    assert_eq!(queue.join()?, 1, "abandoned");

    let plain = Queue::<u32>::new()?;
    assert_eq!(
        plain.join().expect_err("not joinable").kind(),
        ErrorKind::WrongKind
    );
    Ok(())
}

/// `_TestSharedMemory.test_shared_memory_across_processes`, names, bounds and atomic numbers.
pub fn shared_memory() -> Outcome {
    let memory = SharedMemory::create("numbers", 64)?;
    let error = SharedMemory::create("numbers", 64).expect_err("the name is taken");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let adders = (0..4)
        .map(|_| {
            Process::spawn(
                || -> Outcome {
                    let memory = SharedMemory::find("numbers")?;
                    for _ in 0..1000 {
                        memory.add_u64(0, 1)?;
                        memory.add_u32(12, 2)?;
                    }
                    Ok(())
                },
                (),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    for adder in adders {
        adder.join()?;
    }
    assert_eq!((memory.load_u64(0)?, memory.load_u32(12)?), (4000, 8000));
    assert_eq!(memory.compare_exchange_u64(0, 4000, 7)?, 4000);
    assert_eq!(memory.compare_exchange_u64(0, 4000, 8)?, 7);
    let child = Process::spawn(
        |memory: SharedMemory| memory.write(59, b"hello"),
        (memory.clone(),),
    )?;
    child.join()?;
    assert_eq!(memory.read(59, 5)?, b"hello");
    for error in [
        memory.write(60, b"hello").expect_err("beyond the end"),
        memory.read(0, u64::MAX).expect_err("beyond the end"),
        memory.load_u64(4).expect_err("not aligned"),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    SharedMemory::unlink("numbers")?;
    let error = SharedMemory::find("numbers").expect_err("unlinked");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(memory.size(), 64, "who has it keeps it");
    let error = SharedMemory::new(1 << 50).expect_err("above the tree's limit");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    Ok(())
}
