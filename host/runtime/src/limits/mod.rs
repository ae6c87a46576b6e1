//! The limits on the resources of processes: of each process, and of a tree of processes together.
//!
//! A process that reaches a limit gets an error at the call, or an exit status; the host never fails for
//! it. A child has its parent's limits, or lower ones. The capacity of the machine bounds the engine
//! separately ([`machine`](crate::machine::capacity)).

mod account;
mod descriptors;
mod operations;
mod raising;
mod storage;
mod text;

pub(crate) use account::Account;
pub(crate) use descriptors::{Descriptors, EngineDescriptors, Taken, TooMany, TreeDescriptors};
/// Formats a size exactly, as the messages about limits give it.
pub(crate) use isopod_text::size as bytes;
pub(crate) use operations::OperationLimit;
pub(crate) use raising::{OF_CALL_CPU_TIME, OF_CHILD_TIMEOUT, OF_TIMEOUT, ProcessLimit};
#[cfg(test)]
pub(crate) use storage::TEMPORARY_BYTES;
pub(crate) use storage::{Counted, Storage};
pub(crate) use text::{
    LONGEST_STATUS_BYTES, cut, deadline, message_too_large, never_fits, over_budget,
    over_either_budget, over_host_memory, too_many_handles, too_many_waiting,
};

use crate::error::{Error, ErrorKind, Result};
use std::time::Duration;

/// The default lifetime of main: longer than any program should run unless its timeout was chosen.
const DEFAULT_TIMEOUT: Duration = Duration::from_hours(30 * 24);

/// The largest default for the host's memory of a tree.
pub(crate) const MOST_HOST_MEMORY_BYTES: u64 = 2 << 30;

/// The smallest quota, in each second.
const SMALLEST_QUOTA: Duration = Duration::from_millis(1);

/// The smallest memory limit: one WebAssembly page.
const SMALLEST_MEMORY_LIMIT: u64 = 64 << 10;

/// The limits of the processes that a [`Command`](crate::Command) starts.
///
/// | limit | of | default | when it is reached |
/// |---|---|---|---|
/// | [`memory`](Self::memory) | process | 4 GiB | growth fails; exit status `memory-limit` |
/// | [`table_elements`](Self::table_elements) | process | 1,000,000 | as memory |
/// | [`cpu_time`](Self::cpu_time) | process | its tree's timeout | exit status `cpu-time-limit` |
/// | [`timeout`](Self::timeout) | main, and with it the tree | 30 days | exit status `deadline` |
/// | [`handles`](Self::handles) | process | 100,000 | error `limit-exceeded`; exit status `limit` where the call has no such error, or a message was taken already |
/// | [`message_size`](Self::message_size) | process | 64 MiB | error `message-too-large` |
/// | [`output`](Self::output) | process | 1 GiB | exit status `limit` |
/// | [`file_operations`](Self::file_operations) | process | 4 | the call waits, 5 s at most, then fails with `would-block` (`EAGAIN`) |
/// | [`descriptors`](Self::descriptors) | process | its tree's | opening fails with `insufficient-memory` (`ENOMEM`), of sockets with `new-socket-limit` |
/// | [`tree_memory`](Self::tree_memory) | tree | half of the machine's memory | as memory |
/// | [`tree_cpu_time`](Self::tree_cpu_time) | tree | none | exit status `cpu-time-limit` of all its processes |
/// | [`cpus`](Self::cpus) | tree | none | its processes are paused |
/// | [`tree_output`](Self::tree_output) | tree | 4 GiB | exit status `limit` at the next write |
/// | [`tree_file_operations`](Self::tree_file_operations) | tree | 64 | as `file_operations` |
/// | [`tree_descriptors`](Self::tree_descriptors) | tree | as many as it leaves free for others | as `descriptors` |
/// | [`tree_written`](Self::tree_written) | tree | 4 GiB in its temporary directories | error `quota` (`EDQUOT`) |
/// | [`tree_files`](Self::tree_files) | tree | 100,000 in its temporary directories | error `quota` (`EDQUOT`) |
/// | [`queued_bytes`](Self::queued_bytes) | tree | 1 GiB | error `limit-exceeded` |
/// | [`tree_host_memory`](Self::tree_host_memory) | tree | a quarter of the machine's memory, 2 GiB at most | error `limit-exceeded`; exit status `limit` where the call has no such error |
/// | [`live_processes`](Self::live_processes) | tree | the engine's | error `limit-exceeded` |
/// | [`started_processes`](Self::started_processes) | tree | 100,000,000 | error `limit-exceeded` |
/// | [`waiting_jobs`](Self::waiting_jobs) | pool | 1,000,000 | error `limit-exceeded` |
///
/// To remove a limit, set the largest value of its type: `timeout(Duration::MAX)` for a service that must
/// run for ever.
///
/// ```
/// use isopod_host::Limits;
/// use std::time::Duration;
/// let limits = Limits::default()
///     .memory(64 << 20)
///     .cpu_time(Duration::from_secs(10))
///     .live_processes(8);
/// assert_ne!(limits, Limits::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "limits hold for the command that they are given to"]
pub struct Limits {
    pub(crate) process: ProcessLimits,
    pub(crate) tree: TreeLimits,
    pub(crate) timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            process: ProcessLimits::default(),
            tree: TreeLimits::default(),
            timeout: DEFAULT_TIMEOUT,
        }
    }
}

