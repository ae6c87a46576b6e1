//! Processes that wait for each other for ever, and some that only appear to.

use crate::Outcome;
use isopod::{Barrier, Error, ErrorKind, Event, Lock, Pool, Process, Queue, Waitable, wait_any};
use std::time::{Duration, Instant};

/// Longer than the host watches a tree at rest before it reports a deadlock.
const A_WHILE: Duration = Duration::from_millis(300);

/// Each takes one lock, and then both want the other's.
fn crossed(first: Lock, second: Lock, both: Barrier) -> Result<(), Error> {
    let _first = first.acquire()?;
    both.wait()?;
    let _second = second.acquire()?;
    Ok(())
}

/// Never ends by itself.
pub fn stuck(way: &str) -> Outcome {
    match way {
        "itself" => Queue::<u8>::new()?.get().map(drop),
        "locks" => {
            let (first, second, both) = (Lock::new()?, Lock::new()?, Barrier::new(2)?);
            let orders = [("a", &first, &second), ("b", &second, &first)];
            let children = orders.map(|(name, first, second)| {
                let locks = (first.clone(), second.clone(), both.clone());
                Process::builder().name(name).spawn(crossed, locks)
            });
            for child in children {
                child?.join()?;
            }
            Ok(())
        }
        "queues" => {
            let (first, second) = (Queue::<u8>::new()?, Queue::<u8>::new()?);
            let answer = |own: Queue<u8>, other: Queue<u8>| -> Outcome { other.put(&own.get()?) };
            Process::builder()
                .name("a")
                .spawn(answer, (first.clone(), second.clone()))?;
            Process::builder()
                .name("b")
                .spawn(answer, (second.clone(), first.clone()))?;
            // Main's end joins both.
            Ok(())
        }
        "pool" => {
            let pool = Pool::with_workers(2)?;
            let (first, second, both) = (Lock::new()?, Lock::new()?, Barrier::new(2)?);
            let locks = (first.clone(), second.clone(), both.clone());
            let one = pool.apply_async(crossed, locks)?;
            let other = pool.apply_async(crossed, (second, first, both))?;
            one.get()?;
            other.get()
        }
        // Each of many processes holds an object that all of them wait for.
        "many" => {
            let event = Event::new()?;
            let wait = |event: Event| -> Outcome { event.wait() };
            for _ in 0..500 {
                Process::spawn(wait, (event.clone(),))?;
            }
            Ok(())
        }
        // Four with the longest names, each of which waits for thousands of objects.
        "thousands" => thousands(5_000),
        // A state that takes a while to examine, within the limit on the host's memory for a tree.
        "tens-of-thousands" => thousands(12_000),
        other => panic!("no way {other}"),
    }
}

fn thousands(objects: usize) -> Outcome {
    let wait = |objects: usize| -> Outcome {
        let queues: Result<Vec<Queue<u8>>, Error> = (0..objects).map(|_| Queue::new()).collect();
        let queues = queues?;
        let all: Vec<&dyn Waitable> = queues.iter().map(|queue| queue as &dyn Waitable).collect();
        wait_any(&all).map(drop)
    };
    for letter in ["a", "b", "c", "d"] {
        let name = letter.repeat(255);
        Process::builder().name(name).spawn(wait, (objects,))?;
    }
    Ok(())
}

/// Rests for a while, and then goes on.
pub fn looks_stuck(way: &str) -> Outcome {
    let queue = Queue::<u8>::new()?;
    match way {
        "time-out" => {
            let error = queue.get_timeout(A_WHILE).expect_err("nobody puts");
            assert_eq!(error.kind(), ErrorKind::Empty);
        }
        "sleep" => {
            let put_later = |queue: Queue<u8>| -> Outcome {
                std::thread::sleep(A_WHILE);
                queue.put(&7)
            };
            Process::spawn(put_later, (queue.clone(),))?;
            queue.get()?;
        }
        "busy" => {
            let put_later = |queue: Queue<u8>| -> Outcome {
                let begin = Instant::now();
                while begin.elapsed() < A_WHILE {
                    std::hint::spin_loop();
                }
                queue.put(&7)
            };
            Process::spawn(put_later, (queue.clone(),))?;
            queue.get()?;
        }
        // It never goes on, but it ends soon, and then its lock is free.
        "limit" => {
            let lock = Lock::new()?;
            let keep = |lock: Lock, taken: Queue<u8>| -> Outcome {
                let _guard = lock.acquire()?;
                taken.put(&7)?;
                Queue::<u8>::new()?.get().map(drop)
            };
            let keeper = Process::builder().timeout(A_WHILE);
            keeper.spawn(keep, (lock.clone(), queue.clone()))?;
            queue.get()?;
            assert!(lock.acquire()?.is_abandoned());
        }
        "embedder" => return isopod::inherited::<Queue<u64>>("ready")?.get().map(drop),
        other => panic!("no way {other}"),
    }
    Ok(())
}
