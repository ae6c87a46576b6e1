//! Shared objects, used by one process.

use crate::{Outcome, serve};
use isopod::{Manager, Value};
use std::hint::black_box;

/// Adds to a number under its lock.
pub fn value() -> Outcome {
    let value = Value::<i64>::new(0)?;
    serve(|rounds| {
        for _ in 0..rounds {
            let guard = value.lock()?;
            guard.fetch_add(1)?;
        }
        Ok(())
    })
}

/// Sets or gets an entry of a manager's dict.
pub fn dict(what: &str) -> Outcome {
    let numbers = Manager::new().dict::<u64, u64>()?;
    numbers.set(&7, &0)?;
    match what {
        "set" => serve(|rounds| {
            for number in 0..rounds {
                numbers.set(&7, &number)?;
            }
            Ok(())
        }),
        _ => serve(|rounds| {
            for _ in 0..rounds {
                black_box(numbers.get(&7)?);
            }
            Ok(())
        }),
    }
}
