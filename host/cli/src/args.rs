//! The syntax of the command line: what may be written, with its help texts. What it means is in
//! [`commands`](crate::commands).

use crate::limit_args::{CompileLimitArgs, LimitArgs, ProgramLimitArgs};
use crate::new_args::{NEW_EXAMPLES, NewArgs};
use crate::plugin_args::{
    CALL_EXAMPLES, COMPILE_EXAMPLES, CallArgs, CompileArgs, INSPECT_EXAMPLES, InspectArgs,
};
use crate::toolchain_args::{SERVE_BUILD, ToolchainArgs};
use crate::values::{self, CoreList, DirectoryGrant, EnvironmentEntry};
use clap::{Args, Parser, Subcommand, ValueEnum};
use isopod_host::NetworkAddress;
use std::ffi::OsString;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  isopod run word_count.rs --dir texts -- texts 4
  isopod build word_count.rs
  isopod run word_count.wasm --dir texts --memory 64MiB --timeout 30s -- texts 4

`isopod help run` lists the options and the exit codes.";

const RUN_EXAMPLES: &str = "\
Source is built in a sandbox: its build reads the source, the compiler and the crates that it depends on,
and nothing else of this machine; it has no network and no variables. `--trust-build` builds without it.

Examples:
  isopod run hello.rs -- Anna                     build one file and run it
  isopod run examples/word_count --dir . -- .     build a crate; it may use this directory
  isopod run app.wasm --dir /srv/data::/data      the program sees /srv/data as /data
  isopod run count.py --dir data -- data 4        a Python script; it may use this directory
  isopod run -m timeit -- -n 10 '1 + 1'           a module of Python; `-c` runs code
  isopod run app.wasm --env LANG --env LEVEL=3    LANG as it is here, LEVEL as given
  isopod run app.wasm --net 192.0.2.7:443         it may connect there, and nowhere else
  isopod run app.wasm --cores 0-3,6 --memory 256MiB --timeout 30s
  isopod run app.wasm --cpu-time 10s --max-output 1MiB --tree-memory 1GiB
  isopod run app.wasm --status-file status.json   how the program ended, as JSON

What the program gets: standard input, output and error, its arguments, an empty directory as /tmp
that is removed at its end, the directory of its source to read if it is given as source, and what
the options name. Nothing else: no other file, no other variable, no network. `-v` prints it.

Exit codes: the program's own; 1 uncaught error or panic; 120 deadlock; 121 memory limit;
122 CPU time limit; 123 other limit; 124 timeout; 125 an error of isopod itself, or bad usage;
130 interrupted; 134 trap; 137 killed; 143 terminated.

Ctrl-C ends all processes of the program in order; a second one ends isopod at once.
SIGQUIT (Ctrl-\\) prints what runs, and what waits for whom, to standard error.";

const BUILD_EXAMPLES: &str = "\
Source is built in a sandbox: its build reads the source, the compiler and the crates that it depends on,
and nothing else of this machine; it has no network and no variables. `--trust-build` builds without it.

Examples:
  isopod build hello.rs                      writes hello.wasm to the current directory
  isopod build examples/word_count -o /tmp/word_count.wasm
  isopod build module.wasm -o component.wasm

What is missing to build (a compiler, componentize-py, componentize-js) is installed and announced;
`--no-install` forbids that. JavaScript needs Node.js with npm, Python a Python 3 with pip.";

const PS_EXAMPLES: &str = "\
Examples:
  isopod ps                                  all programs of this user
  isopod ps 4711                             the one that the `isopod run` with this pid runs
  isopod ps --json | jq '.[].processes[] | select(.state == \"waiting\") | .state_text'

The `isopod run` and the `isopod ps` must use the same cache directory (`ISOPOD_CACHE`).";

