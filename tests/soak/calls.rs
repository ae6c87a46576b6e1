//! Random calls by the numbers of objects. The guest (`calls` in `tests/hostile-guests`) predicts each
//! answer, and fails if it gets another.

use crate::options::Options;
use anyhow::{Context, Result, ensure};
use isopod_host::{Capture, ExitStatus};
use isopod_host::{Command, Engine, Output, Program};
use isopod_tests::{GUARD, Random, build, root};
use std::time::Instant;

/// The number of calls of one process.
const CALLS: u64 = 5_000;

/// The number of processes that run at a time.
const AT_A_TIME: usize = 4;

/// Runs processes until the time is over.
pub(crate) fn run(options: &Options) -> Result<()> {
    let engine = Engine::new()?;
    let component = build(&root().join("tests/hostile-guests"))?;
    let program = Program::from_bytes(&engine, "calls", &component)?;
    let end = Instant::now() + options.time;
    let mut random = Random::new(options.seed);
    let mut processes = 0_u64;
    while Instant::now() < end {
        let mut started = Vec::new();
        for _ in 0..AT_A_TIME {
            // The first process uses the seed itself, so a run with the same seed repeats a failure.
            let seed = match processes {
                0 => options.seed,
                _ => random.draw(),
            };
            let stderr = Capture::new();
            let command = Command::new(&program)
                .args(["random-calls", &seed.to_string(), &CALLS.to_string()])
                .stderr(Output::Capture(stderr.clone()));
            started.push((seed, stderr, command.spawn()?));
            processes += 1;
        }
        for (seed, stderr, process) in started {
            let status = process.join_tree_timeout(GUARD);
            let status = status.with_context(|| format!("seed {seed}: it never ended"))?;
            ensure!(
                status == ExitStatus::Exited(0),
                "--seed {seed}: {status}: {}",
                stderr.text()
            );
            let usage = process.tree_usage();
            ensure!(
                usage.queued_bytes == 0,
                "--seed {seed}: {} bytes are left",
                usage.queued_bytes
            );
        }
    }
    ensure!(engine.processes().is_empty(), "processes are left");
    println!("{} calls in {processes} processes", processes * CALLS);
    Ok(())
}