/// The limits of one process; a child has the same, or lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessLimits {
    pub(crate) memory_bytes: u64,
    pub(crate) table_elements: u64,
    /// `None` means the time that its tree's timeout allows, which needs no clock of its own.
    pub(crate) cpu_time: Option<Duration>,
    pub(crate) handles: u32,
    pub(crate) message_bytes: u64,
    pub(crate) output_bytes: u64,
    pub(crate) file_operations: u32,
    pub(crate) descriptors: u32,
}

impl Default for ProcessLimits {
    fn default() -> ProcessLimits {
        ProcessLimits {
            // The largest size of a 32-bit memory.
            memory_bytes: 4 << 30,
            table_elements: 1_000_000,
            cpu_time: None,
            handles: 100_000,
            message_bytes: 64 << 20,
            output_bytes: 1 << 30,
            file_operations: 4,
            descriptors: u32::MAX,
        }
    }
}

/// The limits of the processes of a tree together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TreeLimits {
    /// `None` means half of the machine's memory.
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) cpu_time: Option<Duration>,
    /// In each second.
    pub(crate) cpus: Option<Duration>,
    pub(crate) output_bytes: u64,
    pub(crate) queued_bytes: u64,
    /// `None` means a quarter of the machine's memory, and [`MOST_HOST_MEMORY_BYTES`] at most.
    pub(crate) host_memory_bytes: Option<u64>,
    pub(crate) live_processes: u32,
    pub(crate) started_processes: u64,
    pub(crate) waiting_jobs: u32,
    pub(crate) file_operations: u32,
    /// `None` means as many as the tree leaves free in its engine.
    pub(crate) descriptors: Option<u32>,
    /// `None` means a default for temporary directories, and no limit for others; likewise for `files`.
    pub(crate) written_bytes: Option<u64>,
    pub(crate) files: Option<u64>,
}

impl Default for TreeLimits {
    fn default() -> TreeLimits {
        TreeLimits {
            memory_bytes: None,
            cpu_time: None,
            cpus: None,
            output_bytes: 4 << 30,
            queued_bytes: 1 << 30,
            host_memory_bytes: None,
            live_processes: u32::MAX,
            started_processes: 100_000_000,
            waiting_jobs: 1_000_000,
            file_operations: 64,
            descriptors: None,
            written_bytes: None,
            files: None,
        }
    }
}

impl Limits {
    /// The linear memories of each process together, in bytes; at least 64 KiB.
    pub fn memory(mut self, bytes: u64) -> Limits {
        self.process.memory_bytes = bytes;
        self
    }

