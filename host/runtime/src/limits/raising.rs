//! The advice that tells how to raise a limit of a process. The owner of the limit can raise it: the
//! embedder, whose limits a process has unless its parent has given it lower ones.

use super::ProcessLimits;

/// How to give a call of a plugin more CPU time, and more time.
pub(crate) const OF_CALL_CPU_TIME: &str = "raise it with `Limits::cpu_time` or `--cpu-time`";
pub(crate) const OF_TIMEOUT: &str = "raise it with `Limits::timeout` or `--timeout`";
/// The same for a process whose parent has given it less time.
pub(crate) const OF_CHILD_TIMEOUT: &str =
    "its parent has set it, with `set-timeout` of `process.options`";

/// A limit of a process that its parent can set as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProcessLimit {
    Memory,
    CpuTime,
    Handles,
    MessageSize,
    Output,
    FileOperations,
}

impl ProcessLimit {
    /// The limit's names in the library, on the command line, and in WIT.
    fn names(self) -> [&'static str; 3] {
        match self {
            ProcessLimit::Memory => ["memory", "memory", "memory"],
            ProcessLimit::CpuTime => ["cpu_time", "cpu-time", "cpu-time"],
            ProcessLimit::Handles => ["handles", "max-handles", "handle"],
            ProcessLimit::MessageSize => ["message_size", "max-message", "message"],
            ProcessLimit::Output => ["output", "max-output", "output"],
            ProcessLimit::FileOperations => {
                ["file_operations", "max-file-operations", "file-operation"]
            }
        }
    }

    fn is_the_same(self, own: &ProcessLimits, given: &ProcessLimits) -> bool {
        match self {
            ProcessLimit::Memory => own.memory_bytes == given.memory_bytes,
            ProcessLimit::CpuTime => own.cpu_time == given.cpu_time,
            ProcessLimit::Handles => own.handles == given.handles,
            ProcessLimit::MessageSize => own.message_bytes == given.message_bytes,
            ProcessLimit::Output => own.output_bytes == given.output_bytes,
            ProcessLimit::FileOperations => own.file_operations == given.file_operations,
        }
    }
}

impl ProcessLimits {
    /// How to raise this limit if the embedder has given `given` to the first process of the tree.
    pub(crate) fn raised(&self, limit: ProcessLimit, given: &ProcessLimits) -> String {
        let [library, option, wit] = limit.names();
        match limit.is_the_same(self, given) {
            true => format!("raise it with `Limits::{library}` or `--{option}`"),
            false => {
                format!("its parent has set it, with `set-{wit}-limit` of `process.options`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_set_a_limit_is_named() {
        let given = ProcessLimits::default();
        let own = ProcessLimits {
            message_bytes: 5,
            ..given
        };
        assert_eq!(
            own.raised(ProcessLimit::MessageSize, &given),
            "its parent has set it, with `set-message-limit` of `process.options`"
        );
        assert_eq!(
            own.raised(ProcessLimit::FileOperations, &given),
            "raise it with `Limits::file_operations` or `--max-file-operations`"
        );
    }
}
