//! The guest side of the benchmarks: one program, whose first argument names its work.
//!
//! A measured loop runs on demand: the embedder puts a number of rounds into the queue `requests`, and the
//! guest puts their time in nanoseconds into the queue `results`. The guest reads the clock itself, so
//! neither the request nor the result is part of the time.

mod calls;
mod compute;
mod contended;
mod messages;
mod pools;
mod primitives;
mod shared;
mod states;

use isopod::{Process, Queue};
use std::hint::black_box;
use std::time::Instant;

type Outcome = isopod::Result<()>;

#[isopod::main]
fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["nothing"] => Ok(()),
        ["spawn"] => serve(|rounds| {
            for _ in 0..rounds {
                Process::spawn(|| {}, ())?.wait()?;
            }
            Ok(())
        }),
        ["burst", count] => burst(number(count)),
        ["call", name] => calls::serve(name),
        ["bytes", size] => calls::bytes(number(size)),
        ["compute", name] => {
            let mut kernel = compute::kernel(name).expect("a kernel");
            serve(|rounds| {
                for _ in 0..rounds {
                    black_box(kernel());
                }
                Ok(())
            })
        }
        // For raw wasmtime, which has no queues.
        ["compute", name, rounds] => {
            let mut kernel = compute::kernel(name).expect("a kernel");
            for _ in 0..number(rounds) {
                black_box(kernel());
            }
            Ok(())
        }
        ["contended", what, parties] => contended::serve(what, number(parties)),
        ["round-trip", size] => messages::round_trip(size),
        ["one-way", size] => messages::one_way(size),
        ["echo"] => messages::echo(),
        ["produce", size] => messages::produce(number(size)),
        ["many", pairs] => messages::many(number(pairs)),
        ["event"] => primitives::event(),
        ["condition"] => primitives::condition(),
        ["barrier"] => primitives::barrier(),
        ["value"] => shared::value(),
        ["dict", what] => shared::dict(what),
        ["pool", what] => pools::serve(what),
        ["busy"] => states::busy(),
        ["stay", state] => states::stay(state),
        other => panic!("no benchmark {other:?}"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

/// Starts `size` processes at once, and then waits for all of them: a round is one process.
fn burst(size: u64) -> Outcome {
    serve(|mut rounds| {
        while rounds > 0 {
            let processes = (0..size.min(rounds))
                .map(|_| Process::spawn(|| {}, ()))
                .collect::<Result<Vec<_>, _>>()?;
            for process in &processes {
                process.wait()?;
            }
            rounds -= size.min(rounds);
        }
        Ok(())
    })
}

/// Runs the number of rounds of each request and answers with their time, until the embedder closes the
/// queue.
fn serve(mut rounds: impl FnMut(u64) -> Outcome) -> Outcome {
    let requests = isopod::inherited::<Queue<u64>>("requests")?;
    let results = isopod::inherited::<Queue<u64>>("results")?;
    for count in &requests {
        let count = count?;
        let start = Instant::now();
        rounds(count)?;
        let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        results.put(&nanoseconds)?;
    }
    Ok(())
}