    /// The elements of the tables of each process together.
    pub fn table_elements(mut self, count: u64) -> Limits {
        self.process.table_elements = count;
        self
    }

    /// The time that each process may compute. It is measured by the clock of the process's thread, which
    /// stops while the process waits. The process is ended at most some milliseconds of its CPU time
    /// later.
    pub fn cpu_time(mut self, time: Duration) -> Limits {
        self.process.cpu_time = Some(time);
        self
    }

    /// The time after which main is ended, and the tree with it. It does not apply to pools of the
    /// embedder's, whose jobs have timeouts of their own.
    pub fn timeout(mut self, timeout: Duration) -> Limits {
        self.timeout = timeout;
        self
    }

    /// The number of handles, objects, open files and streams that each process may hold at a time. About
    /// ten are in use before a program's first line.
    pub fn handles(mut self, count: u32) -> Limits {
        self.process.handles = count;
        self
    }

    /// The largest payload of a message that a process may send, in bytes.
    pub fn message_size(mut self, bytes: u64) -> Limits {
        self.process.message_bytes = bytes;
        self
    }

    /// The bytes that each process may write to standard output and standard error together.
    pub fn output(mut self, bytes: u64) -> Limits {
        self.process.output_bytes = bytes;
        self
    }

    /// The number of file operations of each process that have not returned. They run on threads that
    /// cannot be interrupted. An operation that finds no free place waits for 5 seconds at most, and then
    /// fails with `would-block`. The operations of a process that was ended count until they return.
    pub fn file_operations(mut self, count: u32) -> Limits {
        self.process.file_operations = count;
        self
    }

    /// The file operations of all processes together, like [`file_operations`](Self::file_operations).
    /// All trees of an engine together have 256.
    pub fn tree_file_operations(mut self, count: u32) -> Limits {
        self.tree.file_operations = count;
        self
    }

    /// The descriptors of the operating system that each process may hold: its open files, directories
    /// and sockets, and one more for each socket that listens. Default: the limit of its tree.
    pub fn descriptors(mut self, count: u32) -> Limits {
        self.process.descriptors = count;
        self
    }

    /// The descriptors of all processes together. Default: as many as are left free for the other trees
    /// of the engine, so that no tree takes them all. `ulimit -n` determines the number that an engine
    /// has: [`Engine::max_descriptors`](crate::Engine::max_descriptors).
    pub fn tree_descriptors(mut self, count: u32) -> Limits {
        self.tree.descriptors = Some(count);
        self
    }

    /// The bytes that all processes, including ended ones, may write to files, or by which they may extend
    /// files without writing. Removing data gives nothing back. The limit holds for all directories
    /// together; unless it is set, only [temporary directories](crate::Policy::temporary_directory) count,
    /// up to 4 GiB.
    pub fn tree_written(mut self, bytes: u64) -> Limits {
        self.tree.written_bytes = Some(bytes);
        self
    }

    /// The files, directories and links that all processes, including ended ones, may make. Removing them
    /// gives nothing back. The limit holds for all directories together; unless it is set, only
    /// [temporary directories](crate::Policy::temporary_directory) count, up to 100,000.
    pub fn tree_files(mut self, count: u64) -> Limits {
        self.tree.files = Some(count);
        self
    }

    /// The linear memories of all live processes together, in bytes.
    pub fn tree_memory(mut self, bytes: u64) -> Limits {
        self.tree.memory_bytes = Some(bytes);
        self
    }

    /// The time that all processes of the tree, living and ended, may compute together. When it is used
    /// up, all of them are ended, at most some milliseconds later, and the tree starts no more. The calls
    /// of a plugin count for the plugin's tree, on any thread; a version that is reloaded starts from
    /// zero.
    pub fn tree_cpu_time(mut self, time: Duration) -> Limits {
        self.tree.cpu_time = Some(time);
        self
    }

