//! An engine that keeps compiled code, and the loading of programs from any kind of PATH.

use super::precompiled;
use super::source::{self, Source};
use crate::args::{CompileLimitArgs, ToolchainArgs};
use crate::printer::Printer;
use crate::report::{self, Report};
use crate::values::CoreList;
use isopod_host::code::CompileLimits;
use isopod_host::{Engine, ErrorKind, Program};
use std::path::Path;
use std::time::Instant;

/// The directory of compiled code, in the cache directory.
const COMPILED_CODE: &str = "code";

/// The file of the running isopod, even if its path leads to another file by now, and its command that compiles.
const THIS_PROGRAM: &str = "/proc/self/exe";
const SERVE_COMPILER: &str = "serve-compiler";

fn limits_of(options: &CompileLimitArgs) -> CompileLimits {
    let mut limits = CompileLimits::default();
    if let Some(time) = options.compile_timeout {
        limits = limits.time(time.duration());
    }
    if let Some(size) = options.compile_memory {
        limits = limits.memory_bytes(size.bytes());
    }
    if let Some(size) = options.max_program {
        limits = limits.program_bytes(size.bytes());
    }
    limits
}

/// Refuses native code without `--allow-precompiled`.
///
/// # Errors
/// If PATH is native code and not trusted. The hint names the option.
pub(crate) fn check_trust(path: &Path, source: Source, is_trusted: bool) -> anyhow::Result<()> {
    if source == Source::Precompiled && !is_trusted {
        return Err(report::with_hint(
            format!(
                "`{}` holds native code, which no sandbox checks",
                path.display()
            ),
            "`--allow-precompiled` runs it anyway; use it only for files from a source that you trust",
        ));
    }
    Ok(())
}

/// An engine for `max_processes` on these cores, with a stack of `stack_bytes` for each process.
///
/// # Errors
/// The errors of the engine.
pub(crate) fn engine(
    max_processes: u32,
    cores: Option<&CoreList>,
    stack_bytes: Option<usize>,
    compile_limits: &CompileLimitArgs,
    printer: &Printer,
) -> anyhow::Result<Engine> {
    let builder = || {
        let mut builder = Engine::builder()
            .max_processes(max_processes)
            .compile_limits(limits_of(compile_limits))
            .compiler_process(THIS_PROGRAM, [SERVE_COMPILER]);
        if let Some(stack_bytes) = stack_bytes {
            builder = builder.stack_bytes(stack_bytes);
        }
        match cores {
            Some(cores) => builder.cores(cores.numbers().iter().copied()),
            None => builder,
        }
    };
    // Without a usable cache (no home directory, or a read-only one, as in many containers) a program
    // still runs: isopod compiles it each time.
    let uncached = |reason: String| {
        printer.warning(&format!(
            "compiled code is not kept: {reason}; `ISOPOD_CACHE` names another directory"
        ));
        Ok(builder().build()?)
    };
    let Some(cache) = isopod_build::cache_directory() else {
        return uncached("`HOME` is not set".to_owned());
    };
    let directory = cache.join(COMPILED_CODE);
    match builder().cache_directory(directory).build() {
        Err(error) if matches!(error.kind(), ErrorKind::Io | ErrorKind::AccessDenied) => {
            uncached(Report::from(&anyhow::Error::new(error)).text())
        }
        built => Ok(built?),
    }
}

/// Loads the program at PATH, after a build if it is source.
///
/// # Errors
/// The errors of the build and of loading.
pub(crate) fn load(
    path: &Path,
    source: Source,
    toolchain: &ToolchainArgs,
    is_quiet: bool,
    engine: &Engine,
    printer: &Printer,
) -> anyhow::Result<Program> {
    timed(printer, || {
        Ok(match source {
            Source::Built | Source::Python => {
                let built = source::build(path, toolchain, is_quiet, printer)?;
                Program::from_bytes(engine, &built.name, &built.component)?
            }
            Source::Precompiled => precompiled::load(engine, path)?,
            Source::WebAssembly => Program::from_file(engine, path)?,
        })
    })
}

/// Loads a program, and prints the time of loading with `-v`.
///
/// # Errors
/// The errors of `load`.
pub(crate) fn timed(
    printer: &Printer,
    load: impl FnOnce() -> anyhow::Result<Program>,
) -> anyhow::Result<Program> {
    let begin = Instant::now();
    let program = load()?;
    printer.detail(
        "loaded",
        &format!(
            "`{}` in {:.1} ms",
            program.name(),
            begin.elapsed().as_secs_f64() * 1e3
        ),
    );
    Ok(program)
}
