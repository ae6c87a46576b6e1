//! The exit codes of `isopod`: the end of a program as one byte.

use crate::at_limit;
use isopod_host::{ErrorKind, ExitStatus};

/// An uncaught error, or a panic.
const FAILED: u8 = 1;
/// The program took part in a deadlock.
const DEADLOCK: u8 = 120;
/// The memory limit.
const MEMORY_LIMIT: u8 = 121;
/// The limit of CPU time.
const CPU_TIME_LIMIT: u8 = 122;
/// Any other limit.
const OTHER_LIMIT: u8 = 123;
/// The timeout; the same code as of `timeout(1)`.
const DEADLINE: u8 = 124;
/// An error of isopod itself, including bad usage; also an end without a code of its own.
pub(crate) const OWN_ERROR: u8 = 125;
/// A trap: 128 + SIGABRT, as for an abort in a shell.
const TRAP: u8 = 134;
/// 128 + SIGKILL.
const KILLED: u8 = 137;
/// 128 + SIGTERM.
const TERMINATED: u8 = 143;

/// The exit code for a program whose main process ended with this status.
///
/// The program's own code keeps its low byte, as for any process of the system.
pub(crate) fn of(status: &ExitStatus) -> u8 {
    match status {
        ExitStatus::Exited(code) => code.to_le_bytes()[0],
        ExitStatus::Failed(_) => FAILED,
        ExitStatus::Terminated => TERMINATED,
        ExitStatus::Killed => KILLED,
        ExitStatus::Trapped(_) => TRAP,
        ExitStatus::MemoryLimit(_) => MEMORY_LIMIT,
        ExitStatus::CpuTimeLimit(_) => CPU_TIME_LIMIT,
        ExitStatus::Limit(_) => OTHER_LIMIT,
        ExitStatus::Deadline(_) => DEADLINE,
        ExitStatus::Deadlock(_) => DEADLOCK,
        _ => OWN_ERROR,
    }
}

/// The exit code for a failed call of a plugin.
pub(crate) fn of_call(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::FunctionFailed
        | ErrorKind::InvalidInput
        | ErrorKind::Panicked
        | ErrorKind::Exited => FAILED,
        ErrorKind::MemoryLimit => MEMORY_LIMIT,
        ErrorKind::CpuTimeLimit => CPU_TIME_LIMIT,
        ErrorKind::LimitExceeded => OTHER_LIMIT,
        ErrorKind::Deadline => DEADLINE,
        ErrorKind::Trap => TRAP,
        ErrorKind::Terminated => TERMINATED,
        _ => OWN_ERROR,
    }
}

/// The exit code for an error before a program runs: a reached limit, or an error of isopod itself.
pub(crate) fn of_error(error: &anyhow::Error) -> u8 {
    let host = error.chain().find_map(|cause| cause.downcast_ref());
    match host.map(isopod_host::Error::kind) {
        Some(
            kind @ (ErrorKind::MemoryLimit
            | ErrorKind::CpuTimeLimit
            | ErrorKind::LimitExceeded
            | ErrorKind::Deadline),
        ) => of_call(kind),
        _ => match at_limit::limit_of(error) {
            Some(_) => OTHER_LIMIT,
            None => OWN_ERROR,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_end_has_its_code() {
        let text = || "text".to_owned();
        for (status, code) in [
            (ExitStatus::Failed(text()), 1),
            (ExitStatus::Deadlock(text()), 120),
            (ExitStatus::MemoryLimit(text()), 121),
            (ExitStatus::CpuTimeLimit(text()), 122),
            (ExitStatus::Limit(text()), 123),
            (ExitStatus::Deadline(text()), 124),
            (ExitStatus::Other(text()), 125),
            (ExitStatus::Trapped(text()), 134),
            (ExitStatus::Killed, 137),
            (ExitStatus::Terminated, 143),
        ] {
            assert_eq!(of(&status), code, "{status:?}");
        }
    }

    proptest! {
        #[test]
        fn the_programs_own_code_keeps_its_low_byte(code in any::<i32>()) {
            prop_assert_eq!(i32::from(of(&ExitStatus::Exited(code))), code & 255);
        }
    }
}
