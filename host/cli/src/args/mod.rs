//! The syntax of the command line, with its help texts: one file for each command, and one for each group of options
//! that several commands share. [`commands`](crate::commands) has the meaning.

mod build;
mod call;
mod compile;
mod cores;
mod grants;
mod inspect;
mod limits;
mod loading;
mod new;
mod output;
mod ps;
mod reports;
mod run;
mod toolchain;

pub(crate) use build::BuildArgs;
pub(crate) use call::CallArgs;
pub(crate) use compile::CompileArgs;
pub(crate) use grants::GrantArgs;
pub(crate) use inspect::InspectArgs;
pub(crate) use limits::{LimitArgs, ProgramLimitArgs};
pub(crate) use loading::CompileLimitArgs;
pub(crate) use new::{Kind, Language, NewArgs};
pub(crate) use ps::PsArgs;
pub(crate) use run::RunArgs;
pub(crate) use toolchain::ToolchainArgs;

use clap::{Parser, Subcommand};
use output::Verbosity;
use std::ffi::OsString;
use toolchain::SERVE_BUILD;

const EXAMPLES: &str = "\
Examples:
  isopod run word_count.rs --dir texts -- texts 4
  isopod build word_count.rs
  isopod run word_count.wasm --dir texts --memory 64MiB --timeout 30s -- texts 4

`isopod help run` lists the options and the exit codes.";

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

/// A command and its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a directory with a new program or plugin in Rust, C, Python or JavaScript.
    New(NewArgs),
    /// Run a program from a Python script, a WebAssembly file or source.
    Run(Box<RunArgs>),
    /// Build a component from the source of a program or plugin, or from a WebAssembly core module.
    Build(BuildArgs),
    /// Call a function of a plugin, once or many times.
    Call(Box<CallArgs>),
    /// Show the functions, exports, imports and needs of a program or plugin.
    Inspect(InspectArgs),
    /// Compile a program or plugin to native code, which loads in a fraction of a millisecond.
    Compile(CompileArgs),
    /// Show the processes of running programs, the resources that they use, and their waits.
    Ps(PsArgs),
    /// Compile on behalf of the isopod that started this one.
    #[command(hide = true)]
    ServeCompiler,
    /// Run a build tool on behalf of the isopod that started this one.
    #[command(hide = true, name = SERVE_BUILD)]
    ServeBuild {
        /// The tool and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        tool: Vec<OsString>,
    },
}

impl Command {
    /// The amount of output that the options ask for.
    pub(crate) fn verbosity(&self) -> Verbosity {
        match self {
            Command::Run(args) => args.output.verbosity(),
            Command::Call(args) => args.output.verbosity(),
            Command::Build(args) => args.quiet.verbosity(),
            Command::Compile(args) => args.quiet.verbosity(),
            Command::New(_) | Command::Inspect(_) | Command::Ps(_) => Verbosity::default(),
            Command::ServeCompiler | Command::ServeBuild { .. } => Verbosity::QUIET,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use clap::CommandFactory;
    use limits::DEFAULT_MAX_PROCESSES;
    use std::path::PathBuf;
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
