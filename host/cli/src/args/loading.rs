//! The options of loading: trust in native code, the build of source, the limits of compiling.

use super::toolchain::ToolchainArgs;
use crate::values::{ByteCount, Timeout};
use clap::Args;
use std::path::PathBuf;

/// Trust in native code.
#[derive(Debug, Args)]
#[command(next_help_heading = "Building and loading")]
pub(crate) struct TrustArgs {
    /// Allow a `.cwasm` file as PATH. It holds native code, which no sandbox checks, so use this
    /// only for files from a source that you trust.
    #[arg(long)]
    pub(crate) allow_precompiled: bool,
}

/// Options of building source and of compiling.
#[derive(Debug, Args)]
pub(crate) struct LoadingArgs {
    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,

    #[command(flatten)]
    pub(crate) compile_limits: CompileLimitArgs,
}

/// A program or plugin, and the way to load it.
#[derive(Debug, Args)]
pub(crate) struct ComponentArgs {
    /// The program or plugin: a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a
    /// source directory.
    pub(crate) path: PathBuf,

    #[command(flatten)]
    pub(crate) loading: LoadingArgs,
}

/// Limits of compiling.
#[derive(Debug, Args)]
#[command(next_help_heading = "Building and loading")]
pub(crate) struct CompileLimitArgs {
    /// Limit the time of compiling [default: 5m].
    #[arg(long, value_name = "TIME")]
    pub(crate) compile_timeout: Option<Timeout>,

    /// Limit the memory of compiling [default: half of the machine's memory].
    #[arg(long, value_name = "SIZE")]
    pub(crate) compile_memory: Option<ByteCount>,

    /// Limit the size of the WebAssembly of the program [default: 128MiB].
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_program: Option<ByteCount>,
}