/// `multiprocessing` for WebAssembly: programs of several isolated processes.
#[derive(Debug, Parser)]
#[command(
    name = "isopod",
    version,
    after_help = EXAMPLES,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the directory of a new program or plugin, in Rust, C, Python or JavaScript.
    #[command(after_help = NEW_EXAMPLES)]
    New(NewArgs),
    /// Run a program: a Python script, a WebAssembly file, or source, which a sandbox builds first.
    #[command(after_help = RUN_EXAMPLES, allow_negative_numbers = true)]
    Run(Box<RunArgs>),
    /// Build a program or plugin from source, or from a WebAssembly core module, to a component.
    #[command(after_help = BUILD_EXAMPLES)]
    Build(BuildArgs),
    /// Call a function of a plugin, once or many times.
    #[command(after_help = CALL_EXAMPLES, allow_negative_numbers = true)]
    Call(Box<CallArgs>),
    /// Show what a program or plugin imports, exports and needs.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
    /// Compile a program or plugin to native code, which loads in a fraction of a millisecond.
    #[command(after_help = COMPILE_EXAMPLES)]
    Compile(CompileArgs),
    /// Show the processes of running programs: what they use, and what waits for whom.
    #[command(after_help = PS_EXAMPLES)]
    Ps(PsArgs),
    /// Compile for the isopod that has started this.
    #[command(hide = true)]
    ServeCompiler,
    /// Run a tool of a build for the isopod that has started this.
    #[command(hide = true, name = SERVE_BUILD)]
    ServeBuild {
        /// The tool, and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        tool: Vec<OsString>,
    },
}

/// `isopod run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The program: a Python script (`.py`, or `-` for standard input), a `.wasm` file (component
    /// or core module), one `.rs`, `.c` or `.js` file, or a directory of source.
    #[arg(required_unless_present_any = ["module", "code"])]
    pub(crate) path: Option<PathBuf>,

    /// Run a Python module as a script, as `python -m`.
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["path", "code"])]
    pub(crate) module: Option<String>,

    /// Run this Python code, as `python -c`.
    #[arg(short, long, value_name = "CODE", conflicts_with = "path")]
    pub(crate) code: Option<String>,

    /// Arguments for the program.
    #[arg(last = true)]
    pub(crate) args: Vec<String>,

    /// Run processes on these cores only, as `0-3,6` [default: all that isopod may use].
    #[arg(long, value_name = "LIST")]
    pub(crate) cores: Option<CoreList>,

    /// What to do when processes wait for each other for ever: tell it on standard error, end the
    /// program with exit code 120, or nothing.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = OnDeadlock::Report)]
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
    pub(crate) toolchain: ToolchainArgs,

    #[command(flatten)]
    pub(crate) compile_limits: CompileLimitArgs,

    #[command(flatten)]
    pub(crate) told: ToldArgs,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What the program, or the plugin, may do.
#[derive(Debug, Args)]
#[command(next_help_heading = "Grants")]
pub(crate) struct GrantArgs {
    /// Let the program read and write the directory HOST and what is below it, under the name
    /// GUEST (default: as given). May be given several times.
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    pub(crate) directories: Vec<DirectoryGrant>,

    /// As `--dir`, but the program can only read it. Not for a directory that holds the key of isopod's cache.
    #[arg(long = "read-dir", value_name = "HOST[::GUEST]")]
    pub(crate) read_directories: Vec<DirectoryGrant>,

    /// Allow `--dir` for a directory that holds a compiler or another program that builds use, or lies in one. Who
    /// writes there has native code run as you: only for a program that you trust. isopod's cache and its key stay
    /// refused.
    #[arg(long)]
    pub(crate) allow_overlap: bool,

    /// Set an environment variable of the program; NAME alone takes the value it has here. May be
    /// given several times.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) environment: Vec<EnvironmentEntry>,
}

/// What a plugin never may.
#[derive(Debug, Args)]
#[command(next_help_heading = "Grants")]
pub(crate) struct ProgramGrantArgs {
    /// Let the program open FIFOs and devices in its directories, which may wait for ever.
    #[arg(long)]
    pub(crate) allow_special_files: bool,

