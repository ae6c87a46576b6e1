//! A deadlock, as it is reported.

use super::wait::Wait;
use isopod_sync::ProcessId;
use isopod_text::Line;
use std::fmt;

/// How many processes the text of a report describes; more are counted.
const DESCRIBED_PROCESSES: usize = 20;

/// What is done about a deadlock.
///
/// ```no_run
/// # fn example(program: &isopod_host::Program) -> isopod_host::Result<()> {
/// use isopod_host::{Command, OnDeadlock};
/// let process = Command::new(program).on_deadlock(OnDeadlock::End).spawn()?;
/// process.join_tree();
/// if let Some(deadlock) = process.deadlock() {
///     eprintln!("{deadlock}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDeadlock {
    /// It is told on the tree's standard error and in the log, and the processes wait on.
    #[default]
    Report,
    /// The tree is ended with [`ExitStatus::Deadlock`]. The report is main's message; that of each other
    /// process says what it waited for, and its [`CrashReport`](crate::CrashReport) where.
    End,
    /// Nothing, and nobody looks for one.
    Ignore,
}

/// Processes that wait for each other without a time-out, so that none of them will ever go on. From
/// [`Process::deadlock`](crate::Process::deadlock).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlock {
    /// Them, oldest first, 1,000 at most. Some may only wait for others of them.
    pub processes: Vec<Deadlocked>,
    /// How many more there are.
    pub more_processes: usize,
}

/// A process that takes part in a deadlock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlocked {
    /// The process.
    pub process: ProcessId,
    /// Its name.
    pub name: String,
    /// What it waits for.
    pub wait: Wait,
}

impl fmt::Display for Deadlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.processes.len().saturating_add(self.more_processes);
        match count {
            1 => formatter.write_str("deadlock: a process waits for itself")?,
            count => write!(formatter, "deadlock: {count} processes wait for each other")?,
        }
        for Deadlocked {
            process,
            name,
            wait,
        } in self.processes.iter().take(DESCRIBED_PROCESSES)
        {
            write!(formatter, "\n  `{}` (id {process}) {wait}", Line(name))?;
        }
        match count.saturating_sub(DESCRIBED_PROCESSES) {
            0 => Ok(()),
            more => write!(formatter, "\n  and {more} more"),
        }
    }
}
