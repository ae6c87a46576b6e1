//! Copies cargo's messages, line by line, to our own standard error, except for one warning.
//!
//! If the standard library is built, cargo also resolves that workspace with the same patches, and warns at
//! every build that `isopod` is not used there. That is true, but no user needs it.

use crate::{Error, tool};
use std::io::{self, BufRead, Write};

/// The warning, which is one line, and the help that follows on several lines.
const WARNING: &str = "patch `isopod ";
const WARNING_END: &str = "was not used in the crate graph";
const HELP: &str = "Check that the patched package version";

/// The system's message for a refused access, as compilers repeat it.
const REFUSED: &str = "Permission denied";

/// The messages for exhausted memory: of Rust, of C++, and of the system.
const NO_MEMORY: [&str; 4] = [
    "memory allocation of ",
    "std::bad_alloc",
    "out of memory",
    "Cannot allocate memory",
];

/// The facts that the lines reveal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The compiler, or a program that it ran, was refused a file.
    pub(crate) refusal: bool,
    /// One of them ran out of memory.
    pub(crate) memory: bool,
    /// A warning was copied.
    pub(crate) warning: bool,
}

impl Told {
    /// Adds a hint to the error of a confined build, if the lines explain the error.
    pub(crate) fn explain(self, error: Error) -> Error {
        match self {
            Told { memory: true, .. } => error.with_hint(
                "each process of a build has a limit of memory, which `--build-memory` raises, or `Supervisor::memory_bytes`",
            ),
            Told { refusal: true, .. } => error.with_hint(
                "a build reads its source and the compiler only; a file elsewhere is refused: \
                 `--read-source DIR` lets it read a directory",
            ),
            _ => error,
        }
    }
}

/// Copies all lines except the warning, each as it comes.
pub(crate) fn forward(mut from: impl BufRead, to: &mut impl Write) -> io::Result<Told> {
    let mut line = Vec::new();
    let (mut in_warning, mut told) = (false, Told::default());
    while tool::next_line(&mut from, &mut line)? {
        let text = String::from_utf8_lossy(&line);
        in_warning = (text.contains(WARNING) && text.contains(WARNING_END))
            || (in_warning && (text.contains(HELP) || is_help(&text)));
        told.refusal |= text.contains(REFUSED);
        told.memory |= NO_MEMORY.iter().any(|words| text.contains(words));
        if !in_warning {
            told.warning |= text.contains("warning");
            to.write_all(&line)?;
        }
    }
    Ok(told)
}

/// Whether a line continues the help: it is indented by six spaces and begins with a small letter. The steps
/// of cargo, such as `   Compiling`, are indented too, but begin with a capital.
fn is_help(line: &str) -> bool {
    line.strip_prefix("      ")
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_lowercase()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn forwarded(text: &str) -> String {
        let mut output = Vec::new();
        let told = forward(text.as_bytes(), &mut output).unwrap();
        let output = String::from_utf8(output).unwrap();
        let warning = output.contains("warning");
        assert_eq!(
            told,
            Told {
                warning,
                ..Told::default()
            }
        );
        output
    }

    #[test]
    fn a_refused_access_is_noticed() {
        let text = "error: couldn't read `/etc/passwd`: Permission denied (os error 13)\n";
        let mut output = Vec::new();
        assert!(forward(text.as_bytes(), &mut output).unwrap().refusal);
        assert_eq!(output, text.as_bytes());
    }

    #[test]
    fn only_the_warning_goes() {
        let warning = "warning: patch `isopod v0.1.0 (/a/b)` was not used in the crate graph\n\
                       help: Check that the patched package version and available features\n      \
                       with the dependency requirements.\n      version.\n";
        let before = "   Compiling other v1.0.0\n";
        let after = "   Compiling hello v1.0.0\nwarning: unused variable\n      --> a.rs\nend";
        let all = format!("{before}{warning}{after}");
        assert_eq!(forwarded(&all), format!("{before}{after}"));
        let coloured =
            "\u{1b}[33mwarning\u{1b}[0m: patch `isopod v0.1.0` was not used in the crate graph\n";
        assert_eq!(forwarded(coloured), "");
        let other = "warning: patch `other v1.0.0` was not used in the crate graph\n";
        assert_eq!(forwarded(other), other);
    }
}
