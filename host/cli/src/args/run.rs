//! The syntax of `isopod run`.

use super::cores::CoreArgs;
use super::grants::{GrantArgs, ProgramGrantArgs};
use super::limits::{LimitArgs, ProgramLimitArgs};
use super::loading::{LoadingArgs, TrustArgs};
use super::output::OutputArgs;
use super::reports::{AuditArgs, EndArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
isopod builds source in a sandbox. The build can read the source, the compiler and the crates that
it depends on, and nothing else. It has no network and no environment variables. `--trust-build`
builds without the sandbox.

Examples:
  isopod run hello.rs -- Anna                     build one file and run it
  isopod run examples/word_count --dir . -- .     build a crate and grant it this directory
  isopod run app.wasm --dir /srv/data::/data      show /srv/data to the program as /data
  isopod run count.py --dir data -- data 4        run a Python script and grant it `data`
  isopod run -m timeit -- -n 10 '1 + 1'           run a Python module; `-c` runs code
  isopod run app.wasm --env LANG --env LEVEL=3    copy LANG from here, and set LEVEL
  isopod run app.wasm --net 192.0.2.7:443         allow connections to this address only
  isopod run app.wasm --cores 0-3,6 --memory 256MiB --timeout 30s
  isopod run app.wasm --cpu-time 10s --max-output 1MiB --tree-memory 1GiB
  isopod run app.wasm --status-file status.json   write the program's end to a file, as JSON

The program gets standard input, output and error, its arguments, and an empty directory as /tmp,
which isopod removes at the end. A program that is given as source can also read the directory of
its source. Options grant the rest: the program gets no other file, variable or network access.
`-v` prints all grants.

Exit codes: the program's own; 1 uncaught error or panic; 120 deadlock; 121 memory limit;
122 CPU time limit; 123 other limit; 124 timeout; 125 an error of isopod itself, or bad usage;
130 interrupted; 134 trap; 137 killed; 143 terminated.

Ctrl-C ends all processes of the program in order. A second Ctrl-C ends isopod at once.
SIGQUIT (Ctrl-\\) prints the program's processes and their waits to standard error.";

/// `isopod run`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, allow_negative_numbers = true)]
pub(crate) struct RunArgs {
    /// The program: a Python script (`.py`, or `-` for standard input), a `.wasm` file (component
    /// or core module), one `.rs`, `.c` or `.js` file, or a source directory.
    #[arg(required_unless_present_any = ["module", "code"])]
    pub(crate) path: Option<PathBuf>,

    /// Run a Python module as a script, like `python -m`.
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["path", "code"])]
    pub(crate) module: Option<String>,

    /// Run this Python code, like `python -c`.
    #[arg(short, long, value_name = "CODE", conflicts_with = "path")]
    pub(crate) code: Option<String>,

    /// Arguments for the program.
    #[arg(last = true)]
    pub(crate) args: Vec<String>,

    #[command(flatten)]
    pub(crate) cores: CoreArgs,

    /// Choose the response to a deadlock: report it on standard error, end the program with exit
    /// code 120, or ignore it.
    #[arg(long, value_name = "ACTION", value_enum, default_value_t = OnDeadlock::Report)]
    pub(crate) on_deadlock: OnDeadlock,

    #[command(flatten)]
    pub(crate) grants: GrantArgs,

    #[command(flatten)]
    pub(crate) more_grants: ProgramGrantArgs,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) program_limits: ProgramLimitArgs,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,

    #[command(flatten)]
    pub(crate) loading: LoadingArgs,

    #[command(flatten)]
    pub(crate) end: EndArgs,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// The response to a deadlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnDeadlock {
    Report,
    End,
    Ignore,
}

impl From<OnDeadlock> for isopod_host::inspect::OnDeadlock {
    fn from(on_deadlock: OnDeadlock) -> isopod_host::inspect::OnDeadlock {
        match on_deadlock {
            OnDeadlock::Report => isopod_host::inspect::OnDeadlock::Report,
            OnDeadlock::End => isopod_host::inspect::OnDeadlock::End,
            OnDeadlock::Ignore => isopod_host::inspect::OnDeadlock::Ignore,
        }
    }
}
