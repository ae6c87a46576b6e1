//! The limits of CPU time: of a process, and of a tree.
//!
//! A process has its thread to itself, so its CPU time is the advance of the thread's clock since the
//! process began: threads are reused. Operations on files run on other threads, which charge what they have used. The timer thread looks at the clock when the limit can have
//! been reached at the earliest, and again until it is. Processes and trees without a limit cost nothing.
//!
//! Reading a clock needs no descriptor ([`kernel`](crate::machine::kernel)). If a clock cannot be read all the
//! same, the process that it belongs to ends: a limit never ends before the process that it holds for.

use crate::exit_status::ExitStatus;
use crate::life::{ProcessState, Tree};
use crate::limits::ProcessLimit;
use crate::machine::kernel::thread_time;
use crate::machine::{Alarm, threads};
use std::sync::Arc;
use std::time::Duration;

/// A process that waits close to its limit is looked at this often.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
/// An alarm outlives its process by no more than this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Begins to watch a process, on its own thread, if it has a limit. The alarm may be cancelled at
/// its end; it ends by itself soon after.
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
        // Before its status is published no other process can have its thread.
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

/// Begins to watch a tree, if it has a limit. The alarm ends with the tree.
pub(crate) fn watch_tree(tree: &Arc<Tree>) {
    let Some(limit) = tree.limits.cpu_time else {
        return;
    };
    // As fast as the processes can use the time up together.
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
        // Instances of a plugin are refused from now on, and nothing else starts a process.
        None
    });
}

/// What is left of a limit, or how the process ends: at the limit, and if its clock cannot be read. `raised` says how
/// the limit is raised.
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

/// How long until a clock with so much left is looked at again.
pub(crate) fn pause(remaining: Duration) -> Duration {
    remaining.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// How a process ends that has used all of its CPU time.
fn reached(limit: Duration, raised: &str) -> ExitStatus {
    ExitStatus::CpuTimeLimit(format!("limit of {limit:?} of CPU time reached; {raised}"))
}

/// How each process ends whose tree has used all of its CPU time.
fn tree_reached(limit: Duration) -> ExitStatus {
    ExitStatus::CpuTimeLimit(tree_used_up(limit))
}

/// The text about a tree that has used all of its CPU time.
pub(crate) fn tree_used_up(limit: Duration) -> String {
    format!(
        "limit of {limit:?} of CPU time for the whole tree of processes reached; raise it with `Limits::tree_cpu_time` or `--tree-cpu-time`"
    )
}

/// How a process ends whose clock cannot be read.
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
