//! Processes that never end by themselves, each in a state of its own, for the benchmark to kill.

use crate::Outcome;
use isopod::{Event, Process, Queue, Semaphore};
use std::hint::black_box;
use std::io::Read;
use std::time::Duration;

/// Reports `ready`, then stays in the state.
pub fn stay(state: &str) -> Outcome {
    let ready = isopod::inherited::<Queue<()>>("ready")?;
    match state {
        "busy" => {
            ready.put(&())?;
            busy()
        }
        "queue-get" => {
            let queue = Queue::<()>::new()?;
            ready.put(&())?;
            queue.get()
        }
        "pipe-recv" => {
            let (end, _other) = isopod::pipe::<(), ()>()?;
            ready.put(&())?;
            end.recv()
        }
        "semaphore" => {
            let semaphore = Semaphore::new(0)?;
            ready.put(&())?;
            std::mem::forget(semaphore.acquire()?);
            Ok(())
        }
        "event" => {
            let event = Event::new()?;
            ready.put(&())?;
            event.wait()
        }
        "join" => {
            let child = Process::spawn(|| -> Outcome { Queue::<()>::new()?.get() }, ())?;
            ready.put(&())?;
            child.join().map(drop)
        }
        "sleep" => {
            ready.put(&())?;
            std::thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        "stdin" => {
            ready.put(&())?;
            let mut byte = [0];
            while std::io::stdin().read(&mut byte).is_ok() {}
            Ok(())
        }
        "touched-16-mib" => touched(16 << 20, &ready),
        "touched-256-mib" => touched(256 << 20, &ready),
        "bulk-memory" => {
            let mut block = vec![0_u8; 64 << 20];
            ready.put(&())?;
            loop {
                block.fill(black_box(7));
            }
        }
        "big-messages" => {
            let queue = Queue::<Vec<u8>>::new()?;
            let bytes = vec![7; 60 << 20];
            ready.put(&())?;
            loop {
                queue.put_bytes(&bytes)?;
                drop(queue.get_bytes()?);
            }
        }
        other => panic!("no state {other}"),
    }
}

/// Writes `size_bytes` of its memory, and then waits.
fn touched(size_bytes: usize, ready: &Queue<()>) -> Outcome {
    let block = vec![7_u8; size_bytes];
    ready.put(&())?;
    Queue::<()>::new()?.get()?;
    drop(black_box(block));
    Ok(())
}

/// An endless loop without a host call.
pub fn busy() -> ! {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_mul(31).wrapping_add(7));
    }
}
