//! The one error type of this crate.

use crate::ExitStatus;
use crate::bindings::types::ErrorCode;
use std::fmt;

/// The reason why a call failed. A failed call has changed nothing, unless its documentation says otherwise.
///
/// Its text is one line without a final period. `Debug` gives the same text, so that an error
/// which `main` returns reads well.
pub struct Error {
    kind: ErrorKind,
    // The details are boxed, so that the common errors without a text, such as `Empty`, neither allocate nor
    // make results large.
    detail: Option<Box<Detail>>,
}

/// The result of a call that can fail with an [`Error`]; of `main`, as a rule.
///
/// ```no_run
/// #[isopod::main]
/// fn main() -> isopod::Result<()> {
///     isopod::Queue::new()?.put(&7)
/// }
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What some errors carry beyond their kind.
struct Detail {
    text: String,
    exit_status: Option<ExitStatus>,
    bytes: Option<Vec<u8>>,
}

/// The kinds of [`Error`]. Later versions may add more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The timeout of a join, a wait, a `send` or a `recv` passed. Python: `multiprocessing.TimeoutError`, or
    /// a `False` or `None`.
    TimedOut,
    /// The queue was empty, and the call did not wait, or its timeout passed. Python: `queue.Empty`.
    Empty,
    /// The queue was full, and the call did not wait, or its timeout passed. Python: `queue.Full`.
    Full,
    /// The object was closed. Python: `ValueError`, or `OSError` for a connection.
    Closed,
    /// The other end of the pipe is gone and nothing is left to read. Python: `EOFError`.
    EndOfFile,
    /// The other end of the pipe is gone, so no process can read the message. Python: `BrokenPipeError`.
    BrokenPipe,
    /// This end of a one-way pipe only receives. Python: `OSError`.
    ReadOnly,
    /// This end of a one-way pipe only sends. Python: `OSError`.
    WriteOnly,
    /// The object was released more often than acquired. Python: `ValueError`.
    NotHeld,
    /// The caller does not own the object that it releases. Python: `AssertionError`.
    NotOwner,
    /// The buffer of `recv_bytes_into` is too short for the message: [`Error::bytes`] has it. Python:
    /// `BufferTooShort`, whose argument is the message.
    BufferTooShort,
    /// The barrier is broken: a party timed out, ended, or broke it. Python: `BrokenBarrierError`.
    BrokenBarrier,
    /// The handle belongs to an object of another kind.
    WrongKind,
    /// The process is the caller's parent, not its child, so the caller cannot end it. Python:
    /// `AssertionError`.
    NotAChild,
    /// [`Process::close`](crate::Process::close) of a process that has not ended. Python: `ValueError`.
    StillRunning,
    /// A value is out of its range. Python: `ValueError`, or `IndexError` for a list.
    InvalidArgument,
    /// The message is larger than the object accepts, or than the limit of `recv_bytes_max`; in the second
    /// case, [`Error::bytes`] has it.
    MessageTooLarge,
    /// A limit of the process or of its tree is reached.
    LimitExceeded,
    /// The policy does not allow the call. Python: `PermissionError`.
    AccessDenied,
    /// A spawn by a program whose main function is not marked with `#[isopod::main]`. Python:
    /// the `RuntimeError` about `if __name__ == "__main__"`.
    NoEntry,
    /// No object has this name. Python: `FileNotFoundError`, or `AttributeError` for a namespace.
    NotFound,
    /// Another object has the name. Python: `FileExistsError`.
    AlreadyExists,
    /// A value cannot be encoded as a message. Python: `PicklingError`.
    Encode,
    /// A message is not a value of the expected type. Python: `UnpicklingError`.
    Decode,
    /// A joined process did not succeed: [`Error::exit_status`] tells how it ended. Python: a non-zero
    /// `exitcode`.
    ProcessFailed,
    /// The pool accepts no more jobs: it was closed or terminated. Python: `ValueError: Pool not running`.
    PoolNotRunning,
    /// The joined pool was neither closed nor terminated. Python: `ValueError: Pool is still running`.
    PoolStillRunning,
    /// The pool cannot start workers: its initializer fails, or the workers end before they take a job. The
    /// text is the report of the last worker. Python has no such error, and starts workers forever.
    PoolBroken,
    /// The worker that had begun the job ended before the job did: it was killed, trapped, chose an exit
    /// code, or reached a limit; [`ExitStatus::Deadline`] means that the job exceeded its time limit.
    /// [`Error::exit_status`] tells how the worker ended. In Python such a job never ends;
    /// `concurrent.futures` has `BrokenProcessPool`.
    WorkerLost,
    /// The task of the job returned an error, whose text this has; or its arguments or its value could not be
    /// decoded or encoded. Python: the exception itself, or `MaybeEncodingError`.
    TaskFailed,
    /// The task of the job panicked: the text is the message and place of the panic. Python: the
    /// exception itself.
    TaskPanicked,
    /// The job was never begun: its pool was terminated, or another job of the same fail-fast batch has
    /// failed. In Python such a job never ends.
    Cancelled,
    /// Any other reason, which the text names.
    Other,
}

