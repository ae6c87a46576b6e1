//! Two or more processes that wake each other.

use crate::{Outcome, serve};
use isopod::{Barrier, Condition, Event, Process, SharedMemory};

/// Two processes take turns, each setting the other's event.
pub fn event() -> Outcome {
    let (ping, pong) = (Event::new()?, Event::new()?);
    Process::builder().daemon(true).spawn(
        |ping: Event, pong: Event| -> Outcome {
            loop {
                ping.wait()?;
                ping.clear();
                pong.set();
            }
        },
        (ping.clone(), pong.clone()),
    )?;
    serve(|rounds| {
        for _ in 0..rounds {
            ping.set();
            pong.wait()?;
            pong.clear();
        }
        Ok(())
    })
}

/// Two processes take turns under one condition; shared memory holds whose turn it is.
pub fn condition() -> Outcome {
    let condition = Condition::new()?;
    let turn = SharedMemory::new(4)?;
    Process::builder().daemon(true).spawn(
        |condition: Condition, turn: SharedMemory| -> Outcome {
            let guard = condition.acquire()?;
            loop {
                while turn.load_u32(0)? == 0 {
                    guard.wait()?;
                }
                turn.store_u32(0, 0)?;
                guard.notify()?;
            }
        },
        (condition.clone(), turn.clone()),
    )?;
    serve(|rounds| {
        let guard = condition.acquire()?;
        for _ in 0..rounds {
            turn.store_u32(0, 1)?;
            guard.notify()?;
            while turn.load_u32(0)? == 1 {
                guard.wait()?;
            }
        }
        Ok(())
    })
}

/// Two processes pass a barrier together.
pub fn barrier() -> Outcome {
    let barrier = Barrier::new(2)?;
    Process::builder().daemon(true).spawn(
        |barrier: Barrier| -> Outcome {
            loop {
                barrier.wait()?;
            }
        },
        (barrier.clone(),),
    )?;
    serve(|rounds| {
        for _ in 0..rounds {
            barrier.wait()?;
        }
        Ok(())
    })
}
