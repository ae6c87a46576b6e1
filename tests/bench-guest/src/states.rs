//! Processes that never end by themselves, each in another state, to be killed.

use crate::Outcome;
use isopod::Queue;
use std::hint::black_box;
use std::io::Read;
use std::time::Duration;

/// Says `ready`, then stays in the state.
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
        other => panic!("no state {other}"),
    }
}

/// An endless loop without a host call.
pub fn busy() -> ! {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_mul(31).wrapping_add(7));
    }
}
