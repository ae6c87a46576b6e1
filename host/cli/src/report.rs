//! The report of an error: the message, its causes, and an optional hint.
//!
//! Errors travel as [`anyhow::Error`]; [`with_hint`] puts a hint beside one. Hints for errors of
//! the library are chosen here by their kind, since only the command line knows its options.

use isopod_host::ErrorKind;
use std::fmt;

/// An error as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl Report {
    /// A report of this message, without causes or a hint.
    pub(crate) fn new(message: impl Into<String>) -> Report {
        Report {
            message: message.into(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// Adds a cause, unless the previous line contains it already.
    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Report {
        let cause = cause.into();
        let said = self.causes.last().unwrap_or(&self.message);
        if !said.contains(cause.as_str()) {
            self.causes.push(cause);
        }
        self
    }

    /// Sets the hint.
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Report {
        self.hint = hint;
        self
    }

    /// The message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The causes, from the outermost to the innermost.
    pub(crate) fn causes(&self) -> &[String] {
        &self.causes
    }

    /// The remedy.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Message and causes in one text.
    pub(crate) fn text(&self) -> String {
        let mut text = self.message.clone();
        for cause in &self.causes {
            text.push_str(": ");
            text.push_str(cause);
        }
        text
    }
}

impl From<&anyhow::Error> for Report {
    fn from(error: &anyhow::Error) -> Report {
        let mut chain = error.chain().map(ToString::to_string);
        let report = Report::new(chain.next().unwrap_or_default());
        let report = chain.fold(report, Report::cause);
        if let Some(hinted) = error.downcast_ref::<Hinted>() {
            return report.with_hint(Some(hinted.hint.clone()));
        }
        if let Some(build) = find::<isopod_build::Error>(error) {
            let report = match build.cause() {
                Some(cause) => report.cause(cause),
                None => report,
            };
            return report.with_hint(build.hint().map(str::to_owned));
        }
        let hint = find::<isopod_host::Error>(error).and_then(|host| hint_for(host.kind()));
        report.with_hint(hint)
    }
}

/// The error of this type in the chain of causes.
fn find<E: std::error::Error + 'static>(error: &anyhow::Error) -> Option<&E> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// An error with its remedy.
#[derive(Debug)]
struct Hinted {
    message: String,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// An error with this message and this hint.
pub(crate) fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Hinted {
        message: message.into(),
        hint: hint.into(),
    })
}

fn hint_for(kind: ErrorKind) -> Option<String> {
    let hint = match kind {
        ErrorKind::InvalidCores => {
            "`--cores` takes a list like `0-3,6`; without it, isopod uses all usable cores"
        }
        ErrorKind::NotWasm => {
            "give a WebAssembly file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn causes_are_listed_once_each() {
        let inner = std::io::Error::other("disk on fire");
        let error = anyhow::Error::new(inner)
            .context("cannot read `x`: disk on fire")
            .context("cannot run `x`");
        let report = Report::from(&error);
        assert_eq!(report.message(), "cannot run `x`");
        assert_eq!(report.causes(), ["cannot read `x`: disk on fire"]);
        assert_eq!(
            report.text(),
            "cannot run `x`: cannot read `x`: disk on fire"
        );
        assert_eq!(report.hint(), None);
    }

    #[test]
    fn a_hint_is_found_below_other_contexts() {
        let error: anyhow::Result<()> = Err(with_hint("no", "try `yes`"));
        let report = Report::from(&error.context("outer").unwrap_err());
        assert_eq!(report.message(), "outer");
        assert_eq!(report.causes(), ["no"]);
        assert_eq!(report.hint(), Some("try `yes`"));
    }
}
