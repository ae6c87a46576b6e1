//! `docs/sweep.md`: the measurements of each function.

use crate::surface::clone_root;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// The measurements of one function, over all its runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) runs: u64,
    pub(crate) calls: u64,
    pub(crate) successes: u64,
    /// The peak memory of a host beyond that of a host whose guest does nothing.
    pub(crate) growth_kib: u64,
    /// The longest time from a deadline to the end of the host.
    pub(crate) end: Duration,
}

impl Row {
    /// The worst of both.
    pub(crate) fn with(self, other: Row) -> Row {
        Row {
            runs: self.runs + other.runs,
            calls: self.calls.max(other.calls),
            successes: self.successes.max(other.successes),
            growth_kib: self.growth_kib.max(other.growth_kib),
            end: self.end.max(other.end),
        }
    }
}

const BEGINNING: &str = "\
# What each function can take of the host

Made by `ISOPOD_SWEEP=write cargo test --release --workspace --test sweep`; `host/cli/tests/sweep` says how. For each
function that a guest can import, guests call it in a loop until they are ended at their time-out of 500 ms: with
small arguments as often as they can, with the largest ones, and, if it waits, without end. They hold whatever they get. Each
guest has 64 MiB of memory, and its host is a process of its own.

- **Runs**: how many guests there were, as a program and as a plugin.
- **Calls**, **succeeded**: how often one guest called it, and how often that gave no error: at least so often.
- **Memory**: what the host took at most, beyond a host whose guest does nothing, with the guest's 64 MiB in it.
- **End**: how long the host went on after the deadline, until its process was gone; without the time in which the
  kernel let other programs run.

| function | runs | calls | succeeded | memory, MiB | end, ms |
|---|---:|---:|---:|---:|---:|
";

pub(crate) fn path() -> PathBuf {
    clone_root().join("docs/sweep.md")
}

/// The table as text.
pub(crate) fn text(rows: &BTreeMap<String, Row>) -> String {
    rows.iter()
        .fold(BEGINNING.to_owned(), |mut text, (title, row)| {
            let Row {
                runs,
                calls,
                successes,
                growth_kib,
                end,
            } = row;
            let mebibytes = growth_kib.div_ceil(1 << 10);
            writeln!(
                text,
                "| `{title}` | {runs} | {calls} | {successes} | {mebibytes} | {} |",
                end.as_millis()
            )
            .unwrap();
            text
        })
}

/// The rows in the file: title, mebibytes and milliseconds.
pub(crate) fn kept() -> BTreeMap<String, (u64, u64)> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (title, rest) = row.split_once('`').unwrap();
        let numbers: Vec<u64> = rest
            .split('|')
            .filter_map(|cell| cell.trim().parse().ok())
            .collect();
        (title.to_owned(), (numbers[3], numbers[4]))
    })
    .collect()
}
