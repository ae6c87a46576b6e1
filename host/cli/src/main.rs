//! The command line of isopod: `isopod run`, `isopod build`, `isopod call` and the others.
//!
//! [`args`] has the syntax, [`commands`] the meaning. All output for people goes through
//! [`printer`]; all exit codes come from [`exit_code`].

mod args;
mod at_limit;
mod audit;
mod commands;
mod ending;
mod exit_code;
mod limit_args;
mod new_args;
mod output;
mod plugin_args;
mod printer;
mod private;
mod report;
mod signals;
mod status_file;
mod supervise;
mod toolchain_args;
mod usage;
mod values;
mod what_runs;
mod written;

use args::{Cli, Command};
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

/// Does what the command line says, and gives the exit code.
fn isopod() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::tell(&error),
    };
    let (printer, result) = match &cli.command {
        Command::Run(options) => {
            log_to_stderr(options.output.verbose);
            let printer = Printer::new(options.output.quiet, options.output.verbose > 0);
            (printer, commands::run::run(options, &printer))
        }
        Command::New(options) => {
            let printer = Printer::new(false, false);
            let made = commands::new::new(options).map(|text| printer.result(&text));
            (printer, made.map(|()| 0))
        }
        Command::Build(options) => {
            let printer = Printer::new(options.quiet, false);
            (
                printer,
                commands::build::build(options, &printer).map(|()| 0),
            )
        }
        Command::Call(options) => {
            log_to_stderr(options.output.verbose);
            let printer = Printer::new(options.output.quiet, options.output.verbose > 0);
            (printer, commands::call::call(options, &printer))
        }
        Command::Inspect(options) => {
            let printer = Printer::new(false, false);
            let told = commands::inspect::inspect(options, &printer);
            (
                printer,
                told.map(|text| {
                    printer.result(&text);
                    0
                }),
            )
        }
        Command::Compile(options) => {
            let printer = Printer::new(options.quiet, false);
            let compiled = commands::compile::compile(options, &printer);
            (printer, compiled.map(|()| 0))
        }
        Command::ServeCompiler => {
            let served = isopod_host::code::serve_compiler();
            (
                Printer::new(true, false),
                served.map(|()| 0).map_err(anyhow::Error::from),
            )
        }
        Command::ServeBuild { tool } => (
            Printer::new(true, false),
            isopod_build::serve_build(tool.clone()).map_err(anyhow::Error::from),
        ),
        Command::Ps(options) => {
            let printer = Printer::new(false, false);
            let told = commands::ps::ps(options).map(|text| printer.result(&text));
            (printer, told.map(|()| 0))
        }
    };
    result.unwrap_or_else(|error| {
        printer.error(&Report::from(&error));
        exit_code::of_error(&error)
    })
}

/// Sends the host's own events to standard error, more for each `-v`.
fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = format!("isopod_host={level}");
    // Only one subscriber is ever set; and without one the program still runs.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(|| output::Log)
        .with_ansi(false)
        .try_init();
}
