//! The syntax of the limits. Their defaults are those of [`isopod_host::Limits`].

use crate::values::{self, ByteCount, Cpus, Timeout};
use clap::Args;

/// How many processes a program may have alive at a time unless `--max-processes` says otherwise.
pub(crate) const DEFAULT_MAX_PROCESSES: u32 = 256;

/// What a program and its processes may use, or a plugin and its instances, of `run` and `call` alike.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Limit the memory of each process, as `256MiB`.
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    pub(crate) memory: Option<ByteCount>,

    /// End the program, or a call, when it has run this long, as `30s` or `1m 30s`, or `none`; building
    /// does not count [default: 30days].
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Timeout>,

    /// Limit the CPU time of each process, or of each call; waiting does not count [default: as
    /// --timeout].
    #[arg(long, value_name = "TIME")]
    pub(crate) cpu_time: Option<Timeout>,

    /// Limit what each process holds at a time: handles, open files [default: 100000].
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    pub(crate) max_handles: Option<u32>,

    /// Limit the size of a message, or of inputs and outputs of a call [default: 64MiB].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) max_message: Option<ByteCount>,

    /// Limit what each process, or each call, writes to standard output and error [default: 1GiB].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) max_output: Option<ByteCount>,

    /// Limit the file operations of each process that have not returned [default: 4].
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    pub(crate) max_file_operations: Option<u32>,

    /// Limit the open files, directories and sockets of each process [default: as
    /// --tree-descriptors].
    #[arg(long, value_name = "COUNT", value_parser = values::count_or_none)]
    pub(crate) max_descriptors: Option<u32>,

    /// Limit what waits in queues, pipes and pools, with shared memory and managers' contents
    /// [default: 1GiB].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) max_queued: Option<ByteCount>,

    /// Limit the memory of all processes together [default: half of the machine's].
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    pub(crate) tree_memory: Option<ByteCount>,

    /// Limit the memory that the host uses for all processes, beside their own [default: a
    /// quarter of the machine's, at most 2GiB].
    #[arg(long, value_name = "SIZE")]
    pub(crate) tree_host_memory: Option<ByteCount>,

    /// Limit the CPU time of all processes together, those that have ended too.
    #[arg(long, value_name = "TIME")]
    pub(crate) tree_cpu_time: Option<Timeout>,

    /// Limit the CPU time of all processes together in each second: 0.5 is half of a core.
    #[arg(long, value_name = "CPUS")]
    pub(crate) cpus: Option<Cpus>,

    /// Limit the file operations of all processes that have not returned [default: 64].
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    pub(crate) tree_file_operations: Option<u32>,

    /// Limit the open files, directories and sockets of all processes together [default: half of
    /// what `ulimit -n` leaves].
    #[arg(long, value_name = "COUNT", value_parser = values::count_or_none)]
    pub(crate) tree_descriptors: Option<u32>,

    /// Limit what all processes write to files, in all directories together [default: 4GiB in the
    /// private /tmp, no limit elsewhere].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) tree_written: Option<ByteCount>,

    /// Limit the files, directories and links that all processes make, in all directories together
    /// [default: 100000 in the private /tmp, no limit elsewhere].
    #[arg(long, value_name = "COUNT", value_parser = values::large_count_or_none)]
    pub(crate) tree_files: Option<u64>,
}

/// The limits of what a plugin does not do: it starts no processes and has no pools, and each of its calls has a
/// limit of output.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct ProgramLimitArgs {
    /// Limit what all processes write to standard output and error together [default: 4GiB].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) tree_output: Option<ByteCount>,

    /// Limit the number of processes alive at a time.
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = DEFAULT_MAX_PROCESSES,
        value_parser = values::count
    )]
    pub(crate) max_processes: u32,

    /// Limit the number of processes started in all [default: 100000000].
    #[arg(long, value_name = "COUNT", value_parser = values::large_count)]
    pub(crate) max_started: Option<u64>,

    /// Limit the number of jobs of a pool that wait [default: 1000000].
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    pub(crate) max_jobs: Option<u32>,
}
