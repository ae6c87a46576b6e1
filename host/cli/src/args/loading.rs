//! The options of loading: trust in native code, the build of source, the limits of compiling.

use super::toolchain::ToolchainArgs;
use crate::values::{ByteCount, Timeout};
use clap::Args;
use std::path::PathBuf;

/// Whether native code is loaded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Building and loading")]
pub(crate) struct TrustArgs {
    /// Allow PATH to be a `.cwasm` file. It holds native code, which no sandbox checks: only for
    /// files from someone you trust.
    #[arg(long)]
    pub(crate) allow_precompiled: bool,
}

/// How source is built and code is compiled.
#[derive(Debug, Args)]
pub(crate) struct LoadingArgs {
    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,

    #[command(flatten)]
    pub(crate) compile_limits: CompileLimitArgs,
}

/// A program or plugin of which nothing is run as a program.
#[derive(Debug, Args)]
pub(crate) struct ComponentArgs {
    /// The program or plugin: a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a directory of such.
    pub(crate) path: PathBuf,

    #[command(flatten)]
    pub(crate) loading: LoadingArgs,
}

/// What loading a program may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Building and loading")]
pub(crate) struct CompileLimitArgs {
    /// Give up when compiling has taken so long [default: 5m].
    #[arg(long, value_name = "TIME")]
    pub(crate) compile_timeout: Option<Timeout>,

    /// Limit the memory that compiling takes [default: half of the machine's].
    #[arg(long, value_name = "SIZE")]
    pub(crate) compile_memory: Option<ByteCount>,

    /// Limit the size of the program itself, as WebAssembly [default: 128MiB].
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_program: Option<ByteCount>,
}
