//! Locks and their relatives, as tutorials on Python's `multiprocessing` introduce them.
//!
//! Python's `with lock:` is a guard: its drop releases the lock, so there is no `try` and `finally`. If a
//! process ends in between, in whatever way, the host releases the lock and the next owner learns of it.

use isopod::{
    Barrier, Condition, Error, ErrorKind, Event, Lock, Process, Queue, RLock, Semaphore,
    SharedMemory,
};
use std::time::Duration;

#[isopod::main]
fn main() -> Result<(), Error> {
    lock()?;
    three_locks()?;
    rlock()?;
    semaphore()?;
    event()?;
    condition()?;
    barrier()?;
    dead_owner()
}

fn lock() -> Result<(), Error> {
    fn hello(lock: Lock, number: u32) -> Result<(), Error> {
        let _guard = lock.acquire()?;
        println!("hello world {number}");
        Ok(())
    }
    println!("a lock, in any order:");
    let lock = Lock::new()?;
    let children: Vec<Process> = (0..10)
        .map(|number| Process::spawn(hello, (lock.clone(), number)))
        .collect::<Result<_, _>>()?;
    children.into_iter().try_for_each(Process::join)
}

/// Each task waits for its own lock and releases that of the next: a process may release a lock that
/// another has acquired.
fn three_locks() -> Result<(), Error> {
    const ROUNDS: u32 = 2;
    fn task(number: u32, own: Lock, next: Lock, end: Barrier) -> Result<(), Error> {
        for _ in 0..ROUNDS {
            // Forgotten, not dropped: another process releases it.
            std::mem::forget(own.acquire()?);
            println!("Task {number}");
            next.release()?;
        }
        // The locks of a process are released when it ends, so no process may end before the last release.
        end.wait()?;
        Ok(())
    }
    println!("\nthree locks hand on a token:");
    let locks = [Lock::new()?, Lock::new()?, Lock::new()?];
    let [first, second, third] = &locks;
    std::mem::forget(second.acquire()?);
    std::mem::forget(third.acquire()?);
    let end = Barrier::new(3)?;
    let children = [
        Process::spawn(task, (1, first.clone(), second.clone(), end.clone()))?,
        Process::spawn(task, (2, second.clone(), third.clone(), end.clone()))?,
        Process::spawn(task, (3, third.clone(), first.clone(), end))?,
    ];
    children.into_iter().try_for_each(Process::join)
}

/// One process may acquire it several times; only its owner may release it.
fn rlock() -> Result<(), Error> {
    println!("\na recursive lock:");
    let rlock = RLock::new()?;
    let _outer = rlock.acquire()?;
    let _inner = rlock.acquire()?;
    println!("acquired twice");
    let child = Process::spawn(
        |rlock: RLock| -> Result<(), Error> {
            println!("child: acquired: {}", rlock.try_acquire()?.is_some());
            match rlock.release() {
                Err(error) if error.kind() == ErrorKind::NotOwner => println!("child: {error}"),
                other => println!("child: {other:?}"),
            }
            Ok(())
        },
        (rlock.clone(),),
    )?;
    child.join()
}

fn semaphore() -> Result<(), Error> {
    println!("\na semaphore of two, in any order:");
    let semaphore = Semaphore::bounded(2)?;
    // The shared memory holds the number that are inside now, and the highest number until now.
    let inside = SharedMemory::new(16)?;
    let visit = |number: u32, semaphore: Semaphore, inside: SharedMemory| -> Result<(), Error> {
        let _permit = semaphore.acquire()?;
        let now = inside.add_u64(0, 1)? + 1;
        assert!(now <= 2, "{now} are inside");
        println!("{number} was inside");
        inside.add_u64(0, u64::MAX)?;
        Ok(())
    };
    let children: Vec<Process> = (1..=4)
        .map(|number| Process::spawn(visit, (number, semaphore.clone(), inside.clone())))
        .collect::<Result<_, _>>()?;
    children.into_iter().try_for_each(Process::join)?;

    println!("\na bounded one takes no more than it had:");
    println!("value {}", semaphore.value());
    match semaphore.release(1) {
        Err(error) if error.kind() == ErrorKind::NotHeld => println!("{error}"),
        other => println!("{other:?}"),
    }
    Ok(())
}

fn event() -> Result<(), Error> {
    println!("\nan event:");
    let light = Event::new()?;
    println!("set: {}", light.wait_timeout(Duration::from_millis(10))?);
    let car = Process::spawn(
        |light: Event| -> Result<(), Error> {
            light.wait()?;
            println!("the car drives");
            Ok(())
        },
        (light.clone(),),
    )?;
    println!("the light is green");
    light.set();
    car.join()
}

fn condition() -> Result<(), Error> {
    println!("\na condition:");
    let condition = Condition::new()?;
    let store = Queue::<String>::new()?;
    let consumer = Process::spawn(
        |condition: Condition, store: Queue<String>| -> Result<(), Error> {
            let guard = condition.acquire()?;
            guard.wait_for(|| store.len() == 2)?;
            println!("consumed {} and {}", store.get()?, store.get()?);
            Ok(())
        },
        (condition.clone(), store.clone()),
    )?;
    for item in ["bread", "cheese"] {
        // Only the guard has the methods to wait and to notify: Python's errors about a lock that is not
        // held are errors of the compiler here.
        let guard = condition.acquire()?;
        println!("produced {item}");
        store.put(&item.to_owned())?;
        guard.notify()?;
    }
    consumer.join()
}

fn barrier() -> Result<(), Error> {
    println!("\na barrier, in any order:");
    let barrier = Barrier::new(3)?;
    let runner = |barrier: Barrier| barrier.wait();
    let runners = [
        Process::spawn(runner, (barrier.clone(),))?,
        Process::spawn(runner, (barrier.clone(),))?,
    ];
    println!("main was number {}", barrier.wait()?);
    for runner in runners {
        println!("a runner was number {}", runner.join()?);
    }
    Ok(())
}

/// In CPython the lock would be locked for ever.
fn dead_owner() -> Result<(), Error> {
    println!("\nan owner that was killed:");
    let lock = Lock::new()?;
    let has_it = Event::new()?;
    let child = Process::spawn(
        |lock: Lock, has_it: Event| -> Result<(), Error> {
            let _guard = lock.acquire()?;
            has_it.set();
            Event::new()?.wait()
        },
        (lock.clone(), has_it.clone()),
    )?;
    has_it.wait()?;
    child.kill()?;
    println!("abandoned: {}", lock.acquire()?.is_abandoned());
    Ok(())
}
