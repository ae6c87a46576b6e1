//! Jobs of a pool with as many workers as cores.

use crate::{Outcome, serve as serve_rounds};
use isopod::{Bytes, Pool};
use std::hint::black_box;

fn square(number: u64) -> u64 {
    number * number
}

fn length(block: Bytes) -> u64 {
    block.len() as u64
}

/// Serves rounds of one way to submit jobs: a round is a job.
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
        "map-64-kib" => {
            let items = vec![Bytes::from(vec![7; 64 << 10]); 64];
            serve_rounds(|mut rounds| {
                // At most as many at a time as the tree may have queued.
                while rounds > 0 {
                    let items = items.iter().take(rounds as usize).cloned();
                    rounds -= black_box(pool.chunks(1).map(length, items)?).len() as u64;
                }
                Ok(())
            })
        }
        "imap" => serve_rounds(|rounds| {
            for value in pool.imap(square, 0..rounds)? {
                black_box(value?);
            }
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
