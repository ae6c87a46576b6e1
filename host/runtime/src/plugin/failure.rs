//! The error for the caller of a plugin when a call fails.

use crate::error::{Error, ErrorKind};
use crate::exit_status::ExitStatus;
use crate::life::ProcessState;
use crate::limit_kind::LimitKind;
use crate::limits::{LONGEST_STATUS_BYTES, ProcessLimit, bytes, cut};
use crate::multiprocessing::exported::exports::isopod::multiprocessing::functions::CallError;

/// The error for an instance that ended in a call.
pub(crate) fn of_status(status: ExitStatus) -> Error {
    let (kind, text) = match status {
        ExitStatus::Exited(code) => (
            ErrorKind::Exited,
            format!("the plugin ended its instance with exit code {code}"),
        ),
        ExitStatus::Failed(text) => (ErrorKind::Panicked, text),
        ExitStatus::Terminated | ExitStatus::Killed => {
            (ErrorKind::Terminated, "the call was terminated".to_owned())
        }
        ExitStatus::Trapped(text) => (ErrorKind::Trap, text),
        ExitStatus::MemoryLimit(text) => (ErrorKind::MemoryLimit, text),
        ExitStatus::CpuTimeLimit(text) => (ErrorKind::CpuTimeLimit, text),
        ExitStatus::Deadline(text) => (ErrorKind::Deadline, text),
        ExitStatus::Limit(text) | ExitStatus::Deadlock(text) => (ErrorKind::LimitExceeded, text),
        ExitStatus::Other(text) => (ErrorKind::Engine, text),
    };
    Error::new(kind, text)
}

/// The status of an instance whose guest has ended in a call. Output above the limit on messages is reported
/// as that limit.
pub(crate) fn status_of(process: &ProcessState, status: ExitStatus) -> ExitStatus {
    match status {
        ExitStatus::Trapped(text) if text.starts_with(TOO_MUCH_DATA) => {
            let (limit, text) = limit_of_results(process);
            process.tell_limit_of_end(limit, &text);
            ExitStatus::Limit(text)
        }
        status => status,
    }
}

/// The limit that a plugin has reached if its results are too large: see [`new_store`](crate::guest::new_store).
fn limit_of_results(process: &ProcessState) -> (LimitKind, String) {
    let message_bytes = process.birth.limits.message_bytes;
    let host_bytes = process.tree.objects.host_bytes_limit();
    // What a call may give is more than a message, but never more than the host's memory for the tree.
    match host_bytes <= message_bytes {
        true => (
            LimitKind::HostMemory,
            format!(
                "the plugin gives more in one call than the limit of {} on the memory that the host uses for its tree; raise it with `Limits::tree_host_memory` or `--tree-host-memory`",
                bytes(host_bytes)
            ),
        ),
        false => (
            LimitKind::MessageSize,
            format!(
                "the plugin gives more in one call than its limit of {} on messages allows; {}",
                bytes(message_bytes),
                process.raised(ProcessLimit::MessageSize)
            ),
        ),
    }
}

/// Wasmtime's message when a guest passes more data than its fuel for copies allows. Wasmtime keeps the
/// error's type private.
const TOO_MUCH_DATA: &str = "too much data is being copied between the host and the guest";

/// The error for a function that returned one. The guest chooses the text.
pub(crate) fn of_call(error: CallError) -> Error {
    let (kind, text) = match error {
        CallError::UnknownFunction(text) => (ErrorKind::NotFound, text),
        CallError::InvalidInput(text) => (ErrorKind::InvalidInput, text),
        CallError::Failed(text) | CallError::Other(text) => (ErrorKind::FunctionFailed, text),
    };
    Error::new(kind, cut(text, LONGEST_STATUS_BYTES))
}
