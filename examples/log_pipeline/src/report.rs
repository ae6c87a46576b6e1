//! The reports on standard error: the events of plugins, and the totals of their work.

use crate::chain::Chain;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The number of failures of a stage, by kind.
#[derive(Default)]
pub(crate) struct Failures(Mutex<BTreeMap<&'static str, u64>>);

impl Failures {
    /// Counts one failure, and returns the number of its kind.
    pub(crate) fn count(&self, kind: &'static str) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(kind).or_default();
        *count += 1;
        *count
    }

    fn shown(&self) -> String {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.iter().map(|(kind, count)| format!("{count} {kind}"));
        let shown = counts.collect::<Vec<_>>().join(", ");
        if shown.is_empty() {
            "none".to_owned()
        } else {
            shown
        }
    }
}

/// Writes a line.
pub(crate) fn tell(line: &str) {
    // A pipeline whose standard error is closed goes on.
    let _ = writeln!(io::stderr(), "{line}");
}

/// The first line of a text, because plugins choose the texts of their errors.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect()
}

/// A line for each stage.
pub(crate) fn stages(chain: &Chain) {
    for stage in &chain.stages {
        let statistics = stage.statistics();
        let shown = |time: Option<Duration>| match time {
            Some(time) => format!("{time:.1?}"),
            None => "-".to_owned(),
        };
        tell(&format!(
            "stage `{}`: {} calls, p50 {}, p99 {}; failures: {}",
            stage.name(),
            statistics.calls,
            shown(statistics.p50),
            shown(statistics.p99),
            stage.failures().shown()
        ));
    }
}
