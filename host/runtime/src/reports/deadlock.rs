//! The report on a deadlock.

use super::wait::Wait;
use isopod_sync::ProcessId;
use isopod_text::Line;
use std::fmt;

/// The most processes that the text of a report describes; it counts the others.
const DESCRIBED_PROCESSES: usize = 20;

/// The host's reaction to a deadlock.
///
/// ```no_run
/// # fn example(program: &isopod_host::Program) -> isopod_host::Result<()> {
/// use isopod_host::Command;
/// use isopod_host::inspect::OnDeadlock;
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
    /// The host reports it on the tree's standard error and in the log. The processes keep waiting.
    #[default]
    Report,
    /// The host ends the tree with [`ExitStatus::Deadlock`](crate::ExitStatus::Deadlock). Main's message is
    /// the report. The message of each other process describes its wait, and its
    /// [`CrashReport`](crate::inspect::CrashReport) shows where it waited.
    End,
    /// The host does nothing, and does not look for deadlocks.
    Ignore,
}

/// Processes that wait for each other without a timeout, so that none of them will ever continue. From
/// [`Process::deadlock`](crate::Process::deadlock).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlock {
    /// The processes, oldest first, at most 1,000. Some may only wait for others in the list.
    pub processes: Vec<Deadlocked>,
    /// How many more processes there are.
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
    /// Its wait.
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
