//! What the commands do. Each is one function from its arguments and a printer to an exit code.

mod build;
mod call;
mod compile;
mod confined;
mod grants;
mod inspect;
mod limits;
mod loading;
mod new;
pub(crate) mod overlap;
mod own_directory;
mod precompiled;
mod ps;
mod python;
mod run;
mod source;

use crate::args::Command;
use crate::printer::Printer;

/// Runs the command and returns the exit code.
///
/// # Errors
/// Errors of isopod itself. A program or a call that ends badly has an exit code and is no error.
pub(crate) fn run(command: Command, printer: &Printer) -> anyhow::Result<u8> {
    match command {
        Command::New(args) => new::run(&args, printer),
        Command::Run(args) => run::run(&args, printer),
        Command::Build(args) => build::run(&args, printer),
        Command::Call(args) => call::run(&args, printer),
        Command::Inspect(args) => inspect::run(&args, printer),
        Command::Compile(args) => compile::run(&args, printer),
        Command::Ps(args) => ps::run(&args, printer),
        Command::ServeCompiler => Ok(isopod_host::code::serve_compiler().map(|()| 0)?),
        Command::ServeBuild { tool } => Ok(isopod_build::serve_build(tool)?),
    }
}
