//! The common path of all measurements: criterion, and beside it the samples for the report.

use crate::report;
use anyhow::{Context, Result};
use criterion::{Criterion, SamplingMode};
use regex::Regex;
use serde::Serialize;
use std::time::{Duration, Instant};

/// The duration of each measurement.
const MEASUREMENT: Duration = Duration::from_secs(2);

/// The measurement of one line.
pub(crate) struct Measured {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) unit: Unit,
    /// Times of single rounds if these are timed one by one; otherwise each sample is the mean of a run of
    /// some milliseconds or more.
    pub(crate) samples: Vec<f64>,
    pub(crate) is_single: bool,
    /// The reason why there are no samples.
    pub(crate) skipped: Option<String>,
}

/// The unit of a sample.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// Of one round.
    Nanoseconds,
    Bytes,
}

/// Criterion, and all measurements until now.
pub(crate) struct Measure<'a> {
    criterion: &'a mut Criterion,
    group: String,
    /// Decides by name about the measurements that do not go through criterion.
    filter: Regex,
    pub(crate) measured: Vec<Measured>,
}

impl<'a> Measure<'a> {
    pub(crate) fn new(criterion: &'a mut Criterion) -> Measure<'a> {
        Measure {
            criterion,
            group: String::new(),
            filter: filter(),
            measured: Vec::new(),
        }
    }

    /// Begins a group: its first measurement is the baseline of the others.
    pub(crate) fn group(&mut self, name: &str) {
        name.clone_into(&mut self.group);
    }

    /// Measures an operation that takes a number of rounds and returns their total time.
    pub(crate) fn rounds(&mut self, name: &str, mut rounds: impl FnMut(u64) -> Duration) {
        /// Shorter runs are warm-up, or too noisy for a sample.
        const SHORTEST_RUN: Duration = Duration::from_millis(1);
        let mut samples = Vec::new();
        self.bench(name, MEASUREMENT, None, |count| {
            let elapsed = rounds(count);
            if elapsed >= SHORTEST_RUN {
                samples.push(per_round(elapsed, count));
            }
            elapsed
        });
        self.keep(name, samples, false);
    }

    /// Measures an operation that is timed round by round.
    pub(crate) fn single(&mut self, name: &str, once: impl FnMut() -> Duration) {
        self.single_within(name, MEASUREMENT, once);
    }

    /// Like [`single`](Self::single), for rounds of a second or more: as few samples as criterion allows.
    pub(crate) fn seldom(&mut self, name: &str, once: impl FnMut() -> Duration) {
        self.single_rounds(name, MEASUREMENT, Some(10), once);
    }

    /// Like [`single`](Self::single), for rounds with a long part that is not measured: the rounds together
    /// take `measurement`, without that part.
    pub(crate) fn single_within(
        &mut self,
        name: &str,
        measurement: Duration,
        once: impl FnMut() -> Duration,
    ) {
        self.single_rounds(name, measurement, None, once);
    }

    fn single_rounds(
        &mut self,
        name: &str,
        measurement: Duration,
        sample_size: Option<usize>,
        mut once: impl FnMut() -> Duration,
    ) {
        let mut samples = Vec::new();
        self.bench(name, measurement, sample_size, |count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                let elapsed = once();
                samples.push(per_round(elapsed, 1));
                total += elapsed;
            }
            total
        });
        self.keep(name, samples, true);
    }

    /// Keeps the times of single rounds that can be measured only once, such as making a thousand things
    /// that stay.
    #[allow(clippy::print_stdout, reason = "as criterion does")]
    pub(crate) fn times(&mut self, name: &str, times: &[Duration]) {
        let samples: Vec<f64> = times.iter().map(|time| per_round(*time, 1)).collect();
        let [p50, p99] = [0.5, 0.99].map(|part| report::time(report::quantile(&samples, part)));
        println!("{}/{name}: p50 {p50}, p99 {p99}", self.group);
        self.keep(name, samples, true);
    }

    /// Whether the filter selects this measurement, for those that do not go through criterion.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filter.is_match(&format!("{}/{name}", self.group))
    }

    /// Keeps a size that was measured once.
    #[allow(clippy::print_stdout, reason = "as criterion does with a time")]
    pub(crate) fn bytes(&mut self, name: &str, bytes: f64) {
        println!("{}/{name}: {}", self.group, Unit::Bytes.shown(bytes));
        self.push(name, Unit::Bytes, vec![bytes], true, None);
    }

    /// Records why a line has no numbers here.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        self.push(
            name,
            Unit::Nanoseconds,
            Vec::new(),
            true,
            Some(why.to_owned()),
        );
    }

    fn push(
        &mut self,
        name: &str,
        unit: Unit,
        samples: Vec<f64>,
        is_single: bool,
        skipped: Option<String>,
    ) {
        self.measured.push(Measured {
            group: self.group.clone(),
            name: name.to_owned(),
            unit,
            samples,
            is_single,
            skipped,
        });
    }

    fn bench(
        &mut self,
        name: &str,
        measurement: Duration,
        sample_size: Option<usize>,
        mut run: impl FnMut(u64) -> Duration,
    ) {
        let mut group = self.criterion.benchmark_group(&self.group);
        if let Some(sample_size) = sample_size {
            group.sample_size(sample_size);
        }
        group.measurement_time(measurement);
        group.warm_up_time(measurement / 4);
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function(name, |bencher| bencher.iter_custom(&mut run));
        group.finish();
    }

    /// Keeps the samples. A measurement that the filter leaves out has none, and is not kept.
    fn keep(&mut self, name: &str, samples: Vec<f64>, is_single: bool) {
        if !samples.is_empty() {
            self.push(name, Unit::Nanoseconds, samples, is_single, None);
        }
    }

    /// Whether a group whose name begins like this was measured: a filter leaves others out.
    pub(crate) fn has_measured(&self, beginning: &str) -> bool {
        let mut measured = self.measured.iter();
        measured.any(|entry| entry.group.starts_with(beginning))
    }
}

/// The filter of criterion, read in the same way.
fn filter() -> Regex {
    let word = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with("--"));
    // Criterion has already refused an invalid expression.
    expect(Regex::new(&word.unwrap_or_default()).context("the filter"))
}

/// The time of `rounds` rounds.
pub(crate) fn timed(rounds: u64, mut round: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        round();
    }
    start.elapsed()
}

fn per_round(elapsed: Duration, count: u64) -> f64 {
    elapsed.as_secs_f64() * 1e9 / count as f64
}

/// The value, inside a measured closure, which cannot pass an error on.
///
/// # Panics
/// With the error: a benchmark that fails must end.
#[allow(clippy::panic, reason = "criterion's closures return times only")]
pub(crate) fn expect<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error:#}"),
    }
}
