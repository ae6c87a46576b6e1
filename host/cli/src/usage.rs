//! Bad usage, help and the version: clap's answers in place of parsed arguments.
//!
//! Bad usage is printed in the form of all other errors. Its hint names the help of the command that was used, which
//! comes from clap's own tree of commands.

use crate::args::Cli;
use crate::exit_code;
use crate::printer::Printer;
use crate::report::Report;
use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// Prints clap's answer to these words of the command line, and returns the exit code.
pub(crate) fn print(error: &clap::Error, words: impl IntoIterator<Item = OsString>) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed standard output is no error: the reader has seen enough.
            let _ = error.print();
            0
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            exit_code::OWN_ERROR
        }
        _ => {
            Printer::new(false, false).error(&report(error, words));
            exit_code::OWN_ERROR
        }
    }
}

/// Bad usage as a report of one paragraph; clap's own text has several.
fn report(error: &clap::Error, words: impl IntoIterator<Item = OsString>) -> Report {
    let rendered = error.render().to_string();
    let first_paragraph: Vec<&str> = rendered
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .map(str::trim)
        .collect();
    let message = first_paragraph.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let (help, command) = command_of(words);
    let hint = match (suggestion(error), command.get_subcommands().next()) {
        (Some(names), _) => format!("did you mean `{names}`? `{help}` lists all"),
        (None, Some(_)) => format!("`{help}` lists the commands"),
        (None, None) if error.kind() == ErrorKind::UnknownArgument && forwards(&command) => {
            format!("arguments for the program follow `--`; `{help}` lists the options")
        }
        (None, None) => format!("`{help}` lists the arguments and options"),
    };
    Report::new(with_backticks(message)).with_hint(Some(hint))
}

/// The innermost command that these words name, the program's own name first, and the command line that prints its
/// help.
fn command_of(words: impl IntoIterator<Item = OsString>) -> (String, clap::Command) {
    let mut command = Cli::command();
    let mut help = format!("{} help", command.get_name());
    for word in words.into_iter().skip(1) {
        let Some(subcommand) = command.find_subcommand(&word) else {
            break;
        };
        help = format!("{help} {}", subcommand.get_name());
        command = subcommand.clone();
    }
    (help, command)
}

/// Whether a command takes arguments for a program after `--`.
fn forwards(command: &clap::Command) -> bool {
    let mut positionals = command.get_positionals();
    positionals.any(clap::Arg::is_last_set)
}

/// The names that clap takes for the intended ones.
fn suggestion(error: &clap::Error) -> Option<String> {
    let kinds = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ];
    match kinds.into_iter().find_map(|kind| error.get(kind))? {
        ContextValue::String(name) => Some(name.clone()),
        ContextValue::Strings(names) if !names.is_empty() => Some(names.join("` or `")),
        _ => None,
    }
}

/// The text with its quotes as backticks, but for apostrophes: a quote opens after a space or at
/// the start, and closes before anything but a letter.
fn with_backticks(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let mut is_open = false;
    let mut characters = text.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        let opens = !is_open && before == ' ';
        let closes = is_open && !characters.peek().is_some_and(|next| next.is_alphanumeric());
        if character == '\'' && (opens || closes) {
            is_open = opens;
            output.push('`');
        } else {
            output.push(character);
        }
        before = character;
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn usage(words: &[&str]) -> Option<Report> {
        let error = Cli::try_parse_from(words).err()?;
        Some(report(&error, words.iter().map(OsString::from)))
    }

    fn hint(words: &[&str]) -> Option<String> {
        usage(words)?.hint().map(str::to_owned)
    }

    #[test]
    fn apostrophes_stay() {
        assert_eq!(
            with_backticks("value 'it's' for '--dir': the host's, ''"),
            "value `it's` for `--dir`: the host's, ``"
        );
    }

    #[test]
    fn bad_usage_is_one_paragraph() {
        let report = usage(&["isopod", "run", "x.wasm", "--memory", "much"]);
        assert_eq!(
            report.as_ref().map(Report::message),
            Some(
                "invalid value `much` for `--memory <SIZE>`: \
                 a size looks like `256MiB`, `1.5GB` or `65536`"
            )
        );
        let report = usage(&["isopod", "run", "x.wasm", "3"]);
        assert_eq!(
            report.as_ref().map(Report::message),
            Some("unexpected argument `3` found")
        );
    }

    #[test]
    fn the_hint_names_the_help_of_the_command() {
        for (words, expected) in [
            (
                &["isopod", "run", "x.wasm", "--memry", "1"][..],
                "did you mean `--memory`? `isopod help run` lists all",
            ),
            (
                &["isopod", "run", "x.wasm", "3"],
                "arguments for the program follow `--`; `isopod help run` lists the options",
            ),
            (
                &["isopod", "ps", "run"],
                "`isopod help ps` lists the arguments and options",
            ),
            (
                &["isopod", "walk", "run"],
                "`isopod help` lists the commands",
            ),
            (
                &["isopod", "--loud", "run"],
                "`isopod help` lists the commands",
            ),
        ] {
            assert_eq!(hint(words).as_deref(), Some(expected), "{words:?}");
        }
    }

    #[test]
    fn every_command_has_its_hint() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            // A hidden command passes on all that follows.
            if command.is_hide_set() {
                continue;
            }
            let hint = hint(&["isopod", name, "--no-such-option-at-all"]);
            let help = format!("`isopod help {name}`");
            assert!(hint.is_some_and(|hint| hint.contains(&help)), "{name}");
        }
    }
}
