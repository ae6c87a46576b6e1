//! How a process ended.

use crate::Error;
use crate::bindings::types::ExitStatus as WitExitStatus;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a process ended. Later versions may add more variants.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExitStatus {
    /// The process ran to its end, or chose this exit code. 0 is success.
    Exited(i32),
    /// The process panicked, or its task returned an error: the text.
    Failed(String),
    /// [`terminate`](crate::Process::terminate) ended the process.
    Terminated,
    /// [`kill`](crate::Process::kill) ended the process.
    Killed,
    /// The process trapped: the kind and backtrace of the WebAssembly trap.
    Trapped(String),
    /// The process reached its memory limit: the value and the limit.
    MemoryLimit(String),
    /// The process reached its limit of CPU time: the limit.
    CpuTimeLimit(String),
    /// The process reached its deadline: the text.
    Deadline(String),
    /// The process reached another limit: the value and the limit.
    Limit(String),
    /// The process took part in a deadlock: the report.
    Deadlock(String),
    /// Any other end, as a text for people.
    Other(String),
}

impl ExitStatus {
    /// Whether the process ran to its end with the exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        matches!(self, ExitStatus::Exited(0))
    }

    /// Python's `exitcode`, as on a Unix system: the code that the process chose, modulo 256, or
    ///
    /// | how it ended | code | the signal of that number |
    /// |---|---|---|
    /// | [`Failed`](Self::Failed): a panic or an error | 1 | |
    /// | [`Trapped`](Self::Trapped) | -6 | `SIGABRT` |
    /// | [`Killed`](Self::Killed) | -9 | `SIGKILL` |
    /// | [`MemoryLimit`](Self::MemoryLimit), as when memory runs out | -9 | `SIGKILL` |
    /// | [`Deadline`](Self::Deadline) | -14 | `SIGALRM` |
    /// | [`Terminated`](Self::Terminated) | -15 | `SIGTERM` |
    /// | [`CpuTimeLimit`](Self::CpuTimeLimit) | -24 | `SIGXCPU` |
    /// | [`Limit`](Self::Limit), [`Deadlock`](Self::Deadlock), [`Other`](Self::Other) | -9 | `SIGKILL` |
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            ExitStatus::Exited(code) => *code,
            ExitStatus::Failed(_) => 1,
            ExitStatus::Terminated => -15,
            ExitStatus::Trapped(_) => -6,
            ExitStatus::Deadline(_) => -14,
            ExitStatus::CpuTimeLimit(_) => -24,
            ExitStatus::Killed
            | ExitStatus::MemoryLimit(_)
            | ExitStatus::Limit(_)
            | ExitStatus::Deadlock(_)
            | ExitStatus::Other(_) => -9,
        }
    }

    /// `Ok` for success, else an error with this status and its text.
    ///
    /// # Errors
    /// [`ErrorKind::ProcessFailed`](crate::ErrorKind::ProcessFailed).
    pub fn ok(self) -> Result<(), Error> {
        if self.success() {
            Ok(())
        } else {
            Err(Error::process_failed("the process", self))
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, text) = match self {
            ExitStatus::Exited(code) => return write!(formatter, "exited with code {code}"),
            ExitStatus::Terminated => return formatter.write_str("was terminated"),
            ExitStatus::Killed => return formatter.write_str("was killed"),
            ExitStatus::Failed(text) => ("failed", text),
            ExitStatus::Trapped(text) => ("trapped", text),
            // These texts name the reached limit themselves.
            ExitStatus::MemoryLimit(text)
            | ExitStatus::CpuTimeLimit(text)
            | ExitStatus::Deadline(text)
            | ExitStatus::Limit(text)
            | ExitStatus::Deadlock(text)
            | ExitStatus::Other(text) => ("was ended", text),
        };
        if text.is_empty() {
            formatter.write_str(what)
        } else {
            write!(formatter, "{what}: {text}")
        }
    }
}

impl From<WitExitStatus> for ExitStatus {
    fn from(status: WitExitStatus) -> ExitStatus {
        match status {
            WitExitStatus::Exited(code) => ExitStatus::Exited(code),
            WitExitStatus::Failed(text) => ExitStatus::Failed(text),
            WitExitStatus::Terminated => ExitStatus::Terminated,
            WitExitStatus::Killed => ExitStatus::Killed,
            WitExitStatus::Trapped(text) => ExitStatus::Trapped(text),
            WitExitStatus::MemoryLimit(text) => ExitStatus::MemoryLimit(text),
            WitExitStatus::CpuTimeLimit(text) => ExitStatus::CpuTimeLimit(text),
            WitExitStatus::Deadline(text) => ExitStatus::Deadline(text),
            WitExitStatus::Limit(text) => ExitStatus::Limit(text),
            WitExitStatus::Deadlock(text) => ExitStatus::Deadlock(text),
            WitExitStatus::Other(text) => ExitStatus::Other(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn codes_are_those_of_python() {
        assert_eq!(ExitStatus::Exited(3).code(), 3);
        assert_eq!(ExitStatus::Failed(String::new()).code(), 1);
        assert_eq!(ExitStatus::Terminated.code(), -15);
        assert_eq!(ExitStatus::Killed.code(), -9);
        assert_eq!(ExitStatus::Trapped("unreachable".to_owned()).code(), -6);
        assert_eq!(ExitStatus::MemoryLimit(String::new()).code(), -9);
        assert_eq!(ExitStatus::Deadline(String::new()).code(), -14);
        assert_eq!(ExitStatus::CpuTimeLimit(String::new()).code(), -24);
    }

    #[test]
    fn only_code_0_is_success() {
        assert!(ExitStatus::Exited(0).ok().is_ok());
        let error = ExitStatus::Terminated.ok().expect_err("not a success");
        assert_eq!(error.kind(), ErrorKind::ProcessFailed);
        assert_eq!(error.to_string(), "the process was terminated");
    }
}
