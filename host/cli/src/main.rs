//! The command line of isopod: `isopod run`, `isopod build`, `isopod call` and the others.
//!
//! [`args`] has the syntax, and [`commands`] has one function for each command. All output for users goes through
//! [`printer`]; all exit codes come from [`exit_code`].

mod args;
mod at_limit;
mod audit;
mod commands;
mod ending;
mod exit_code;
mod identity;
mod output;
mod printer;
mod private;
mod report;
mod signals;
mod status_file;
mod supervise;
mod usage;
mod values;
mod what_runs;
mod written;

use args::Cli;
use clap::Parser as _;
use printer::Printer;
use report::Report;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A panic is an error of isopod itself; std's own code for it, 101, could be the program's.
    let code = std::panic::catch_unwind(isopod);
    output::finish();
    ExitCode::from(code.unwrap_or(exit_code::OWN_ERROR))
}

/// Runs the command of the command line and returns the exit code.
fn isopod() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::print(&error, std::env::args_os()),
    };
    let verbosity = cli.command.verbosity();
    log_to_stderr(verbosity.verbose);
    let printer = Printer::new(verbosity.quiet, verbosity.verbose > 0);
    commands::run(cli.command, &printer).unwrap_or_else(|error| {
        printer.error(&Report::from(&error));
        exit_code::of_error(&error)
    })
}

/// Logs the host's events to standard error, and more of them for each `-v`.
fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = format!("isopod_host={level}");
    // Fails only for a second subscriber, and the program runs without one too.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(|| output::Log)
        .with_ansi(false)
        .try_init();
}
