//! `isopod compile`: compiles a program or plugin to native code in a file.

use super::build::{check_output, write};
use super::loading;
use super::source::{self, Source};
use crate::args::CompileArgs;
use crate::printer::Printer;
use crate::values::human_bytes;
use anyhow::Context as _;
use std::path::PathBuf;

/// Compiles a program or plugin, writes the code, and prints its path and size.
///
/// # Errors
/// If it cannot be built, loaded or written.
pub(crate) fn run(options: &CompileArgs, printer: &Printer) -> anyhow::Result<u8> {
    let (path, loading) = (&options.component.path, &options.component.loading);
    let source = source::kind_of(path)?;
    anyhow::ensure!(
        source != Source::Precompiled,
        "`{}` is already native code",
        path.display()
    );
    if let Some(output) = &options.file.output {
        check_output(path, output)?;
    }
    let engine = loading::engine(1, None, None, &loading.compile_limits, printer)?;
    let (toolchain, quiet) = (&loading.toolchain, options.quiet.quiet);
    let program = loading::load(path, source, toolchain, quiet, &engine, printer)?;
    let output = match &options.file.output {
        Some(output) => output.clone(),
        None => {
            let output = PathBuf::from(format!("{}.cwasm", program.name()));
            check_output(path, &output)?;
            output
        }
    };
    let code = program.precompile()?;
    write(&output, &code).with_context(|| format!("`{}` cannot be written", output.display()))?;
    let size = human_bytes(u64::try_from(code.len()).unwrap_or(u64::MAX));
    printer.result(&format!("{} ({size})", output.display()));
    Ok(0)
}
