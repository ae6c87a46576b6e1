//! The syntax of the commands for plugins: `call`, `inspect` and `compile`.

use crate::args::{OutputArgs, ToolchainArgs};
use crate::limit_args::CompileLimitArgs;
use crate::values::{ByteCount, CoreList, DirectoryGrant, EnvironmentEntry, Timeout};
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
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) repeat: Option<u64>,

    /// Have so many callers call at a time, and print a table.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: Option<u16>,

    /// Give each call a new instance of the plugin.
    #[arg(long)]
    pub(crate) fresh: bool,

    /// Run the calls in the callers' threads, not in workers on pinned threads.
    #[arg(long)]
    pub(crate) here: bool,

    /// Let the plugin read and write the directory HOST and what is below it, under the name GUEST
    /// (default: as given). May be given several times.
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    pub(crate) directories: Vec<DirectoryGrant>,

    /// As `--dir`, but the plugin can only read it.
    #[arg(long = "read-dir", value_name = "HOST[::GUEST]")]
    pub(crate) read_directories: Vec<DirectoryGrant>,

    /// Allow `--dir` for a directory that holds a compiler or another program that builds use, or lies in one. Who
    /// writes there has native code run as you: only for a plugin that you trust. isopod's cache and its key stay
    /// refused.
    #[arg(long)]
    pub(crate) allow_overlap: bool,

    /// Set an environment variable of the plugin; NAME alone takes the value it has here. May be given
    /// several times.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) environment: Vec<EnvironmentEntry>,

    /// Run workers on these cores only, as `0-3,6` [default: all that isopod may use].
    #[arg(long, value_name = "LIST")]
    pub(crate) cores: Option<CoreList>,

    /// Limit the memory of each instance, as `256MiB`.
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<ByteCount>,

    /// End a call that has run for so long, as `100ms` or `30s`.
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Timeout>,

    /// End a call that has computed for so long.
    #[arg(long, value_name = "TIME")]
    pub(crate) cpu_time: Option<Timeout>,

    /// Limit the size of inputs and outputs [default: 64MiB].
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_message: Option<ByteCount>,

    /// Limit what a call writes to standard output and error [default: 1GiB].
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_output: Option<ByteCount>,

    /// Append to FILE, as lines of JSON, what the plugin is granted, what it is refused, which limits it reaches, and
    /// who ends what. FILE must not lie in a directory that the plugin may write.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,

    /// Limit the memory of all instances together [default: half of the machine's].
    #[arg(long, value_name = "SIZE")]
    pub(crate) tree_memory: Option<ByteCount>,

    /// Limit what waits in queues, pipes and pools of all instances, with shared memory and
    /// managers' contents [default: 1GiB].
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_queued: Option<ByteCount>,

    /// Limit the memory that the host uses for all instances, beside their own [default: a
    /// quarter of the machine's, at most 2GiB].
    #[arg(long, value_name = "SIZE")]
    pub(crate) tree_host_memory: Option<ByteCount>,

    /// Allow PATH to be a `.cwasm` file. It holds native code, which no sandbox checks: only for
    /// files from someone you trust.
    #[arg(long)]
    pub(crate) allow_precompiled: bool,

    #[command(flatten)]
    pub(crate) compile_limits: CompileLimitArgs,

    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,

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
    pub(crate) compile_limits: CompileLimitArgs,

    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,
}

/// `isopod compile`.
#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    /// The program or plugin: a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a directory of such.
    pub(crate) path: PathBuf,

    /// Where to write the code [default: NAME.cwasm in the current directory].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) compile_limits: CompileLimitArgs,

    #[command(flatten)]
    pub(crate) toolchain: ToolchainArgs,

    /// Print nothing but errors.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}
