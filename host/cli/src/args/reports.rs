//! The options that write a report of a run to a file or to standard error.

use clap::Args;
use std::path::PathBuf;

/// What is told of a program at its end.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct EndArgs {
    /// Print at the end what the program has used: processes, CPU time, memory.
    #[arg(long)]
    pub(crate) stats: bool,

    /// Write how the program ended to FILE, as JSON: `status`, `code` (the program's, as Python
    /// gives it), `exit_code` (isopod's), `message`, `signal`. An error of isopod itself has the
    /// status `error`; bad usage writes nothing; the file stays empty if isopod is cut short.
    #[arg(long, value_name = "FILE")]
    pub(crate) status_file: Option<PathBuf>,
}

/// Where decisions are told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct AuditArgs {
    /// Append to FILE, as lines of JSON, what the program is granted, what it is refused, which limits it reaches, and
    /// who ends what. FILE must not lie in a directory that the program may write, nor in the program's source.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
}
