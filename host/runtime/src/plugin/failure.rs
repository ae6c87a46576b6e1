//! What the caller of a plugin is told when a call fails.

use crate::error::{Error, ErrorKind};
use crate::events::LimitKind;
use crate::exit_status::ExitStatus;
use crate::host::exported::exports::isopod::multiprocessing::functions::CallError;
use crate::limits::{LONGEST_STATUS_BYTES, ProcessLimit, cut};
use crate::process::ProcessState;

/// An instance came to its end in a call.
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

/// The status of an instance whose guest has come to its end in a call. To give more than a message may have is a
/// limit, which is told.
pub(crate) fn status_of(process: &ProcessState, status: ExitStatus) -> ExitStatus {
    match status {
        ExitStatus::Trapped(text) if text.starts_with(TOO_MUCH_DATA) => {
            let text = format!(
                "the plugin gives more in one call than its limit on messages allows; {}",
                process.raised(ProcessLimit::MessageSize)
            );
            process.tell_limit_of_end(LimitKind::MessageSize, &text);
            ExitStatus::Limit(text)
        }
        status => status,
    }
}

/// How wasmtime says that a guest gives more than its fuel for that is worth. The type is not public.
const TOO_MUCH_DATA: &str = "too much data is being copied between the host and the guest";

/// A function gave an error. The guest chooses the text.
pub(crate) fn of_call(error: CallError) -> Error {
    let (kind, text) = match error {
        CallError::UnknownFunction(text) => (ErrorKind::NotFound, text),
        CallError::InvalidInput(text) => (ErrorKind::InvalidInput, text),
        CallError::Failed(text) | CallError::Other(text) => (ErrorKind::FunctionFailed, text),
    };
    Error::new(kind, cut(text, LONGEST_STATUS_BYTES))
}
