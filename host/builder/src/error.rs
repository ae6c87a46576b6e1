//! The error of this crate: one line, with a cause and a hint beside it.

use std::fmt;

/// The reason why a build failed.
///
/// Its text is one line. [`cause`](Error::cause) may have several, such as the output of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    text: String,
    cause: Option<String>,
    hint: Option<String>,
}

/// The step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source is missing or unreadable, or it cannot be built.
    Source,
    /// The cache directory is unknown or cannot be written.
    Cache,
    /// There is no compiler with a WebAssembly target, and none was installed.
    Toolchain,
    /// The dependencies cannot be resolved or downloaded.
    Dependencies,
    /// The crate does not compile. The compiler has printed the reason to standard error.
    Compile,
    /// The compiled module cannot be turned into a component.
    Componentize,
    /// The source needs something that a confined build may not do, or the kernel cannot confine builds: see
    /// [`Options::trust`](crate::Options::trust).
    Confinement,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error {
            kind,
            text: text.into(),
            cause: None,
            hint: None,
        }
    }

    pub(crate) fn because(mut self, cause: impl fmt::Display) -> Error {
        self.cause = Some(cause.to_string());
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// The step that failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The details of the failure, if they are known; may have several lines.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// A remedy, if one is known; may have several lines.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
