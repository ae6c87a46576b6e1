//! The options that write a report of a run to a file or to standard error.

use clap::Args;
use std::path::PathBuf;

/// Reports at the end of a program.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct EndArgs {
    /// Print the number of processes, the CPU time and the memory of the program at its end.
    #[arg(long)]
    pub(crate) stats: bool,

    /// Write the program's end to FILE, as a JSON object: `status`, `code` (the program's exit
    /// code, as in Python), `exit_code` (isopod's exit code), `message` and `signal`. An error of
    /// isopod itself has the status `error`. Bad usage writes nothing. The file stays empty if
    /// something kills isopod.
    #[arg(long, value_name = "FILE")]
    pub(crate) status_file: Option<PathBuf>,
}

/// The log of decisions.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct AuditArgs {
    /// Append the program's grants, refusals, reached limits and killed processes to FILE, as JSON
    /// lines. FILE must not lie in a directory that the program can write, nor in the program's
    /// source.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
}
