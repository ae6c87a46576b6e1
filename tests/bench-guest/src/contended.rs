//! Several processes that compete for one lock, or one permit.

use crate::{Outcome, serve as serve_rounds};
use isopod::{Lock, Process, Queue, Receiver, Semaphore};

/// A round is one acquisition and release, by any of `parties` processes.
pub fn serve(what: &str, parties: u64) -> Outcome {
    let done = Queue::<()>::new()?;
    let mut orders = Vec::new();
    let (lock, semaphore) = (Lock::new()?, Semaphore::new(1)?);
    for _ in 0..parties {
        let (order, ordered) = isopod::one_way_pipe::<u64>()?;
        orders.push(ordered);
        let child = Process::builder().daemon(true);
        match what {
            "lock" => child.spawn(take_lock, (order, lock.clone(), done.clone()))?,
            _ => child.spawn(take_permit, (order, semaphore.clone(), done.clone()))?,
        };
    }
    serve_rounds(|rounds| {
        for (ordered, number) in orders.iter().zip(0..) {
            ordered.send(&(rounds / parties + u64::from(number < rounds % parties)))?;
        }
        for _ in 0..parties {
            done.get()?;
        }
        Ok(())
    })
}

fn take_lock(orders: Receiver<u64>, lock: Lock, done: Queue<()>) -> Outcome {
    for count in orders.iter() {
        for _ in 0..count? {
            drop(lock.acquire()?);
        }
        done.put(&())?;
    }
    Ok(())
}

fn take_permit(orders: Receiver<u64>, semaphore: Semaphore, done: Queue<()>) -> Outcome {
    for count in orders.iter() {
        for _ in 0..count? {
            drop(semaphore.acquire()?);
        }
        done.put(&())?;
    }
    Ok(())
}
