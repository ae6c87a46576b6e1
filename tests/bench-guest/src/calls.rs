//! Calls of the host that do almost no work there.

use crate::{Outcome, serve as serve_rounds};
use isopod::{Event, Lock, Queue};
use std::hint::black_box;

/// Puts `size` bytes into a queue and takes them out.
pub fn bytes(size: u64) -> Outcome {
    let queue = Queue::<()>::new()?;
    let bytes = vec![7; usize::try_from(size).expect("a size")];
    serve_rounds(|rounds| {
        for _ in 0..rounds {
            queue.put_bytes(&bytes)?;
            black_box(queue.get_bytes()?);
        }
        Ok(())
    })
}

/// Serves rounds of one call.
pub fn serve(name: &str) -> Outcome {
    let queue = Queue::<u8>::new()?;
    let lock = Lock::new()?;
    let event = Event::new()?;
    match name {
        "queue-len" => serve_rounds(|rounds| {
            for _ in 0..rounds {
                black_box(queue.len());
            }
            Ok(())
        }),
        "event-is-set" => serve_rounds(|rounds| {
            for _ in 0..rounds {
                black_box(event.is_set());
            }
            Ok(())
        }),
        "lock" => serve_rounds(|rounds| {
            for _ in 0..rounds {
                drop(lock.acquire()?);
            }
            Ok(())
        }),
        other => panic!("no call {other}"),
    }
}
