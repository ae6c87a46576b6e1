//! The driver of the CPython baseline. Where there is no `python3` it is left out, with a notice.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A Python program that runs rounds of its loop on demand, and reads the clock around them.
pub(crate) struct Python {
    child: Child,
    requests: ChildStdin,
    results: BufReader<ChildStdout>,
}

impl Python {
    /// Starts one; none if there is no Python.
    pub(crate) fn start(arguments: &[&str], cores: &[usize]) -> Result<Option<Python>> {
        if version().is_none() {
            return Ok(None);
        }
        let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/benches/multiprocessing/cpython.py"
        );
        let mut child = Command::new("python3")
            .arg(script)
            .arg(cores.join(","))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting python3")?;
        let requests = child.stdin.take().context("no stdin")?;
        let results = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut python = Python {
            child,
            requests,
            results,
        };
        python.rounds(1)?;
        Ok(Some(python))
    }

    /// The time of so many rounds, as Python measures it.
    pub(crate) fn rounds(&mut self, count: u64) -> Result<Duration> {
        writeln!(self.requests, "{count}")?;
        let mut line = String::new();
        self.results.read_line(&mut line)?;
        let nanoseconds = line.trim().parse().context("python3 gave no time")?;
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Ends it.
    pub(crate) fn end(self) -> Result<()> {
        let mut child = self.child;
        drop(self.requests);
        let status = child.wait()?;
        anyhow::ensure!(status.success(), "python3 ended with {status}");
        Ok(())
    }
}

/// The version of `python3`, if there is one.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("python3").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
