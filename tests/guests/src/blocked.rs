//! Processes that never end by themselves, each in a state of its own.

use crate::{Outcome, ready};
use isopod::{Barrier, Condition, Event, Lock, Process, Queue, RLock, Semaphore};
use std::hint::black_box;
use std::io::Read;
use std::time::Duration;

/// An endless loop without a host call.
pub fn busy() -> Outcome {
    ready()?;
    busy_quietly()
}

/// Like [`busy`], without the message on `ready`.
pub fn busy_quietly() -> Outcome {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_mul(31).wrapping_add(7));
    }
}

/// Waits for ever in one of the states.
pub fn blocked(state: &str) -> Outcome {
    match state {
        "busy" => busy(),
        "queue-get" => {
            let queue = Queue::<u32>::new()?;
            ready()?;
            queue.get().map(drop)
        }
        "queue-put" => {
            let queue = Queue::<u32>::bounded(1)?;
            queue.put(&1)?;
            ready()?;
            queue.put(&2)
        }
        "pipe-recv" => {
            let (ours, _theirs) = isopod::pipe::<u32, u32>()?;
            ready()?;
            ours.recv().map(drop)
        }
        "pipe-poll" => {
            let (ours, _theirs) = isopod::pipe::<u32, u32>()?;
            ready()?;
            while !ours.poll_timeout(Duration::from_secs(3600))? {}
            Ok(())
        }
        "pipe-send" => {
            let (ours, _theirs) = isopod::pipe::<Vec<u8>, u32>()?;
            ready()?;
            loop {
                ours.send(&vec![0; 60_000])?;
            }
        }
        "lock-acquire" => {
            let lock = Lock::new()?;
            let _guard = lock.acquire()?;
            ready()?;
            lock.acquire().map(drop)
        }
        "rlock-acquire" => {
            let lock = RLock::new()?;
            let held = Queue::<()>::new()?;
            Process::builder().daemon(true).spawn(
                |lock: RLock, held: Queue<()>| -> Outcome {
                    let _guard = lock.acquire()?;
                    held.put(&())?;
                    Queue::<u32>::new()?.get().map(drop)
                },
                (lock.clone(), held.clone()),
            )?;
            held.get()?;
            ready()?;
            lock.acquire().map(drop)
        }
        "semaphore-acquire" => {
            let semaphore = Semaphore::new(0)?;
            ready()?;
            semaphore.acquire().map(drop)
        }
        "event-wait" => {
            let event = Event::new()?;
            ready()?;
            event.wait()
        }
        "condition-wait" => {
            let condition = Condition::new()?;
            let guard = condition.acquire()?;
            ready()?;
            guard.wait()
        }
        "barrier-wait" => {
            let barrier = Barrier::new(2)?;
            ready()?;
            barrier.wait().map(drop)
        }
        "wait-any" => {
            let event = Event::new()?;
            let queue = Queue::<u32>::new()?;
            ready()?;
            isopod::wait_any(&[&event, &queue]).map(drop)
        }
        "join" => {
            let child = Process::spawn(|| -> Outcome { Queue::<u32>::new()?.get().map(drop) }, ())?;
            ready()?;
            child.join()
        }
        "sleep" => {
            ready()?;
            std::thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        "stdin" => {
            ready()?;
            let mut byte = [0];
            while std::io::stdin().read(&mut byte).is_ok() {}
            Ok(())
        }
        // Memory instructions of some milliseconds each, between two checks of the epoch.
        "bulk-memory" => {
            let mut block = vec![0_u8; 256 << 20];
            ready()?;
            loop {
                let half = block.len() / 2;
                block.fill(black_box(7));
                block.copy_within(..half, half);
            }
        }
        // Host calls that copy many bytes.
        "big-messages" => {
            let queue = Queue::<Vec<u8>>::new()?;
            let bytes = vec![7; 60 << 20];
            ready()?;
            loop {
                queue.put_bytes(&bytes)?;
                drop(queue.get_bytes()?);
            }
        }
        // Its own work is done, and it waits for its child.
        "ending" => {
            let child = |()| -> Outcome { Queue::<u32>::new()?.get().map(drop) };
            Process::spawn(child, ((),))?;
            ready()
        }
        // A large memory, which takes long to release.
        "full-memory" => {
            let block = vec![7_u8; 700 << 20];
            ready()?;
            Queue::<u32>::new()?.get()?;
            drop(block);
            Ok(())
        }
        other => panic!("no state {other}"),
    }
}

/// One child in each of the states; main waits for all of them.
pub fn blocked_children(states: &[&str]) -> Outcome {
    let children = states
        .iter()
        .map(|state| Process::spawn(|state: String| blocked(&state), (state.to_string(),)))
        .collect::<Result<Vec<_>, _>>()?;
    for child in children {
        child.wait()?;
    }
    Ok(())
}