impl Error {
    /// The kind of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The exit status of the process that the error concerns; only with [`ErrorKind::ProcessFailed`] and
    /// [`ErrorKind::WorkerLost`].
    #[must_use]
    pub fn exit_status(&self) -> Option<&ExitStatus> {
        self.detail.as_ref()?.exit_status.as_ref()
    }

    /// The message that was received but did not fit, so that it is not lost: only with
    /// [`ErrorKind::BufferTooShort`], and [`ErrorKind::MessageTooLarge`] of `recv_bytes_max`. Python:
    /// `BufferTooShort.args[0]`.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        self.detail.as_ref()?.bytes.as_deref()
    }

    pub(crate) fn new(kind: ErrorKind) -> Error {
        Error { kind, detail: None }
    }

    pub(crate) fn with_text(kind: ErrorKind, text: impl Into<String>) -> Error {
        let detail = Detail {
            text: text.into(),
            exit_status: None,
            bytes: None,
        };
        Error {
            kind,
            detail: Some(Box::new(detail)),
        }
    }

    /// An error about a message that was received.
    pub(crate) fn with_bytes(kind: ErrorKind, text: String, bytes: Vec<u8>) -> Error {
        let detail = Detail {
            text,
            exit_status: None,
            bytes: Some(bytes),
        };
        Error {
            kind,
            detail: Some(Box::new(detail)),
        }
    }

    /// The error for `process` (a name, or words) that ended with `exit_status`.
    pub(crate) fn process_failed(process: &str, exit_status: ExitStatus) -> Error {
        Error::of_process(ErrorKind::ProcessFailed, process, exit_status)
    }

    /// The error for a job whose worker ended with `exit_status` before the job did.
    pub(crate) fn worker_lost(exit_status: ExitStatus) -> Error {
        Error::of_process(ErrorKind::WorkerLost, "the worker of the job", exit_status)
    }

    fn of_process(kind: ErrorKind, process: &str, exit_status: ExitStatus) -> Error {
        // The text is one line: the status has a trap's backtrace, which was printed when the process ended.
        let status = exit_status.to_string();
        let status = match &exit_status {
            ExitStatus::Trapped(_) => status.lines().next().unwrap_or_default(),
            _ => &status,
        };
        let text = format!("{process} {status}");
        let detail = Detail {
            text,
            exit_status: Some(exit_status),
            bytes: None,
        };
        Error {
            kind,
            detail: Some(Box::new(detail)),
        }
    }
}

