//! Proofs that take longer than a test: `cargo run --release --workspace --bin soak -- --help`.
//!
//!  * `programs`: random programs of processes, pools, queues, pipes, locks and dicts, whose processes are
//!    ended at random; every answer is checked, and at the end nothing is left.
//! * `calls`: random calls by the numbers of objects, right ones, stale ones and invented ones.
//!  * `spawns`: processes start and end, again and again, and memory stays the same.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command that says what it has found"
)]

mod calls;
#[path = "../guests/src/soak/layout.rs"]
mod layout;
mod ledger;
mod options;
mod programs;

use anyhow::{Result, ensure};
use options::{Options, Proof};
use std::process::ExitCode;

/// The memory after many processes may be larger by one part in this many.
const TOLERANCE: u64 = 20;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error:#}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    println!("seed: {}", options.seed);
    match options.proof {
        Proof::Programs => programs::run(options),
        Proof::Calls => calls::run(options),
        Proof::Spawns => {
            let first = options.count.min(10_000);
            let spawns = isopod_tests::many_spawns(options.count, first)?;
            println!("{spawns}");
            let growth = spawns.growth_bytes();
            ensure!(
                growth <= spawns.first_bytes / TOLERANCE,
                "memory has grown by {growth} bytes, more than 5 %"
            );
            Ok(())
        }
    }
}
