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
  isopod call text.wasm upper --input hello               print HELLO
  isopod call text.wasm numbers.sum --input '[1, 2, 3]'   call a function that takes JSON
  isopod call filter.rs accept --input line.txt           build the plugin and pass a file
  isopod call adder.wasm add --input '[1, 2]'             call any export with typed values
  isopod call text.wasm upper --input - --timeout 100ms --memory 16MiB < text.txt
  isopod call text.wasm upper --input hello --repeat 100000 --concurrency 4

isopod prints the output of the function to standard output. With `--repeat` or `--concurrency` it
prints a table of throughput, latency and failures instead.

Grants and limits apply to the plugin as to a program, and to each instance of the plugin as to a
process. Each call runs in one instance. `-v` prints all grants.

Exit codes: 0; 1 the function returned an error or panicked; 121 memory limit; 122 CPU time limit;
123 other limit; 124 timeout; 125 an error of isopod itself, or no such function; 134 trap.";

/// `isopod call`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, allow_negative_numbers = true)]
pub(crate) struct CallArgs {
    /// The plugin: a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source
    /// directory.
    pub(crate) path: PathBuf,

    /// The name of the function. `isopod inspect` lists all functions.
    pub(crate) function: String,

    /// The input: `-` for standard input, the name of a file, or else the text itself. A typed
    /// function takes a JSON array of its arguments.
    #[arg(short, long, value_name = "FILE|-|TEXT", allow_hyphen_values = true)]
    pub(crate) input: Option<String>,

    /// Repeat the call COUNT times and print statistics.
    #[arg(long, value_name = "COUNT", value_parser = values::large_count)]
    pub(crate) repeat: Option<u64>,

    /// Make calls from COUNT concurrent callers and print statistics.
    #[arg(long, value_name = "COUNT", value_parser = values::small_count)]
    pub(crate) concurrency: Option<u16>,

    /// Create a new instance of the plugin for each call.
    #[arg(long)]
    pub(crate) fresh: bool,

    /// Run the calls in the callers' threads instead of workers on pinned threads.
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
