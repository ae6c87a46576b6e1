//! The syntax of `isopod build`.

use super::output::{FileArgs, QuietArgs};
use super::toolchain::ToolchainArgs;
use clap::Args;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Source is built in a sandbox: its build reads the source, the compiler and the crates that it depends on,
and nothing else of this machine; it has no network and no variables. `--trust-build` builds without it.

Examples:
  isopod build hello.rs                      writes hello.wasm to the current directory
  isopod build examples/word_count -o /tmp/word_count.wasm
  isopod build module.wasm -o component.wasm

What is missing to build (a compiler, componentize-py, componentize-js) is installed and announced;
`--no-install` forbids that. JavaScript needs Node.js with npm, Python a Python 3 with pip.";

/// `isopod build`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct BuildArgs {
    /// The directory of a Rust crate, or one with a `main` or `plugin` that ends in `.c`, `.py` or `.js`;
    /// one `.rs`, `.c`, `.py` or `.js` file; or a WebAssembly core module.
    pub(crate) path: PathBuf,

    #[command(flatten)]
    pub(crate) file: FileArgs,

    #[command(flatten)]
    pub(crate) quiet: QuietArgs,

    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,
}
