//! The options of the output of isopod itself.

use clap::Args;
use std::path::PathBuf;

/// The file that a command writes.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// Write the result to FILE [default: NAME.wasm or NAME.cwasm in the current directory].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// The format of a result.
#[derive(Debug, Args)]
pub(crate) struct FormatArgs {
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How much isopod itself prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Verbosity {
    /// `-q`: only warnings and errors.
    pub(crate) quiet: bool,
    /// The number of `-v`.
    pub(crate) verbose: u8,
}

impl Verbosity {
    /// Only warnings and errors.
    pub(super) const QUIET: Verbosity = Verbosity {
        quiet: true,
        verbose: 0,
    };
}

/// Less output.
#[derive(Debug, Args)]
pub(crate) struct QuietArgs {
    /// Print only warnings and errors.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl QuietArgs {
    pub(super) fn verbosity(&self) -> Verbosity {
        Verbosity {
            quiet: self.quiet,
            ..Verbosity::default()
        }
    }
}

/// How much `run` and `call` print on standard error.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct OutputArgs {
    #[command(flatten)]
    pub(crate) quiet: QuietArgs,

    /// Print the program's grants and the host's events. `-vv` and `-vvv` print more events.
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
}

impl OutputArgs {
    pub(super) fn verbosity(&self) -> Verbosity {
        Verbosity {
            verbose: self.verbose,
            ..self.quiet.verbosity()
        }
    }
}
