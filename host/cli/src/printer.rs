//! The one place that writes to standard error and standard output.
//!
//! Each text goes out as one write, so that output of the program does not tear it. Text from a program is escaped
//! ([`isopod_text`]), and no write waits for ever for a reader of standard error ([`output`]).
//! Colours only where the stream is a terminal that wants them (`NO_COLOR`, `TERM=dumb` and
//! `CLICOLOR_FORCE` are respected). A stream that cannot be written to is no error: there is
//! no other place to report it.

use crate::output;
use crate::report::Report;
use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::{AnsiColor, Style};
use isopod_text::Lines;
use std::fmt::Write as _;
use std::io::Write as _;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const CAUSE: Style = AnsiColor::Red.on_default();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const PROGRESS: Style = AnsiColor::Green.on_default();

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Errors and warnings only.
    Quiet,
    /// Results and progress too.
    Normal,
    /// Details too.
    Verbose,
}

/// Prints for users; see the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    level: Level,
    colour: bool,
}

impl Printer {
    /// A printer for this much output. `quiet` wins.
    pub(crate) fn new(quiet: bool, verbose: bool) -> Printer {
        let level = match (quiet, verbose) {
            (true, _) => Level::Quiet,
            (false, true) => Level::Verbose,
            (false, false) => Level::Normal,
        };
        let colour = AutoStream::choice(&std::io::stderr()) != ColorChoice::Never;
        Printer { level, colour }
    }

    /// The result of a command, to standard output; nothing when quiet.
    pub(crate) fn result(&self, text: &str) {
        if self.level != Level::Quiet {
            let _ = std::io::stdout().write_all(shown(text).as_bytes());
        }
    }

    /// A step that takes time; nothing when quiet.
    pub(crate) fn progress(&self, text: &str) {
        if self.level != Level::Quiet {
            output::print(&self.labelled(PROGRESS, "isopod", text));
        }
    }

    /// A detail, only with `-v`.
    pub(crate) fn detail(&self, label: &str, text: &str) {
        if self.level == Level::Verbose {
            output::print(&self.labelled(PROGRESS, label, text));
        }
    }

    /// A problem that isopod has worked around.
    pub(crate) fn warning(&self, text: &str) {
        output::print(&self.labelled(WARNING, "warning", text));
    }

    /// A table that the user has requested.
    pub(crate) fn table(&self, table: &str) {
        output::print(&shown(table));
    }

    /// An error, as one paragraph: `error:`, then a line for each `cause:`, then the `hint:`.
    pub(crate) fn error(&self, report: &Report) {
        let mut paragraph = self.labelled(ERROR, "error", report.message());
        for cause in report.causes() {
            paragraph.push_str(&self.labelled(CAUSE, "cause", cause));
        }
        if let Some(hint) = report.hint() {
            paragraph.push_str(&self.labelled(HINT, "hint", hint));
        }
        output::print(&paragraph);
    }

    /// `label: text`, with a line break at the end and further lines of the text indented.
    fn labelled(&self, style: Style, label: &str, text: &str) -> String {
        let mut output = String::new();
        let _ = match self.colour {
            true => write!(output, "{style}{label}{style:#}: "),
            false => write!(output, "{label}: "),
        };
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        for (index, line) in lines.enumerate() {
            if index > 0 {
                output.push_str("\n  ");
            }
            // A `String` takes all.
            let _ = write!(output, "{}", Lines(line));
        }
        output.push('\n');
        output
    }
}

/// The text with a line break at its end and without hidden characters: file names, panics and backtraces of a program
/// must not control the terminal.
fn shown(text: &str) -> String {
    match text.strip_suffix('\n').unwrap_or(text) {
        "" => String::new(),
        text => format!("{}\n", Lines(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printer(colour: bool) -> Printer {
        Printer {
            level: Level::Normal,
            colour,
        }
    }

    #[test]
    fn a_text_of_several_lines_stays_one_paragraph() {
        let text =
            printer(false).labelled(CAUSE, "cause", "unreachable\n\n  0: main\n  1: start\n");
        assert_eq!(text, "cause: unreachable\n    0: main\n    1: start\n");
    }

    #[test]
    fn colours_only_when_wanted() {
        let text = printer(true).labelled(HINT, "hint", "x");
        assert_eq!(text, "\u{1b}[1m\u{1b}[36mhint\u{1b}[0m: x\n");
        assert_eq!(printer(false).labelled(HINT, "hint", "x"), "hint: x\n");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(shown("a\u{1b}[2J\tb\rc\n"), "a\\u{1b}[2J\tb\\rc\n");
        assert_eq!(shown("\u{202e}a\n"), "\\u{202e}a\n");
        assert_eq!(shown(""), "");
    }
}
