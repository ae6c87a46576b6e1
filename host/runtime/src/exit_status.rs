//! How a process ended, with the exit codes of CPython where CPython has a rule.

use isopod_text::Lines;
use std::fmt;

/// How a process ended.
///
/// ```
/// use isopod_host::ExitStatus;
/// assert!(ExitStatus::Exited(0).success());
/// assert_eq!(ExitStatus::Terminated.code(), -15);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitStatus {
    /// It ran to its end, or chose this exit code.
    Exited(i32),
    /// An uncaught error, or a panic: its message.
    Failed(String),
    /// Ended by `terminate`.
    Terminated,
    /// Ended by `kill`.
    Killed,
    /// A WebAssembly trap: its kind and the guest's backtrace.
    Trapped(String),
    /// Ended at its memory limit.
    MemoryLimit(String),
    /// Ended at its limit of CPU time.
    CpuTimeLimit(String),
    /// Ended at its deadline.
    Deadline(String),
    /// Ended at another limit.
    Limit(String),
    /// Ended because it took part in a deadlock.
    Deadlock(String),
    /// Ended in any other way.
    Other(String),
}

impl ExitStatus {
    /// Whether the process ended in order, with exit code 0.
    pub fn success(&self) -> bool {
        *self == ExitStatus::Exited(0)
    }

    /// The exit code as Python's `Process.exitcode` gives it: the program's own, 1 for an uncaught
    /// error, -15 for terminated, -9 for killed. The cases that CPython does not know are -9 too, since
    /// the process had no choice, except a trap: -6, as for an abort.
    pub fn code(&self) -> i32 {
        match self {
            ExitStatus::Exited(code) => *code,
            ExitStatus::Failed(_) => 1,
            ExitStatus::Terminated => -15,
            ExitStatus::Trapped(_) => -6,
            ExitStatus::Killed
            | ExitStatus::MemoryLimit(_)
            | ExitStatus::CpuTimeLimit(_)
            | ExitStatus::Deadline(_)
            | ExitStatus::Limit(_)
            | ExitStatus::Deadlock(_)
            | ExitStatus::Other(_) => -9,
        }
    }

    /// The name of the case, as WIT spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            ExitStatus::Exited(_) => "exited",
            ExitStatus::Failed(_) => "failed",
            ExitStatus::Terminated => "terminated",
            ExitStatus::Killed => "killed",
            ExitStatus::Trapped(_) => "trapped",
            ExitStatus::MemoryLimit(_) => "memory-limit",
            ExitStatus::CpuTimeLimit(_) => "cpu-time-limit",
            ExitStatus::Deadline(_) => "deadline",
            ExitStatus::Limit(_) => "limit",
            ExitStatus::Deadlock(_) => "deadlock",
            ExitStatus::Other(_) => "other",
        }
    }

    /// The text that belongs to the case, where it has one.
    pub fn message(&self) -> Option<&str> {
        match self {
            ExitStatus::Exited(_) | ExitStatus::Terminated | ExitStatus::Killed => None,
            ExitStatus::Failed(text)
            | ExitStatus::Trapped(text)
            | ExitStatus::MemoryLimit(text)
            | ExitStatus::CpuTimeLimit(text)
            | ExitStatus::Deadline(text)
            | ExitStatus::Limit(text)
            | ExitStatus::Deadlock(text)
            | ExitStatus::Other(text) => Some(text),
        }
    }

    /// Whether the guest ended by itself: then the host waits for its children.
    pub(crate) fn is_normal(&self) -> bool {
        matches!(self, ExitStatus::Exited(_) | ExitStatus::Failed(_))
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitStatus::Exited(code) => write!(formatter, "exit code {code}"),
            ExitStatus::Failed(text) => write!(formatter, "failed: {}", Lines(text)),
            ExitStatus::Terminated => formatter.write_str("terminated"),
            ExitStatus::Killed => formatter.write_str("killed"),
            ExitStatus::Trapped(text) => write!(formatter, "trapped: {}", Lines(text)),
            ExitStatus::MemoryLimit(text)
            | ExitStatus::CpuTimeLimit(text)
            | ExitStatus::Deadline(text)
            | ExitStatus::Limit(text)
            | ExitStatus::Deadlock(text)
            | ExitStatus::Other(text) => write!(formatter, "{}", Lines(text)),
        }
    }
}