    /// The CPU time that all processes of the tree may use together in each second, in seconds: 0.5 is
    /// half of one core, 2 is two cores. When the quota is used up, the processes are paused for some
    /// milliseconds. The other limits of time treat a pause like a wait: deadlines continue, CPU time
    /// stops. A tree can save up unused quota for a tenth of a second.
    ///
    /// ```
    /// use isopod_host::Limits;
    /// let limits = Limits::default().cpus(0.5);
    /// assert_ne!(limits, Limits::default());
    /// ```
    pub fn cpus(mut self, cpus: f64) -> Limits {
        // NaN and negative values become zero, which `check` refuses as too small; too large a value
        // means no quota.
        let is_too_much = cpus > 1e9;
        let per_second = Duration::try_from_secs_f64(cpus).unwrap_or_default();
        self.tree.cpus = (!is_too_much).then_some(per_second);
        self
    }

    /// The bytes that all processes, including ended ones, may write to standard output and standard
    /// error together.
    pub fn tree_output(mut self, bytes: u64) -> Limits {
        self.tree.output_bytes = bytes;
        self
    }

    /// The bytes that messages in queues, pipes and pools, contents of dicts and lists, and shared
    /// memories may cost together.
    pub fn queued_bytes(mut self, bytes: u64) -> Limits {
        self.tree.queued_bytes = bytes;
        self
    }

    /// The memory that the host uses for the tree, beside the linear memories, in bytes: queued bytes,
    /// objects, handles, options, processes, records of ended processes, and copies in transit. Each live
    /// process takes 128 KiB of it.
    pub fn tree_host_memory(mut self, bytes: u64) -> Limits {
        self.tree.host_memory_bytes = Some(bytes);
        self
    }

    /// The number of processes that may live at a time.
    pub fn live_processes(mut self, count: u32) -> Limits {
        self.tree.live_processes = count;
        self
    }

    /// The number of processes that may be started in all, including ended ones.
    pub fn started_processes(mut self, count: u64) -> Limits {
        self.tree.started_processes = count;
        self
    }

    /// The number of jobs of a pool that may wait to begin.
    pub fn waiting_jobs(mut self, count: u32) -> Limits {
        self.tree.waiting_jobs = count;
        self
    }

    /// The timeout of a call, if the embedder has set one: the default is meant for main functions, since
    /// no caller waits for main as it waits for a call.
    pub(crate) fn call_deadline(&self) -> Option<Duration> {
        (self.timeout < DEFAULT_TIMEOUT).then_some(self.timeout)
    }

    /// Whether a process can live within these limits.
    pub(crate) fn check(&self) -> Result<()> {
        let invalid = |text: String| Err(Error::new(ErrorKind::InvalidArgument, text));
        let memory_bytes = self.process.memory_bytes;
        if memory_bytes < SMALLEST_MEMORY_LIMIT {
            return invalid(format!(
                "a memory limit of {} is too small: the smallest is {}",
                bytes(memory_bytes),
                bytes(SMALLEST_MEMORY_LIMIT)
            ));
        }
        if let Some(cpus) = self.tree.cpus.filter(|cpus| *cpus < SMALLEST_QUOTA) {
            return invalid(format!(
                "a quota of {} CPUs is too small: the smallest is {}",
                cpus.as_secs_f64(),
                SMALLEST_QUOTA.as_secs_f64()
            ));
        }
        // For the other limits zero is meaningful: no output, no files.
        for (what, is_zero) in [
            ("handles", self.process.handles == 0),
            ("live processes", self.tree.live_processes == 0),
            ("started processes", self.tree.started_processes == 0),
            ("waiting jobs", self.tree.waiting_jobs == 0),
            ("file operations", self.process.file_operations == 0),
            (
                "file operations of the tree",
                self.tree.file_operations == 0,
            ),
        ] {
            if is_zero {
                return invalid(format!(
                    "a limit of 0 {what} is too small: the smallest is 1"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
