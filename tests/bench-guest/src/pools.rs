//! Jobs of a pool with as many workers as cores.

use crate::{Outcome, serve as serve_rounds};
use isopod::Pool;
use std::hint::black_box;

fn square(number: u64) -> u64 {
    number * number
}

/// Serves rounds of one way to give a pool jobs: a round is a job.
pub fn serve(what: &str) -> Outcome {
    let pool = Pool::new()?;
    match what {
        "map" => serve_rounds(|rounds| {
            black_box(pool.chunks(1).map(square, 0..rounds)?);
            Ok(())
        }),
        "map-default" => serve_rounds(|rounds| {
            black_box(pool.map(square, 0..rounds)?);
            Ok(())
        }),
        _ => serve_rounds(|rounds| {
            for number in 0..rounds {
                black_box(pool.apply(square, (number,))?);
            }
            Ok(())
        }),
    }
}
