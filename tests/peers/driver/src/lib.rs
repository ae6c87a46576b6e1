//! How the benchmarks drive a peer: as they drive CPython (`tests/benches/multiprocessing/cpython.py`).
//!
//! A peer is called with the cores it may use, what it is to measure, and the argument of that. It takes
//! numbers of rounds from standard input, a line each, and answers each with the nanoseconds they took, so
//! that the same samples are taken of it as of everything else. Left out: samples and their statistics.

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io::{BufRead, Write};
use std::time::Instant;

/// What the benchmarks ask for.
#[derive(Debug)]
pub struct Request {
    /// None: whatever the scheduler gives.
    pub cores: Vec<usize>,
    pub what: String,
    pub argument: String,
}

impl Request {
    /// That of this process's command line: `CORES WHAT ARGUMENT`, cores as `0,1` or `any`.
    pub fn read() -> Result<Request> {
        const USAGE: &str = "usage: CORES WHAT ARGUMENT, where cores are as `0,1` or `any`";
        let mut words = std::env::args().skip(1);
        let mut word = || words.next().context(USAGE);
        let cores = match word()?.as_str() {
            "any" => Vec::new(),
            cores => cores
                .split(',')
                .map(|core| core.parse().with_context(|| format!("`{core}` is no core")))
                .collect::<Result<Vec<usize>>>()?,
        };
        Ok(Request {
            cores,
            what: word()?,
            argument: word()?,
        })
    }

    /// As the command line of a process has it.
    pub fn cores_word(&self) -> String {
        match self.cores.is_empty() {
            true => "any".to_owned(),
            false => self
                .cores
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(","),
        }
    }

    /// Pins the calling thread to all of the cores.
    pub fn pin_to_all(&self) -> Result<()> {
        pin(&self.cores)
    }

    /// Pins the calling thread to the first of the cores, where the measured loop is.
    pub fn pin_to_first(&self) -> Result<()> {
        pin(self.cores.get(..1).unwrap_or_default())
    }

    /// Pins the calling thread to the last of the cores, where whoever it talks to is.
    pub fn pin_to_last(&self) -> Result<()> {
        pin(self
            .cores
            .last()
            .map(std::slice::from_ref)
            .unwrap_or_default())
    }
}

fn pin(cores: &[usize]) -> Result<()> {
    if cores.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set).with_context(|| format!("pinning to the cores {cores:?}"))
}

/// Runs so many rounds as each line says, until there are no more lines.
pub fn serve(mut rounds: impl FnMut(u64) -> Result<()>) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let count = line
            .trim()
            .parse()
            .with_context(|| format!("`{line}` is no number"))?;
        let start = Instant::now();
        rounds(count)?;
        let elapsed = start.elapsed();
        let mut output = std::io::stdout().lock();
        writeln!(output, "{}", elapsed.as_nanos())?;
        output.flush()?;
    }
    Ok(())
}
