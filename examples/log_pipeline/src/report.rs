//! What is told on standard error: what happened to plugins, and what they have done in all.

use crate::chain::Chain;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often a stage has failed, by kind.
#[derive(Default)]
pub(crate) struct Failures(Mutex<BTreeMap<&'static str, u64>>);

impl Failures {
    /// Counts one, and gives how many of its kind there were.
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

/// The first line of a text: plugins choose what their errors say.
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
