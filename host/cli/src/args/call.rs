//! The syntax of `isopod call`.

use super::cores::CoreArgs;
use super::grants::GrantArgs;
use super::limits::LimitArgs;
use super::loading::{LoadingArgs, TrustArgs};
use super::output::OutputArgs;
use super::reports::AuditArgs;
use crate::values;
use clap::Args;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
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

/// `isopod call`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, allow_negative_numbers = true)]
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

    #[command(flatten)]
    pub(crate) cores: CoreArgs,

    #[command(flatten)]
    pub(crate) grants: GrantArgs,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,

    #[command(flatten)]
    pub(crate) loading: LoadingArgs,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
