//! `isopod run`: runs a program and returns its exit code.
//!
//! isopod checks the options before it builds anything. Until the program starts, signals have their default actions, so
//! Ctrl-C ends a build.

use super::grants::Grants;
use super::limits::Given;
use super::python::{self, Script};
use super::source::{self, Source};
use super::{confined, loading, overlap};
use crate::args::RunArgs;
use crate::audit::{Audit, Place};
use crate::exit_code;
use crate::printer::Printer;
use crate::report::Report;
use crate::status_file::StatusFile;
use crate::supervise::{Outcome, Supervisor};
use crate::what_runs::socket::Socket;
use crate::what_runs::{Run, Usage, table};
use isopod_host::{Command, Program};
use std::path::Path;
use std::time::Instant;

/// The stack of each process of Python. The interpreter ends recursion through C with a RecursionError
/// when it has used 1 MiB of the stack in its memory; its calls nest in up to this much meanwhile.
const PYTHON_STACK_BYTES: usize = 32 << 20;

/// Runs a program and returns the exit code.
///
/// # Errors
/// Errors of isopod itself. An abnormal end of the program has an exit code and is no error.
pub(crate) fn run(options: &RunArgs, printer: &Printer) -> anyhow::Result<u8> {
    let program = options.path.as_deref();
    let path = options.end.status_file.as_deref();
    let status_file = path
        .map(|path| StatusFile::create(path, program))
        .transpose()?;
    let outcome = run_program(options, printer);
    if let Some(file) = status_file {
        match &outcome {
            Ok(outcome) => file.write_end(
                outcome.status.as_ref(),
                outcome.exit_code(),
                outcome.signal.map(|signal| signal.name()),
            )?,
            // The first error is the one to report.
            Err(error) => {
                let code = exit_code::of_error(error);
                if let Err(second) = file.write_error(&Report::from(error), code) {
                    printer.warning(&Report::from(&second).text());
                }
            }
        }
    }
    outcome.map(|outcome| outcome.exit_code())
}

fn run_program(options: &RunArgs, printer: &Printer) -> anyhow::Result<Outcome> {
    let script = python::script(options);
    // A module, code and standard input have no file to look at.
    let source = match (&script, &options.path) {
        (Some(Script::Module(_) | Script::Code(_) | Script::Stdin), _) | (_, None) => {
            Source::Python
        }
        (_, Some(path)) => source::kind_of(path)?,
    };
    let mut grants = Grants::of_program(options)?;
    if let Some(script) = &script {
        python::grant(script, &mut grants)?;
    }
    let place = Place {
        path: options.audit.audit.as_deref(),
        program: options.path.as_deref(),
        name: match (&script, &options.path) {
            (Some(script), _) => script.name(),
            (None, Some(path)) => source::name_of(path),
            (None, None) => String::new(),
        },
    };
    let mut audit = Audit::open(place, grants.writable())?;
    let outcome = run_audited(
        options,
        source,
        script.as_ref(),
        grants,
        &mut audit,
        printer,
    );
    if let Err(error) = &outcome {
        audit.fail(error);
    }
    outcome
}

fn run_audited(
    options: &RunArgs,
    source: Source,
    script: Option<&Script>,
    mut grants: Grants,
    audit: &mut Audit,
    printer: &Printer,
) -> anyhow::Result<Outcome> {
    let path = options.path.as_deref().unwrap_or(Path::new(""));
    loading::check_trust(path, source, options.trust.allow_precompiled)?;
    overlap::check(&options.grants)?;
    let given = Given::to_program(&options.limits, &options.program_limits);
    let most_processes = options.program_limits.max_processes;
    let stack_bytes = (source == Source::Python).then_some(PYTHON_STACK_BYTES);
    let cores = options.cores.cores.as_ref();
    let engine = loading::engine(
        most_processes,
        cores,
        stack_bytes,
        &options.loading.compile_limits,
        printer,
    )?;
    let name = script.map_or_else(String::new, Script::name);
    let program = match source {
        Source::Python => loading::timed(printer, || {
            let runner = python::runner(options, printer)?;
            Ok(Program::from_file_as(&engine, &name, runner)?)
        })?,
        _ => {
            let (toolchain, quiet) = (&options.loading.toolchain, options.output.quiet.quiet);
            loading::load(path, source, toolchain, quiet, &engine, printer)?
        }
    };
    grants.add_defaults(path, source, printer)?;
    let processes = format!("{most_processes} processes at a time");
    let limits = [&[processes][..], given.shown()].concat();
    grants.show(&options.args, engine.cores(), &limits, printer);

    let command = Command::new(&program)
        .args(grants.arguments())
        .policy(grants.policy())
        .on_deadlock(options.on_deadlock.into())
        .limits(given.limits());
    // `isopod ps` is not essential, so an error of its socket does not stop the program.
    let unheard =
        |error: &anyhow::Error| printer.detail("not shown by `isopod ps`", &format!("{error:#}"));
    let mut socket = Socket::open().inspect_err(unheard).ok();
    let confinement = grants.confinement();
    let confinement = match &socket {
        Some(socket) => confinement.remove_files(socket.directory()),
        None => confinement,
    };
    confined::confine(confinement, printer)?;
    audit.start(&engine)?;
    let supervisor = Supervisor::start()?;
    let begin = Instant::now();
    let process = command.spawn()?;
    let told = process.clone();
    if let Some(socket) = &mut socket {
        let _ = socket
            .answer(move || Run::now(&told, begin))
            .inspect_err(unheard);
    }
    let outcome = supervisor.wait(&process, begin, printer)?;
    audit.end();
    if options.end.stats {
        let usage = Usage::from(&process.tree_usage());
        printer.table(&table::usage(&usage, begin.elapsed().as_secs_f64()));
    }
    grants.end(printer);
    Ok(outcome)
}