impl ErrorKind {
    /// The text of errors of this kind that have no text of their own.
    fn text(self) -> &'static str {
        match self {
            ErrorKind::TimedOut => "the timeout passed",
            ErrorKind::Empty => "nothing to take: it is empty",
            ErrorKind::Full => "no room: it is full",
            ErrorKind::Closed => "it is closed",
            ErrorKind::EndOfFile => "end of file: the other end of the pipe is gone",
            ErrorKind::BrokenPipe => "broken pipe: the other end is gone",
            ErrorKind::ReadOnly => "this end of the pipe only receives",
            ErrorKind::WriteOnly => "this end of the pipe only sends",
            ErrorKind::NotHeld => "released more often than acquired",
            ErrorKind::NotOwner => "the lock is not this process's",
            ErrorKind::BufferTooShort => "the buffer is too short for the message",
            ErrorKind::BrokenBarrier => "the barrier is broken",
            ErrorKind::WrongKind => "the handle belongs to an object of another kind",
            ErrorKind::NotAChild => "the process is not a child of this one",
            ErrorKind::StillRunning => "the process has not ended",
            ErrorKind::InvalidArgument => "a value is out of its range",
            ErrorKind::MessageTooLarge => "the message is too large",
            ErrorKind::LimitExceeded => "a limit is reached",
            ErrorKind::AccessDenied => "the policy does not allow it",
            ErrorKind::NoEntry => "the main function is not marked with `#[isopod::main]`",
            ErrorKind::NotFound => "nothing has this name",
            ErrorKind::AlreadyExists => "the name is taken",
            ErrorKind::Encode => "the value cannot be made a message",
            ErrorKind::Decode => "the message is not of the expected type",
            ErrorKind::ProcessFailed => "the process failed",
            ErrorKind::PoolNotRunning => "the pool is not running",
            ErrorKind::PoolStillRunning => "the pool is still running: close or terminate it first",
            ErrorKind::PoolBroken => "the pool cannot start workers",
            ErrorKind::WorkerLost => "the worker of the job ended before the job did",
            ErrorKind::TaskFailed => "the task failed",
            ErrorKind::TaskPanicked => "the task panicked",
            ErrorKind::Cancelled => "the job was cancelled",
            ErrorKind::Other => "the call failed",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) if !detail.text.is_empty() => formatter.write_str(&detail.text),
            _ => formatter.write_str(self.kind.text()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Error {}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Error {
        let (kind, text) = match code {
            ErrorCode::TimedOut => return Error::new(ErrorKind::TimedOut),
            ErrorCode::Empty => return Error::new(ErrorKind::Empty),
            ErrorCode::Full => return Error::new(ErrorKind::Full),
            ErrorCode::Closed => return Error::new(ErrorKind::Closed),
            ErrorCode::EndOfFile => return Error::new(ErrorKind::EndOfFile),
            ErrorCode::BrokenPipe => return Error::new(ErrorKind::BrokenPipe),
            ErrorCode::ReadOnly => return Error::new(ErrorKind::ReadOnly),
            ErrorCode::WriteOnly => return Error::new(ErrorKind::WriteOnly),
            ErrorCode::NotHeld => return Error::new(ErrorKind::NotHeld),
            ErrorCode::NotOwner => return Error::new(ErrorKind::NotOwner),
            ErrorCode::BufferTooShort => return Error::new(ErrorKind::BufferTooShort),
            ErrorCode::BrokenBarrier => return Error::new(ErrorKind::BrokenBarrier),
            ErrorCode::WrongKind => return Error::new(ErrorKind::WrongKind),
            ErrorCode::NotAChild => return Error::new(ErrorKind::NotAChild),
            ErrorCode::StillRunning => return Error::new(ErrorKind::StillRunning),
            ErrorCode::PoolNotRunning => return Error::new(ErrorKind::PoolNotRunning),
            ErrorCode::PoolStillRunning => return Error::new(ErrorKind::PoolStillRunning),
            ErrorCode::InvalidArgument(text) => (ErrorKind::InvalidArgument, text),
            ErrorCode::MessageTooLarge(text) => (ErrorKind::MessageTooLarge, text),
            ErrorCode::LimitExceeded(text) => (ErrorKind::LimitExceeded, text),
            ErrorCode::AccessDenied(text) => (ErrorKind::AccessDenied, text),
            ErrorCode::NoEntry(text) => (ErrorKind::NoEntry, text),
            ErrorCode::NotFound(text) => (ErrorKind::NotFound, text),
            ErrorCode::AlreadyExists(text) => (ErrorKind::AlreadyExists, text),
            ErrorCode::Other(text) => (ErrorKind::Other, text),
            ErrorCode::PoolBroken(text) => (ErrorKind::PoolBroken, text),
            ErrorCode::WorkerLost(text) => (ErrorKind::WorkerLost, text),
            ErrorCode::TaskPanicked(text) => (ErrorKind::TaskPanicked, text),
        };
        Error::with_text(kind, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_one_line_in_both_formats() {
        let error = Error::from(ErrorCode::Empty);
        assert_eq!(error.kind(), ErrorKind::Empty);
        assert_eq!(format!("{error}"), "nothing to take: it is empty");
        assert_eq!(format!("{error:?}"), format!("{error}"));
        let error = Error::from(ErrorCode::LimitExceeded(
            "9 is above the limit of 8".to_owned(),
        ));
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert_eq!(error.to_string(), "9 is above the limit of 8");
    }

    #[test]
    fn a_failed_process_is_named_with_its_message() {
        let status = ExitStatus::Failed("panicked at src/main.rs:10:5: boom".to_owned());
        let error = Error::process_failed("process `Process-1`", status.clone());
        assert_eq!(
            error.to_string(),
            "process `Process-1` failed: panicked at src/main.rs:10:5: boom"
        );
        assert_eq!(error.exit_status(), Some(&status));
        let error = Error::process_failed("process `a`", ExitStatus::Exited(3));
        assert_eq!(error.to_string(), "process `a` exited with code 3");
    }

    #[test]
    fn a_lost_worker_is_told_with_its_status() {
        let error = Error::worker_lost(ExitStatus::Trapped("unreachable\n  0: boom".to_owned()));
        assert_eq!(error.kind(), ErrorKind::WorkerLost);
        assert_eq!(
            error.to_string(),
            "the worker of the job trapped: unreachable"
        );
        assert_eq!(error.exit_status().map(ExitStatus::code), Some(-6));
    }

    #[test]
    fn results_stay_small() {
        assert!(size_of::<Result<(), Error>>() <= 2 * size_of::<usize>());
    }
}
