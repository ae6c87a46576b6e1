//! The syntax of `isopod build`.

use super::output::{FileArgs, QuietArgs};
use super::toolchain::ToolchainArgs;
use clap::Args;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
isopod builds source in a sandbox. The build can read the source, the compiler and the crates that
it depends on, and nothing else. It has no network and no environment variables. `--trust-build`
builds without the sandbox.

Examples:
  isopod build hello.rs                      write hello.wasm to the current directory
  isopod build examples/word_count -o /tmp/word_count.wasm
  isopod build module.wasm -o component.wasm

isopod installs missing build tools (a compiler, componentize-py, componentize-js) and
announces that. `--no-install` forbids it. JavaScript needs Node.js with npm, and Python needs
Python 3 with pip.";

/// `isopod build`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct BuildArgs {
    /// A directory that holds a Rust crate, or a file `main` or `plugin` that ends in `.c`, `.py`
    /// or `.js`; one `.rs`, `.c`, `.py` or `.js` file; or a WebAssembly core module.
    pub(crate) path: PathBuf,

    #[command(flatten)]
    pub(crate) file: FileArgs,

    #[command(flatten)]
    pub(crate) quiet: QuietArgs,

    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,
}
