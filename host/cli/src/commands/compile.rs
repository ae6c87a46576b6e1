//! `isopod compile`: a program or plugin to native code in a file.

use super::build::{check_output, write};
use super::loading;
use super::source::{self, Source};
use crate::plugin_args::CompileArgs;
use crate::printer::Printer;
use crate::values::human_bytes;
use anyhow::Context as _;
use std::path::PathBuf;

/// Compiles, writes the code and prints where, and how large it is.
///
/// # Errors
/// If it cannot be built, loaded or written.
pub(crate) fn compile(options: &CompileArgs, printer: &Printer) -> anyhow::Result<()> {
    let source = source::kind_of(&options.path)?;
    anyhow::ensure!(
        source != Source::Precompiled,
        "`{}` is native code already",
        options.path.display()
    );
    if let Some(output) = &options.output {
        check_output(&options.path, output)?;
    }
    let engine = loading::engine(1, None, None, &options.compile_limits, printer)?;
    let (path, toolchain) = (&options.path, &options.toolchain);
    let program = loading::load(path, source, toolchain, options.quiet, &engine, printer)?;
    let output = match &options.output {
        Some(output) => output.clone(),
        None => {
            let output = PathBuf::from(format!("{}.cwasm", program.name()));
            check_output(&options.path, &output)?;
            output
        }
    };
    let code = program.precompile()?;
    write(&output, &code).with_context(|| format!("`{}` cannot be written", output.display()))?;
    let size = human_bytes(u64::try_from(code.len()).unwrap_or(u64::MAX));
    printer.result(&format!("{} ({size})", output.display()));
    Ok(())
}
