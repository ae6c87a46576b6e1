//! The quota of a tree: the CPU time that all its processes together may use in each second.
//!
//! A tree has an account that fills as time passes, up to the income of one [period](PERIOD). The timer
//! thread charges the CPU time of the processes to it. When it is empty, they are paused at their
//! [gates](crate::machine::gate). They go on when it holds a quarter of a period's income again. Use beyond
//! the account, such as by a host call that cannot be paused, leaves a debt that is paid back, so the average
//! holds.
//!
//! The clocks are read at the earliest moment at which the account can be empty, which is [1 ms](SHORTEST_PAUSE) away at
//! least.

use super::cpu_time;
use crate::life::Tree;
use crate::limit_kind::LimitKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The largest saving: after a time without use, a tree may use the income of this time at once.
const PERIOD: Duration = Duration::from_millis(100);

/// The shortest pause between two readings of the clocks.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// Starts to hold a tree to its quota, if it has one. The alarm ends with the tree.
pub(crate) fn watch(tree: &Arc<Tree>) {
    let Some(per_second) = tree.limits.cpus else {
        return;
    };
    let cores = u32::try_from(tree.machinery().cores().len()).unwrap_or(u32::MAX);
    let mut account = Account::new(per_second, Instant::now());
    let weak = Arc::downgrade(tree);
    let first = account.next_look(cores, true);
    tree.machinery().timer.after(first, move || {
        let tree = weak.upgrade()?;
        if tree.ended.get().is_some() {
            return None;
        }
        let (used, unreadable) = tree.cpu_time();
        for process in unreadable {
            process.request_end(cpu_time::unreadable());
        }
        let was_empty = account.is_empty;
        account.settle(Instant::now(), used);
        if account.is_empty && !was_empty {
            tell(&tree, per_second);
        }
        let is_paused = tree.throttle(account.is_empty);
        Some(account.next_look(cores, is_paused))
    });
}

/// Tells the oldest process of the tree that it is paused with the others.
fn tell(tree: &Tree, per_second: Duration) {
    if let Some(process) = tree.oldest() {
        let text = format!(
            "quota of {per_second:?} of CPU time in each second for the whole tree of processes used up, so they are paused; raise it with `Limits::cpus` or `--cpus`"
        );
        process.tell_refusal(LimitKind::Cpus, &text);
    }
}

/// The CPU time that a tree may still use, in nanoseconds.
#[derive(Debug)]
struct Account {
    /// Income in each second, in nanoseconds.
    per_second: i128,
    /// Below zero if the tree has used more than there was.
    balance: i128,
    is_empty: bool,
    used_before: Duration,
    settled: Instant,
}

impl Account {
    fn new(per_second: Duration, now: Instant) -> Account {
        let per_second = nanoseconds(per_second);
        Account {
            per_second,
            balance: of_time(per_second, PERIOD),
            is_empty: false,
            used_before: Duration::ZERO,
            settled: now,
        }
    }

    /// Adds the income since the last time and subtracts the use since then. `used` is the use in all.
    fn settle(&mut self, now: Instant, used: Duration) {
        let since = now.saturating_duration_since(self.settled);
        let more = used.saturating_sub(self.used_before);
        let sum = self.balance + of_time(self.per_second, since) - nanoseconds(more);
        self.balance = sum.min(of_time(self.per_second, PERIOD));
        self.settled = now;
        // The clocks are read one after the other; the sum must never go backwards.
        self.used_before = self.used_before.max(used);
        self.is_empty = match self.is_empty {
            true => self.balance < self.enough(),
            false => self.balance <= 0,
        };
    }

    /// The balance with which a paused tree goes on.
    fn enough(&self) -> i128 {
        of_time(self.per_second, PERIOD / 4)
    }

    /// How long until the balance is enough again, or until this number of cores can have emptied it at the
    /// earliest.
    fn next_look(&self, cores: u32, is_paused: bool) -> Duration {
        let wait = match self.is_empty {
            // Some of its processes have not reached their gates.
            true if !is_paused => 0,
            true => (self.enough() - self.balance) * 1_000_000_000 / self.per_second.max(1),
            false => self.balance / i128::from(cores.max(1)),
        };
        let wait = Duration::from_nanos(u64::try_from(wait).unwrap_or_default());
        wait.clamp(SHORTEST_PAUSE, PERIOD)
    }
}

fn nanoseconds(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

/// The income of this time.
fn of_time(per_second: i128, time: Duration) -> i128 {
    // Times are at most a century, so this does not overflow.
    per_second.saturating_mul(nanoseconds(time)) / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn what_is_used_on_average_is_the_quota_whatever_the_looks_find() {
        let begin = Instant::now();
        // A third of a core, wanted by four threads, each of which stops 3 ms after the order.
        let mut account = Account::new(Duration::from_millis(333), begin);
        let (mut now, mut used, mut told) = (begin, Duration::ZERO, 0);
        while now < begin + Duration::from_secs(20) {
            let look = account.next_look(4, told > 3);
            let mut passed = Duration::ZERO;
            while passed < look {
                passed += MILLISECOND;
                told = if account.is_empty { told + 1 } else { 0 };
                if told <= 3 {
                    used += MILLISECOND * 4;
                }
            }
            now += passed;
            account.settle(now, used);
        }
        let share = used.as_secs_f64() / now.duration_since(begin).as_secs_f64();
        assert!((0.31..0.36).contains(&share), "{share}");
    }

    #[test]
    fn only_a_period_is_saved_up() {
        let begin = Instant::now();
        let mut account = Account::new(Duration::from_millis(500), begin);
        let later = begin + Duration::from_secs(3600);
        account.settle(later, Duration::ZERO);
        assert!(!account.is_empty);
        account.settle(later, Duration::from_millis(50));
        assert!(account.is_empty);
        assert_eq!(account.next_look(1, true), Duration::from_millis(25));
        assert_eq!(account.next_look(1, false), SHORTEST_PAUSE);
    }
}
