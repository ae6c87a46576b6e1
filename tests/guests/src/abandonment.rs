//! Processes that are killed while they hold a primitive, or have a place at one.

use crate::Outcome;
use isopod::{Barrier, Condition, ErrorKind, Lock, Process, Queue, RLock, Semaphore, SharedMemory};
use std::hint::black_box;

/// Killed holders and waiters leave no other process waiting.
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
    // A place at a condition: the notification reaches the next waiter.
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

/// Works for ever with the embedder's object of this kind, until it is killed.
///
/// Besides, the embedder shares a queue `told` for the notices of each worker, and a memory `places` with
/// 16 bytes for each worker: the number of times that it has held the object, and whether it holds it now.
pub fn worker(kind: &str, place: &str) -> Outcome {
    let mut place = Place::open(place)?;
    match kind {
        "lock" => {
            let lock = isopod::inherited::<Lock>("object")?;
            loop {
                let guard = lock.acquire()?;
                place.hold(guard.is_abandoned())?;
            }
        }
        "rlock" => {
            let lock = isopod::inherited::<RLock>("object")?;
            loop {
                let guard = lock.acquire()?;
                let again = lock.acquire()?;
                assert!(!again.is_abandoned(), "told once");
                place.hold(guard.is_abandoned())?;
            }
        }
        "semaphore" => {
            let semaphore = isopod::inherited::<Semaphore>("object")?;
            loop {
                let permit = semaphore.acquire()?;
                place.hold(permit.is_abandoned())?;
            }
        }
        "condition" => {
            // Each worker wakes the longest sleeper before it sleeps itself, so one is always awake.
            let condition = isopod::inherited::<Condition>("object")?;
            let guard = condition.acquire()?;
            loop {
                // Long in comparison with the transfer of the lock: some are killed in it.
                place.work(guard.is_abandoned(), 100_000)?;
                guard.notify()?;
                guard.wait()?;
            }
        }
        "barrier" => {
            let barrier = isopod::inherited::<Barrier>("object")?;
            let again = isopod::inherited::<Queue<u64>>("again")?;
            loop {
                let mut action = Ok(());
                // Long, so that some are killed in it.
                let waited = barrier.wait_with(|| action = place.work(false, 1_000_000));
                action?;
                match waited {
                    Ok(_) => place.progress()?,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::BrokenBarrier);
                        place.tell()?;
                        // The embedder makes the barrier usable again.
                        again.get().map(drop)?;
                    }
                }
            }
        }
        other => panic!("no kind {other}"),
    }
}

/// The place where a worker leaves its marks.
struct Place {
    number: u64,
    places: SharedMemory,
    told: Queue<u64>,
    random: u64,
}

impl Place {
    fn open(number: &str) -> isopod::Result<Place> {
        let id = isopod::current_process().id();
        Ok(Place {
            number: number.parse().expect("a number"),
            places: isopod::inherited("places")?,
            told: isopod::inherited("told")?,
            // Never 0, and different in each worker.
            random: id.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        })
    }

    /// The work under the lock.
    fn hold(&mut self, is_abandoned: bool) -> Outcome {
        self.work(is_abandoned, 10_000)
    }

    /// Works for up to `steps`, of about a nanosecond each.
    fn work(&mut self, is_abandoned: bool, steps: u64) -> Outcome {
        let is_held = self.number * 16 + 8;
        self.places.store_u64(is_held, 1)?;
        if is_abandoned {
            self.tell()?;
        }
        // xorshift64 (Marsaglia 2003).
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        for step in 0..self.random % steps {
            black_box(step);
        }
        self.progress()?;
        self.places.store_u64(is_held, 0)
    }

    fn tell(&self) -> Outcome {
        self.told.put(&self.number)
    }

    fn progress(&self) -> Outcome {
        self.places.add_u64(self.number * 16, 1).map(drop)
    }
}
