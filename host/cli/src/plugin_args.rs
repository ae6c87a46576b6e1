//! The syntax of the commands for plugins: `call`, `inspect` and `compile`.

use crate::args::{AuditArgs, GrantArgs, OutputArgs, TrustArgs};
use crate::limit_args::{CompileLimitArgs, LimitArgs};
use crate::toolchain_args::ToolchainArgs;
use crate::values::{self, CoreList};
use clap::Args;
use std::path::PathBuf;

pub(crate) const CALL_EXAMPLES: &str = "\
Examples:
  isopod call text.wasm upper --input hello               prints HELLO
  isopod call text.wasm numbers.sum --input '[1, 2, 3]'   a function that takes JSON
  isopod call filter.rs accept --input line.txt           builds the plugin; the input is a file
  isopod call adder.wasm add --input '[1, 2]'             any export, with typed values
  isopod call text.wasm upper --input - --timeout 100ms --memory 16MiB < text.txt
  isopod call text.wasm upper --input hello --repeat 100000 --concurrency 4

What the function gives goes to standard output. With `--repeat` or `--concurrency` a table of
throughput, latency and failures does.

For grants and limits the plugin is the program, and each of its instances is a process: a call runs in one.
`-v` prints all that it is granted.

Exit codes: 0; 1 the function gave an error, or panicked; 121 memory limit; 122 CPU time limit;
123 other limit; 124 timeout; 125 an error of isopod itself, or no such function; 134 trap.";

pub(crate) const INSPECT_EXAMPLES: &str = "\
Examples:
  isopod inspect text.wasm
  isopod inspect text.wasm --json | jq '.functions[].name'";

pub(crate) const COMPILE_EXAMPLES: &str = "\
Examples:
  isopod compile app.wasm -o app.cwasm
  isopod run --allow-precompiled app.cwasm

The file is native code for this version of isopod on this kind of processor. No sandbox checks it.";

/// `isopod call`.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The plugin: a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a directory of such.
    pub(crate) path: PathBuf,

    /// The function; `isopod inspect` lists them.
    pub(crate) function: String,

    /// The input: `-` for standard input, the name of a file, or else the text itself. For typed values
    /// an array of them as JSON.
    #[arg(short, long, value_name = "FILE|-|TEXT", allow_hyphen_values = true)]
    pub(crate) input: Option<String>,

    /// Call it so often, and print a table.
    #[arg(long, value_name = "COUNT", value_parser = values::large_count)]
    pub(crate) repeat: Option<u64>,

    /// Have so many callers call at a time, and print a table.
    #[arg(long, value_name = "COUNT", value_parser = values::small_count)]
    pub(crate) concurrency: Option<u16>,

    /// Give each call a new instance of the plugin.
    #[arg(long)]
    pub(crate) fresh: bool,

    /// Run the calls in the callers' threads, not in workers on pinned threads.
    #[arg(long)]
    pub(crate) here: bool,

    /// Run workers on these cores only, as `0-3,6` [default: all that isopod may use].
    #[arg(long, value_name = "LIST")]
    pub(crate) cores: Option<CoreList>,

    #[command(flatten)]
    pub(crate) grants: GrantArgs,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,

    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,

    #[command(flatten)]
    pub(crate) compile_limits: CompileLimitArgs,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `isopod inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The program or plugin: a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a directory of such.
    pub(crate) path: PathBuf,

    /// Print a JSON object.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,

    #[command(flatten)]
    pub(crate) compile_limits: CompileLimitArgs,
}

/// `isopod compile`.
#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    /// The program or plugin: a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a directory of such.
    pub(crate) path: PathBuf,

    /// Where to write the code [default: NAME.cwasm in the current directory].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Print nothing but errors.
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,

    #[command(flatten)]
    pub(crate) compile_limits: CompileLimitArgs,
}
