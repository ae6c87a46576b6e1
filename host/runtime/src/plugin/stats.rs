//! Counters of the calls of a plugin.
//!
//! Counters are kept once per core, so that workers do not contend for a cache line; a reader adds them up.

use crate::error::{Error, ErrorKind};
use crossbeam_utils::CachePadded;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Times are counted in classes, 16 to each doubling, so that a reported time is exact to within 6 %.
const CLASSES_PER_DOUBLING_BITS: u32 = 4;
const CLASSES: usize = 16 * 42;

/// Statistics of the calls of a plugin, since it was loaded.
///
/// ```no_run
/// # fn example(plugin: &isopod_host::plugin::Plugin) {
/// let statistics = plugin.statistics();
/// println!("{} calls, p99 {:?}", statistics.calls, statistics.p99);
/// for (kind, count) in &statistics.failures {
///     println!("{}: {count}", kind.as_str());
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PluginStatistics {
    /// Calls that have ended, the failed ones included.
    pub calls: u64,
    /// Failed calls, by kind.
    pub failures: BTreeMap<ErrorKind, u64>,
    /// The time, from submission to end, that half of the calls did not exceed. None without a call.
    pub p50: Option<Duration>,
    /// The time that 99 of 100 calls did not exceed.
    pub p99: Option<Duration>,
    /// The time that the longest call did not exceed.
    pub longest: Option<Duration>,
    /// Instances that live now, idle ones included.
    pub instances: usize,
    /// The size of their linear memories, in bytes.
    pub memory_bytes: u64,
    /// Instances that were made in all.
    pub instances_made: u64,
}

/// The counters of one core.
#[derive(Debug)]
struct Shard {
    classes: Box<[AtomicU64]>,
    failures: [AtomicU64; ErrorKind::ALL.len()],
}

/// The counters of one plugin.
#[derive(Debug)]
pub(crate) struct Counters {
    shards: Box<[CachePadded<Shard>]>,
}

impl Counters {
    pub(crate) fn new(shard_count: usize) -> Counters {
        let shard = |_| {
            CachePadded::new(Shard {
                classes: (0..CLASSES).map(|_| AtomicU64::new(0)).collect(),
                failures: std::array::from_fn(|_| AtomicU64::new(0)),
            })
        };
        Counters {
            shards: (0..shard_count.max(1)).map(shard).collect(),
        }
    }

    /// Counts a call that has ended. `shard` is any number of the caller's.
    pub(crate) fn note<T>(&self, shard: usize, took: Duration, result: &Result<T, Error>) {
        let Some(shard) = self.shards.get(shard % self.shards.len()) else {
            return;
        };
        if let Some(class) = shard.classes.get(class_of(took)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        if let Err(error) = result {
            let position = ErrorKind::ALL.iter().position(|kind| *kind == error.kind());
            if let Some(count) = position.and_then(|position| shard.failures.get(position)) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The sum of all shards. Fields that do not come from calls stay empty.
    pub(crate) fn total(&self) -> PluginStatistics {
        let mut classes = vec![0_u64; CLASSES];
        let mut failures = BTreeMap::new();
        for shard in &self.shards {
            for (sum, count) in classes.iter_mut().zip(&shard.classes) {
                *sum += count.load(Ordering::Relaxed);
            }
            for (kind, count) in ErrorKind::ALL.iter().zip(&shard.failures) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    *failures.entry(*kind).or_default() += count;
                }
            }
        }
        let calls: u64 = classes.iter().sum();
        let at = |share: f64| longest_of(&classes, calls, share);
        PluginStatistics {
            calls,
            failures,
            p50: at(0.50),
            p99: at(0.99),
            longest: at(1.0),
            ..PluginStatistics::default()
        }
    }
}

/// The class of a time: its logarithm, in sixteenths.
fn class_of(time: Duration) -> usize {
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
    let doublings = nanoseconds.ilog2();
    let sixteenths = match doublings.checked_sub(CLASSES_PER_DOUBLING_BITS) {
        Some(shift) => (nanoseconds >> shift) & 0xf,
        None => (nanoseconds << (CLASSES_PER_DOUBLING_BITS - doublings)) & 0xf,
    };
    let class = u64::from(doublings) * 16 + sixteenths;
    usize::try_from(class)
        .unwrap_or(usize::MAX)
        .min(CLASSES - 1)
}

/// The longest time that belongs to a class.
fn end_of(class: usize) -> Duration {
    let class = u64::try_from(class).unwrap_or_default() + 1;
    let (doublings, sixteenths) = (class / 16, class % 16);
    let nanoseconds = ((16 + u128::from(sixteenths)) << doublings) / 16;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// The time that this share of the calls did not exceed.
fn longest_of(classes: &[u64], calls: u64, share: f64) -> Option<Duration> {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is a count, to within what is told"
    )]
    let wanted = ((calls as f64 * share).ceil() as u64).clamp(1, calls.max(1));
    let mut seen = 0;
    let class = classes.iter().position(|count| {
        seen += count;
        seen >= wanted
    });
    class.filter(|_| calls > 0).map(end_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_within_six_percent() {
        for nanoseconds in [1_u64, 15, 16, 17, 100, 999, 1_000_000, 123_456_789_012] {
            let time = Duration::from_nanos(nanoseconds);
            let told = end_of(class_of(time));
            assert!(told >= time, "{told:?} for {time:?}");
            assert!(
                told.as_secs_f64() <= time.as_secs_f64() * 1.0626 + 2e-9,
                "{told:?} for {time:?}"
            );
        }
        assert_eq!(class_of(Duration::MAX), CLASSES - 1);
    }

    #[test]
    fn calls_are_added_up_from_all_shards() {
        let counters = Counters::new(2);
        assert_eq!(counters.total().p50, None);
        for shard in 0..100 {
            let took = Duration::from_micros(if shard == 0 { 1_000 } else { 10 });
            let result = match shard {
                7 => Err(Error::new(ErrorKind::Trap, "")),
                _ => Ok(()),
            };
            counters.note(shard, took, &result);
        }
        let total = counters.total();
        assert_eq!(total.calls, 100);
        assert_eq!(total.failures, [(ErrorKind::Trap, 1)].into());
        let near = |time: Option<Duration>, micros: u64| {
            let time = time.unwrap_or_default().as_secs_f64();
            let exact = Duration::from_micros(micros).as_secs_f64();
            assert!(time >= exact && time < exact * 1.07, "{time} for {exact}");
        };
        near(total.p50, 10);
        near(total.p99, 10);
        near(total.longest, 1_000);
    }
}
