//! The syntax of the limits. Their defaults are those of [`isopod_host::Limits`].

use crate::values::{self, ByteCount, Cpus, Timeout};
use clap::Args;

/// Default of `--max-processes`.
pub(crate) const DEFAULT_MAX_PROCESSES: u32 = 256;

/// Limits of a program and its processes, or of a plugin and its instances.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Limit the memory of each process, for example `256MiB`.
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    pub(crate) memory: Option<ByteCount>,

    /// End the program or the call after this time, for example `30s`, `1m 30s` or `none`. Building
    /// does not count [default: 30days].
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Timeout>,

    /// Limit the CPU time of each process or call. Waiting does not count [default: as --timeout].
    #[arg(long, value_name = "TIME")]
    pub(crate) cpu_time: Option<Timeout>,

    /// Limit the number of handles and open files that each process holds [default: 100000].
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    pub(crate) max_handles: Option<u32>,

    /// Limit the size of each message, and of each input and output of a call [default: 64MiB].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) max_message: Option<ByteCount>,

    /// Limit the output of each process or call to standard output and error [default: 1GiB].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) max_output: Option<ByteCount>,

    /// Limit the number of file operations that each process has in progress [default: 4].
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    pub(crate) max_file_operations: Option<u32>,

    /// Limit the number of open files, directories and sockets of each process [default: as
    /// --tree-descriptors].
    #[arg(long, value_name = "COUNT", value_parser = values::count_or_none)]
    pub(crate) max_descriptors: Option<u32>,

    /// Limit the total size of the data in queues, pipes, pools, shared memory and managers
    /// [default: 1GiB].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) max_queued: Option<ByteCount>,

    /// Limit the memory of all processes together [default: half of the machine's memory].
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    pub(crate) tree_memory: Option<ByteCount>,

    /// Limit the memory that the host uses for all processes, in addition to their own memory
    /// [default: a quarter of the machine's memory, at most 2GiB].
    #[arg(long, value_name = "SIZE")]
    pub(crate) tree_host_memory: Option<ByteCount>,

    /// Limit the CPU time of all processes together, including ended processes.
    #[arg(long, value_name = "TIME")]
    pub(crate) tree_cpu_time: Option<Timeout>,

    /// Limit the CPU time that all processes together use in each second: 0.5 is half of a core.
    #[arg(long, value_name = "CPUS")]
    pub(crate) cpus: Option<Cpus>,

    /// Limit the number of file operations that all processes together have in progress [default:
    /// 64].
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    pub(crate) tree_file_operations: Option<u32>,

    /// Limit the number of open files, directories and sockets of all processes together [default:
    /// half of the descriptors that `ulimit -n` leaves].
    #[arg(long, value_name = "COUNT", value_parser = values::count_or_none)]
    pub(crate) tree_descriptors: Option<u32>,

    /// Limit the number of bytes that all processes together write to files [default: 4GiB in the
    /// private /tmp, no limit elsewhere].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) tree_written: Option<ByteCount>,

    /// Limit the number of files, directories and links that all processes together create
    /// [default: 100000 in the private /tmp, no limit elsewhere].
    #[arg(long, value_name = "COUNT", value_parser = values::large_count_or_none)]
    pub(crate) tree_files: Option<u64>,
}

/// Limits of programs only: a plugin starts no processes and has no pools, and the output of each of its calls has its
/// own limit.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct ProgramLimitArgs {
    /// Limit the output of all processes together to standard output and error [default: 4GiB].
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_or_none)]
    pub(crate) tree_output: Option<ByteCount>,

    /// Limit the number of processes that are alive at a time.
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = DEFAULT_MAX_PROCESSES,
        value_parser = values::count
    )]
    pub(crate) max_processes: u32,

    /// Limit the total number of processes that the program starts [default: 100000000].
    #[arg(long, value_name = "COUNT", value_parser = values::large_count)]
    pub(crate) max_started: Option<u64>,

    /// Limit the number of waiting jobs of each pool [default: 1000000].
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    pub(crate) max_jobs: Option<u32>,
}
