//! The limit of a process's CPU time.
//!
//! A process has its thread to itself, so its CPU time is what the thread's clock has gone since the
//! process began: threads are reused. The timer thread looks at the clock when the limit can have
//! been reached at the earliest, and again until it is. Processes without a limit cost nothing.
//!
//! The clock is read from `/proc`, since the kernel's call for another thread's clock cannot be made
//! without `unsafe`. It is as exact as the scheduler's tick: 1 to 10 ms.

use crate::exit_status::ExitStatus;
use crate::process::ProcessState;
use crate::threads;
use crate::timer::Alarm;
use rustix::thread::Pid;
use std::sync::Arc;
use std::time::Duration;

/// A process that waits close to its limit is looked at this often.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
/// An alarm outlives its process by no more than this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Begins to watch a process, on its own thread, if it has a limit. The alarm may be cancelled at
/// its end; it ends by itself soon after.
pub(crate) fn watch(process: &Arc<ProcessState>) -> Option<Alarm> {
    let limit = process.limits.cpu_time?;
    let thread = threads::current_id();
    let Some(begin) = thread_time(thread) else {
        process.request_end(ExitStatus::Other(
            "the CPU time of a thread cannot be read from `/proc`, so its limit cannot be held"
                .to_owned(),
        ));
        return None;
    };
    let weak = Arc::downgrade(process);
    let alarm = process.engine().timer().after(pause(limit), move || {
        let process = weak.upgrade()?;
        // Before its status is published no other process can have its thread.
        let used = thread_time(thread)?.saturating_sub(begin);
        if process.status.get().is_some() {
            return None;
        }
        if used < limit {
            return Some(pause(limit - used));
        }
        process.request_end(reached(limit));
        None
    });
    Some(alarm)
}

/// How long until a clock with so much left is looked at again.
pub(crate) fn pause(remaining: Duration) -> Duration {
    remaining.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// How who has used all of its CPU time ends.
pub(crate) fn reached(limit: Duration) -> ExitStatus {
    ExitStatus::CpuTimeLimit(format!("limit of {limit:?} of CPU time reached"))
}

/// The CPU time of a thread of this operating-system process; none if it cannot be read.
pub(crate) fn thread_time(thread: Pid) -> Option<Duration> {
    let directory = format!("/proc/self/task/{}", thread.as_raw_nonzero());
    match std::fs::read_to_string(format!("{directory}/schedstat")) {
        Ok(text) => nanoseconds(&text),
        // A kernel without scheduler statistics has the time in ticks all the same.
        Err(_) => ticks(&std::fs::read_to_string(format!("{directory}/stat")).ok()?),
    }
}

/// The first number of `schedstat`: nanoseconds on a core.
fn nanoseconds(schedstat: &str) -> Option<Duration> {
    let first = schedstat.split_ascii_whitespace().next()?;
    Some(Duration::from_nanos(first.parse().ok()?))
}

/// User and system time of `stat`, which Linux gives in hundredths of a second on all machines.
fn ticks(stat: &str) -> Option<Duration> {
    const MILLISECONDS_PER_TICK: u64 = 10;
    // The thread's name comes before, in parentheses, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let ticks = user.checked_add(system)?;
    Some(Duration::from_millis(
        ticks.checked_mul(MILLISECONDS_PER_TICK)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::time::Instant;

    #[test]
    fn both_files_are_understood() {
        assert_eq!(
            nanoseconds("1500000 20 3\n"),
            Some(Duration::from_micros(1500))
        );
        assert_eq!(nanoseconds(""), None);
        let stat = "7 (a) b) R 1 1 1 0 -1 4194304 1 0 0 0 12 3 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Some(Duration::from_millis(150)));
        assert_eq!(ticks("7 (a) R 1"), None);
    }

    #[test]
    fn the_clock_of_a_busy_thread_goes() {
        let thread = threads::current_id();
        let begin = thread_time(thread);
        let start = Instant::now();
        while thread_time(thread) <= begin {
            black_box(0_u64);
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "the clock stands"
            );
        }
        assert!(begin.is_some());
    }
}