    /// Let the program connect to this address, as `192.0.2.7:443` or `[::1]:80`; `*` is any address,
    /// or any port. May be given several times.
    #[arg(long = "net", value_name = "ADDRESS:PORT")]
    pub(crate) connect: Vec<NetworkAddress>,

    /// Let the program accept connections at this address of the machine. May be given several times.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Vec<NetworkAddress>,

    /// Let the program look up the addresses of host names.
    #[arg(long)]
    pub(crate) allow_name_lookup: bool,
}

/// Whether native code is loaded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Building and loading")]
pub(crate) struct TrustArgs {
    /// Allow PATH to be a `.cwasm` file. It holds native code, which no sandbox checks: only for
    /// files from someone you trust.
    #[arg(long)]
    pub(crate) allow_precompiled: bool,
}

/// What is told of a program at its end.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct ToldArgs {
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

/// What to do about a deadlock.
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

/// `isopod build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The directory of a Rust crate, or one with a `main` or `plugin` that ends in `.c`, `.py` or `.js`;
    /// one `.rs`, `.c`, `.py` or `.js` file; or a WebAssembly core module.
    pub(crate) path: PathBuf,

    /// Where to write the component [default: NAME.wasm in the current directory].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Print nothing but errors.
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,
}

/// `isopod ps`.
#[derive(Debug, Args)]
pub(crate) struct PsArgs {
    /// The pid of an `isopod run` [default: all of this user].
    #[arg(value_parser = values::count)]
    pub(crate) pid: Option<u32>,

    /// Print an array of JSON objects, one for each program.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How much `run` and `call` tell on standard error.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct OutputArgs {
    /// Do not print the progress of a build.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print what the program is granted, and what the host does; `-vv` and `-vvv` for more.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use crate::limit_args::DEFAULT_MAX_PROCESSES;
    use clap::CommandFactory;
    use std::time::Duration;

    fn run_args(words: &[&str]) -> RunArgs {
        match Cli::try_parse_from(words).unwrap().command {
            Command::Run(args) => *args,
            other => panic!("not a run: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_and_after_the_path() {
        let args = run_args(&[
            "isopod",
            "run",
            "--timeout",
            "1m 30s",
            "app.wasm",
            "--dir",
            "a::/b",
            "--dir",
            ".",
            "--memory",
            "2MiB",
            "--cores",
            "0-1",
            "-vv",
            "--",
            "-v",
            "--dir",
        ]);
        assert_eq!(args.path, Some(PathBuf::from("app.wasm")));
        assert_eq!(args.args, ["-v", "--dir"]);
        assert_eq!(
            args.limits.timeout.unwrap().duration(),
            Duration::from_secs(90)
        );
        assert_eq!(args.limits.memory.unwrap().bytes(), 2 << 20);
        assert_eq!(args.grants.directories.len(), 2);
        assert_eq!(args.output.verbose, 2);
        assert_eq!(args.program_limits.max_processes, DEFAULT_MAX_PROCESSES);
    }

    #[test]
    fn bad_usage_is_refused() {
        for words in [
            &["isopod", "run"][..],
            &["isopod", "run", "app.wasm", "3"],
            &["isopod", "run", "app.wasm", "-c", "1"],
            &["isopod", "run", "-m", "a", "-c", "1"],
            &["isopod", "run", "app.wasm", "--max-processes", "0"],
            &["isopod", "run", "app.wasm", "-q", "-v"],
            &["isopod", "run", "app.wasm", "--no-such-option"],
            &["isopod", "build", "a.rs", "--", "x"],
            &["isopod", "ps", "x"],
            &["isopod", "walk"],
        ] {
            assert!(Cli::try_parse_from(words).is_err(), "{words:?}");
        }
    }
}
