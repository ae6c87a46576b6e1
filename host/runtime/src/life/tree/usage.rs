//! What a tree has used, for its embedder.

use super::Tree;
use std::time::Duration;

/// What the processes of a tree have used together, those that have ended included.
///
/// ```no_run
/// # fn example(process: &isopod_host::Process) {
/// let usage = process.tree_usage();
/// println!("{} of {} live, {:?} used", usage.alive, usage.started, usage.cpu_time);
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeUsage {
    /// How many were started.
    pub started: u64,
    /// How many live now.
    pub alive: usize,
    /// How many lived at a time at most.
    pub most_alive: usize,
    /// The CPU time of all of them.
    pub cpu_time: Duration,
    /// The memory of the largest of them, in bytes.
    pub largest_memory_bytes: u64,
    /// What queued and stored messages and shared memories cost now, in bytes.
    pub queued_bytes: u64,
    /// The memory that the host uses for the tree, beside the linear memories, in bytes; queued bytes
    /// are part of it. See [`Limits::tree_host_memory`](crate::Limits::tree_host_memory).
    pub host_memory_bytes: u64,
    /// The same at its highest, to 1 MiB; to 4 KiB below that.
    pub most_host_memory_bytes: u64,
    /// How many file operations have not returned, those of processes that have ended included.
    pub file_operations: u32,
    /// How many descriptors of the operating system they hold now.
    pub descriptors: u64,
    /// The bytes written to files, as far as they are [limited](crate::Limits::tree_written).
    pub written_bytes: u64,
    /// How many files were made, as far as they are [limited](crate::Limits::tree_files).
    pub files: u64,
}

impl Tree {
    /// What its processes have used together.
    pub(crate) fn usage(&self) -> TreeUsage {
        let (cpu_time, _) = self.cpu_time();
        let members = self.members();
        let live = || members.live.values().map(|process| &process.vitals);
        let (written_bytes, files) = self.storage.used();
        TreeUsage {
            started: members.started,
            alive: members.live.len(),
            most_alive: members.most_alive,
            cpu_time,
            largest_memory_bytes: live()
                .map(|vitals| vitals.memory_bytes())
                .fold(members.largest_memory_bytes, u64::max),
            queued_bytes: self.objects.queued_bytes(),
            host_memory_bytes: self.objects.host_bytes(),
            most_host_memory_bytes: self.objects.most_host_bytes(),
            file_operations: self.file_operations.outstanding(),
            descriptors: self.descriptors.held(),
            written_bytes,
            files,
        }
    }
}
