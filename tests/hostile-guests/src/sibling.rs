//! A tree of processes that harms no other, and only does its work.

use crate::{Outcome, ready};
use isopod::{Lock, Process, Queue, SharedMemory};

const WORKERS: u64 = 2;
const NUMBERS: u64 = 100;

/// For each message of the embedder, its children square numbers, and count them under a lock.
pub fn work() -> Outcome {
    let rounds = isopod::inherited::<Queue<u64>>("rounds")?;
    let answers = isopod::inherited::<Queue<u64>>("answers")?;
    let (numbers, squares) = (Queue::bounded(8)?, Queue::new()?);
    let (lock, counter) = (Lock::new()?, SharedMemory::new(8)?);
    for _ in 0..WORKERS {
        let arguments = (
            numbers.clone(),
            squares.clone(),
            lock.clone(),
            counter.clone(),
        );
        Process::spawn(square, arguments)?;
    }
    ready()?;
    for round in &rounds {
        let round = round?;
        for number in 0..NUMBERS {
            numbers.put(&number)?;
        }
        let mut sum = 0;
        for _ in 0..NUMBERS {
            sum += squares.get()?;
        }
        answers.put(&(sum + round + counter.load_u64(0)?))?;
    }
    numbers.close();
    Ok(())
}

fn square(numbers: Queue<u64>, squares: Queue<u64>, lock: Lock, counter: SharedMemory) -> Outcome {
    for number in &numbers {
        let number = number?;
        let guard = lock.acquire()?;
        assert!(!guard.is_abandoned(), "nobody of this tree has ended");
        // Not atomic: the lock protects it.
        counter.store_u64(0, counter.load_u64(0)? + 1)?;
        drop(guard);
        squares.put(&(number * number))?;
    }
    Ok(())
}
