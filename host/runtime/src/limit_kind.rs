//! The kinds of limits, each listed once: the list gives a new kind its name, a count of its refusals and
//! a place in the log.

use crate::exit_status::ExitStatus;
use std::fmt;

/// Makes the kinds with their names, and the list of them.
macro_rules! limit_kinds {
    ($($(#[$text:meta])+ $kind:ident = $name:literal,)+) => {
        /// A kind of limit: see [`Limits`](crate::Limits).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum LimitKind {
            $($(#[$text])+ $kind,)+
        }

        impl LimitKind {
            /// All kinds, each at its [index](Self::index).
            pub(super) const ALL: [LimitKind; [$($name),+].len()] = [$(LimitKind::$kind),+];

            /// The name of the kind, in lower case: `cpu-time`.
            ///
            /// ```
            /// assert_eq!(isopod_host::LimitKind::CpuTime.as_str(), "cpu-time");
            /// ```
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(LimitKind::$kind => $name,)+
                }
            }
        }
    };
}

limit_kinds! {
    /// Memory or tables, of the process or of its tree.
    Memory = "memory",
    /// CPU time, of the process or of its tree.
    CpuTime = "cpu-time",
    /// The quota of CPU time of the tree: its processes are paused.
    Cpus = "cpus",
    /// A deadline: of main, of a child, of a job or of a call.
    Deadline = "deadline",
    /// Handles.
    Handles = "handles",
    /// The size of a message.
    MessageSize = "message-size",
    /// The output of the process or its tree.
    Output = "output",
    /// The bytes queued in the tree.
    QueuedBytes = "queued-bytes",
    /// The memory that the host uses for the tree.
    HostMemory = "host-memory",
    /// Processes, of the tree, the engine or the system.
    Processes = "processes",
    /// Jobs of a pool that wait to begin.
    WaitingJobs = "waiting-jobs",
    /// Operations on files that have not returned, of the process, its tree or the engine.
    FileOperations = "file-operations",
    /// Open files, directories and sockets, of the process, its tree or the engine.
    Descriptors = "descriptors",
    /// The bytes that the tree has written to files.
    WrittenBytes = "written-bytes",
    /// Files that the tree has made.
    Files = "files",
    /// The time to compile a program.
    CompileTime = "compile-time",
    /// The memory to compile a program.
    CompileMemory = "compile-memory",
    /// The size of a program, as WebAssembly.
    ProgramSize = "program-size",
    /// The parts of a program: the size of a function, the depth of nested components, the number of instances.
    Program = "program",
    /// A limit that has no kind of its own.
    Other = "other",
}

impl LimitKind {
    /// The number of kinds.
    pub(super) const COUNT: usize = LimitKind::ALL.len();

    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// The limit at which a process ends with this status, if the status names one.
    pub(super) fn of_status(status: &ExitStatus) -> Option<LimitKind> {
        match status {
            ExitStatus::MemoryLimit(_) => Some(LimitKind::Memory),
            ExitStatus::CpuTimeLimit(_) => Some(LimitKind::CpuTime),
            ExitStatus::Deadline(_) => Some(LimitKind::Deadline),
            _ => None,
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn each_kind_is_listed_where_the_log_is_described() {
        let description = concat!(env!("CARGO_MANIFEST_DIR"), "/../../SECURITY.md");
        let description = std::fs::read_to_string(description).unwrap();
        let record = description
            .lines()
            .find(|line| line.starts_with("| `limit` |"));
        for kind in LimitKind::ALL {
            assert!(record.unwrap().contains(&format!("`{kind}`")), "{kind}");
        }
    }
}
