//! Limits on CPU time: of a process, and of a tree.
//!
//! A process has its thread to itself while it lives, but threads are reused. Its CPU time is therefore the
//! advance of the thread's clock since the process began. Operations on files run on other threads, which
//! charge the time that they have used. The timer thread reads the clock at the earliest moment at which the
//! limit can have been reached, and repeats this until it is reached. Processes and trees without a limit
//! cost nothing.
//!
//! Reading a clock needs no descriptor ([`kernel`](crate::machine::kernel)). If a clock cannot be read all
//! the same, the process that it belongs to ends: a limit never lapses before its process ends.

use crate::exit_status::ExitStatus;
use crate::life::{ProcessState, Tree};
use crate::limits::ProcessLimit;
use crate::machine::kernel::thread_time;
use crate::machine::{Alarm, threads};
use std::sync::Arc;
use std::time::Duration;

/// Pause between two readings of the clock of a process that waits close to its limit.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
/// Longest time that an alarm outlives its process.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Starts the watch over a process, on the process's own thread, if it has a limit. The caller may cancel the
/// alarm when the process ends; otherwise the alarm ends by itself soon after.
pub(crate) fn watch(process: &Arc<ProcessState>) -> Option<Alarm> {
    let limit = process.birth.limits.cpu_time?;
    let thread = threads::current_id();
    let Some(begin) = thread_time(thread) else {
        process.request_end(unreadable());
        return None;
    };
    let weak = Arc::downgrade(process);
    let alarm = process.machinery().timer.after(pause(limit), move || {
        let process = weak.upgrade()?;
        // No other process can have this thread before the status of this one is published.
        let used = thread_time(thread)
            .map(|now| now.saturating_sub(begin) + process.vitals.operations_time());
        if process.status.get().is_some() {
            return None;
        }
        match judge(used, limit, || process.raised(ProcessLimit::CpuTime)) {
            Ok(remaining) => Some(pause(remaining)),
            Err(status) => {
                process.request_end(status);
                None
            }
        }
    });
    Some(alarm)
}

/// Starts the watch over a tree, if it has a limit. The alarm ends with the tree.
pub(crate) fn watch_tree(tree: &Arc<Tree>) {
    let Some(limit) = tree.limits.cpu_time else {
        return;
    };
    // The processes together use the time up no faster than this.
    let cores = u32::try_from(tree.machinery().cores().len())
        .unwrap_or(u32::MAX)
        .max(1);
    let weak = Arc::downgrade(tree);
    let first = pause(limit / cores);
    tree.machinery().timer.after(first, move || {
        let tree = weak.upgrade()?;
        if tree.ended.get().is_some() {
            return None;
        }
        let (used, unreadable_processes) = tree.cpu_time();
        for process in unreadable_processes {
            process.request_end(unreadable());
        }
        if used < limit {
            return Some(pause((limit - used) / cores));
        }
        tree.use_up();
        tree.end_all(&tree_reached(limit));
        // From now on the tree refuses instances of a plugin, and nothing else starts a process.
        None
    });
}

/// The remaining time of a limit. An error is the end of the process: at the limit, or because its clock
/// cannot be read. `raised` gives the advice on how to raise the limit.
pub(crate) fn judge(
    used: Option<Duration>,
    limit: Duration,
    raised: impl FnOnce() -> String,
) -> Result<Duration, ExitStatus> {
    let used = used.ok_or_else(unreadable)?;
    match limit.checked_sub(used) {
        Some(remaining) if !remaining.is_zero() => Ok(remaining),
        _ => Err(reached(limit, &raised())),
    }
}

/// The pause before the next reading of a clock with this much time left.
pub(crate) fn pause(remaining: Duration) -> Duration {
    remaining.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// The end of a process that has used all of its CPU time.
fn reached(limit: Duration, raised: &str) -> ExitStatus {
    ExitStatus::CpuTimeLimit(format!("limit of {limit:?} of CPU time reached; {raised}"))
}

/// The end of each process of a tree that has used all of its CPU time.
fn tree_reached(limit: Duration) -> ExitStatus {
    ExitStatus::CpuTimeLimit(tree_used_up(limit))
}

/// The text about a tree that has used all of its CPU time.
pub(crate) fn tree_used_up(limit: Duration) -> String {
    format!(
        "limit of {limit:?} of CPU time for the whole tree of processes reached; raise it with `Limits::tree_cpu_time` or `--tree-cpu-time`"
    )
}

/// The end of a process whose clock cannot be read.
pub(crate) fn unreadable() -> ExitStatus {
    ExitStatus::Other(
        "the CPU clock of the process's thread cannot be read, so a limit of CPU time cannot be held"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_cannot_be_read_ends_what_it_watches() {
        let limit = Duration::from_secs(1);
        let left = Duration::from_millis(400);
        let raised = || "raise it".to_owned();
        assert_eq!(judge(Some(limit - left), limit, raised), Ok(left));
        let reached = reached(limit, "raise it");
        assert_eq!(judge(Some(limit), limit, raised), Err(reached));
        assert_eq!(judge(None, limit, raised), Err(unreadable()));
    }
}
