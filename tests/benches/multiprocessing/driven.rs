//! Programs that run rounds of their own loop on demand, and read the clock around them: CPython, peers.

use crate::measure::{Measure, expect};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// One of these programs: it reads a number of rounds and writes their time in nanoseconds, a line each.
pub(crate) struct Driven {
    command: String,
    child: Child,
    requests: ChildStdin,
    results: BufReader<ChildStdout>,
}

impl Driven {
    /// Starts the program, and has it run one round.
    pub(crate) fn start(command: &mut Command) -> Result<Driven> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        let requests = child.stdin.take().context("no stdin")?;
        let results = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut driven = Driven {
            command: format!("{command:?}"),
            child,
            requests,
            results,
        };
        driven.rounds(1)?;
        Ok(driven)
    }

    /// The time of `count` rounds, as the program measures it.
    pub(crate) fn rounds(&mut self, count: u64) -> Result<Duration> {
        writeln!(self.requests, "{count}")?;
        let mut line = String::new();
        self.results.read_line(&mut line)?;
        let nanoseconds = line.trim().parse();
        let nanoseconds = nanoseconds.with_context(|| format!("no time from {}", self.command))?;
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Measures the program's rounds, and ends it.
    pub(crate) fn measure(mut self, measure: &mut Measure<'_>, name: &str) -> Result<()> {
        measure.rounds(name, |rounds| expect(self.rounds(rounds)));
        self.end()
    }

    /// Like [`measure`](Self::measure), round by round, for rounds that take long.
    pub(crate) fn measure_seldom(mut self, measure: &mut Measure<'_>, name: &str) -> Result<()> {
        measure.seldom(name, || expect(self.rounds(1)));
        self.end()
    }

    fn end(self) -> Result<()> {
        let mut child = self.child;
        drop(self.requests);
        let status = child.wait()?;
        anyhow::ensure!(status.success(), "{} ended with {status}", self.command);
        Ok(())
    }
}

/// The cores as an argument of these programs: an empty list means any core.
pub(crate) fn cores_word(cores: &[usize]) -> String {
    if cores.is_empty() {
        return "any".to_owned();
    }
    let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
    cores.join(",")
}
