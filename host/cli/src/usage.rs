//! What clap answers instead of a command line: help, the version, and bad usage, which is told in
//! the form of all other errors.

use crate::exit_code;
use crate::printer::Printer;
use crate::report::Report;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Prints help and version as clap has them; an error, and help that nobody asked for, as bad
/// usage.
pub(crate) fn tell(error: &clap::Error) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed standard output is no error: whoever reads has seen enough.
            let _ = error.print();
            0
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            exit_code::OWN_ERROR
        }
        _ => {
            Printer::new(false, false).error(&Report::from(error));
            exit_code::OWN_ERROR
        }
    }
}

impl From<&clap::Error> for Report {
    /// Bad usage in the form of all other errors: clap's own has several paragraphs.
    fn from(error: &clap::Error) -> Report {
        let rendered = error.render().to_string();
        let first_paragraph: Vec<&str> = rendered
            .lines()
            .take_while(|line| !line.trim().is_empty())
            .map(str::trim)
            .collect();
        let message = first_paragraph.join(" ");
        let message = message.strip_prefix("error: ").unwrap_or(&message);
        let suggestion = [
            ContextKind::SuggestedSubcommand,
            ContextKind::SuggestedArg,
            ContextKind::SuggestedValue,
        ]
        .into_iter()
        .find_map(|kind| error.get(kind));
        // Where the usage is what went wrong, clap shows it, and with it the subcommand.
        let commands = [
            "run ", "build ", "call ", "inspect ", "compile ", "ps ", "new ", "",
        ];
        let help = commands.into_iter().find_map(|name| {
            let usage = format!("Usage: isopod {name}");
            let help = format!("isopod help {name}");
            rendered.contains(&usage).then(|| help.trim().to_owned())
        });
        let hint = match (suggestion, help) {
            (Some(ContextValue::String(name)), _) => Some(format!("there is `{name}`")),
            (Some(ContextValue::Strings(names)), _) if !names.is_empty() => {
                Some(format!("there is `{}`", names.join("`, `")))
            }
            (_, Some(help))
                if error.kind() == ErrorKind::UnknownArgument && help.ends_with("run") =>
            {
                Some(format!(
                    "arguments for the program follow `--`; `{help}` lists the options"
                ))
            }
            (_, Some(help)) => Some(format!("`{help}` lists what there is")),
            (_, None) => None,
        };
        Report::new(with_backticks(message)).with_hint(hint)
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
    use crate::args::Cli;
    use clap::Parser as _;

    fn usage(words: &[&str]) -> Option<Report> {
        Cli::try_parse_from(words)
            .err()
            .map(|error| Report::from(&error))
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
        let report = usage(&["isopod", "run", "x.wasm", "--memry", "1"]);
        assert_eq!(
            report.as_ref().and_then(Report::hint),
            Some("there is `--memory`")
        );
        let report = usage(&["isopod", "run", "x.wasm", "3"]);
        assert_eq!(
            report.as_ref().map(Report::message),
            Some("unexpected argument `3` found")
        );
        assert!(report.is_some_and(|report| {
            report
                .hint()
                .is_some_and(|hint| hint.contains("follow `--`"))
        }));
    }
}
