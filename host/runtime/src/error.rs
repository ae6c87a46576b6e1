//! The one error type of this crate: opaque, with a kind to match on and a chain of causes.
//!
//! A process that fails is not an error here: it is an [`ExitStatus`](crate::ExitStatus).

use crate::limit_kind::LimitKind;
use isopod_text::Lines;
use std::error::Error as StdError;
use std::fmt;

/// The kind of an error, to match on. The text of the [`Error`] names the value and the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file or its directory does not exist.
    NotFound,
    /// Reading or writing failed for another reason; the cause is the system's.
    Io,
    /// The bytes are no WebAssembly module or component.
    NotWasm,
    /// It is WebAssembly, but not a program: malformed, too large, or without an entry.
    InvalidProgram,
    /// The program imports something that the host does not provide.
    UnknownImport,
    /// A core was named that this operating-system process may not use.
    InvalidCores,
    /// A setting or an argument is out of its range.
    InvalidArgument,
    /// A limit was reached; the text names it and how to raise it.
    LimitExceeded,
    /// The policy does not allow it.
    AccessDenied,
    /// The engine could not be set up on this machine; or an error of the host itself, which its log
    /// describes.
    Engine,
    /// The input does not fit a plugin's function; the text says how.
    InvalidInput,
    /// A plugin's function returned an error: its text.
    FunctionFailed,
    /// A call of a plugin was ended, or not begun, because its time had passed.
    Deadline,
    /// A call of a plugin was ended at its limit of CPU time, or nothing could begin because the tree's
    /// limit is used up.
    CpuTimeLimit,
    /// A call of a plugin ended at the limit of memory.
    MemoryLimit,
    /// A call of a plugin trapped, or its result breaks the rules of components.
    Trap,
    /// A call of a plugin panicked, or ended its instance with an error of its own.
    Panicked,
    /// A call of a plugin ended its instance, with an exit code.
    Exited,
    /// A call of a plugin was ended by a [`Terminator`](crate::Terminator).
    Terminated,
    /// The queue of calls that wait for a plugin is full.
    QueueFull,
}

impl ErrorKind {
    /// All kinds, to count by kind.
    pub(crate) const ALL: [ErrorKind; 20] = [
        ErrorKind::NotFound,
        ErrorKind::Io,
        ErrorKind::NotWasm,
        ErrorKind::InvalidProgram,
        ErrorKind::UnknownImport,
        ErrorKind::InvalidCores,
        ErrorKind::InvalidArgument,
        ErrorKind::LimitExceeded,
        ErrorKind::AccessDenied,
        ErrorKind::Engine,
        ErrorKind::InvalidInput,
        ErrorKind::FunctionFailed,
        ErrorKind::Deadline,
        ErrorKind::CpuTimeLimit,
        ErrorKind::MemoryLimit,
        ErrorKind::Trap,
        ErrorKind::Panicked,
        ErrorKind::Exited,
        ErrorKind::Terminated,
        ErrorKind::QueueFull,
    ];

    /// The name of the kind, in lower case: `deadline`, `memory-limit`.
    ///
    /// ```
    /// assert_eq!(isopod_host::ErrorKind::MemoryLimit.as_str(), "memory-limit");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "not-found",
            ErrorKind::Io => "io",
            ErrorKind::NotWasm => "not-wasm",
            ErrorKind::InvalidProgram => "invalid-program",
            ErrorKind::UnknownImport => "unknown-import",
            ErrorKind::InvalidCores => "invalid-cores",
            ErrorKind::InvalidArgument => "invalid-argument",
            ErrorKind::LimitExceeded => "limit-exceeded",
            ErrorKind::AccessDenied => "access-denied",
            ErrorKind::Engine => "engine",
            ErrorKind::InvalidInput => "invalid-input",
            ErrorKind::FunctionFailed => "function-failed",
            ErrorKind::Deadline => "deadline",
            ErrorKind::CpuTimeLimit => "cpu-time-limit",
            ErrorKind::MemoryLimit => "memory-limit",
            ErrorKind::Trap => "trap",
            ErrorKind::Panicked => "panicked",
            ErrorKind::Exited => "exited",
            ErrorKind::Terminated => "terminated",
            ErrorKind::QueueFull => "queue-full",
        }
    }
}

/// The error of a call of this crate.
///
/// `Display` is one sentence without a final period; [`source`](StdError::source) walks the causes.
///
/// ```
/// use isopod_host::{Engine, ErrorKind};
/// let error = Engine::builder().max_processes(0).build().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidArgument);
/// assert_eq!(error.to_string(), "the largest number of processes is 0; it must be at least 1");
/// ```
pub struct Error {
    kind: ErrorKind,
    message: String,
    /// The limit that refused, if it was one of a process's.
    limit: Option<LimitKind>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of the calls of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
            limit: None,
            cause: None,
        }
    }

    /// The error of a limit that refuses a process, or a request of a process.
    pub(crate) fn at_limit(limit: LimitKind, message: impl Into<String>) -> Error {
        let kind = match limit {
            LimitKind::Memory => ErrorKind::MemoryLimit,
            LimitKind::CpuTime => ErrorKind::CpuTimeLimit,
            _ => ErrorKind::LimitExceeded,
        };
        Error {
            limit: Some(limit),
            ..Error::new(kind, message)
        }
    }

    /// The kind of the limit that was reached, where one was.
    ///
    /// ```
    /// use isopod_host::{Engine, LimitKind, Program};
    /// use isopod_host::code::CompileLimits;
    /// let engine = Engine::builder().compile_limits(CompileLimits::default().program_bytes(4)).build()?;
    /// let error = Program::from_bytes(&engine, "empty", b"\0asm\x01\0\0\0").unwrap_err();
    /// assert_eq!(error.limit(), Some(LimitKind::ProgramSize));
    /// # Ok::<(), isopod_host::Error>(())
    /// ```
    pub fn limit(&self) -> Option<LimitKind> {
        self.limit
    }

    pub(crate) fn with_cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.cause = Some(cause.into());
        self
    }

    /// The kind of the error, to match on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", Lines(&self.message))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {self}", self.kind)?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(formatter, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause
            .as_deref()
            .map(|cause| cause as &(dyn StdError + 'static))
    }
}
