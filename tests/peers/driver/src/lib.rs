//! The protocol between the benchmarks and a peer, the same as with CPython
//! (`tests/benches/multiprocessing/cpython.py`).
//!
//! The benchmarks start a peer with the cores that it may use, the name of a measurement, and its argument.
//! The peer takes numbers of rounds from standard input, a line each, and answers each with their time in
//! nanoseconds, so that its samples are taken like all others. The peer makes no samples and no statistics.

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io::{BufRead, Write};
use std::time::Instant;

/// The request of the benchmarks.
#[derive(Debug)]
pub struct Request {
    /// None: the choice of the scheduler.
    pub cores: Vec<usize>,
    pub what: String,
    pub argument: String,
}

impl Request {
    /// The request in this process's command line: `CORES WHAT ARGUMENT`, cores as `0,1` or `any`.
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

    /// The cores as an argument of a command line.
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

    /// Pins the calling thread to the first of the cores, for the measured loop.
    pub fn pin_to_first(&self) -> Result<()> {
        pin(self.cores.get(..1).unwrap_or_default())
    }

    /// Pins the calling thread to the last of the cores, for the other side of the measured loop.
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

/// Runs the number of rounds of each line, until there are no more lines.
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
