//! The resources that a tree has used, for its embedder.

use super::Tree;
use std::time::Duration;

/// The resources that the processes of a tree have used together, ended processes included.
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
    /// How many processes were started.
    pub started: u64,
    /// How many live now.
    pub alive: usize,
    /// The most that lived at the same time.
    pub most_alive: usize,
    /// The CPU time of all of them.
    pub cpu_time: Duration,
    /// The memory of the largest of them, in bytes.
    pub largest_memory_bytes: u64,
    /// The current cost of queued and stored messages and of shared memories, in bytes.
    pub queued_bytes: u64,
    /// The memory that the host uses for the tree, beside the linear memories, in bytes; queued bytes
    /// are part of it. See [`Limits::tree_host_memory`](crate::Limits::tree_host_memory).
    pub host_memory_bytes: u64,
    /// The highest `host_memory_bytes` so far, to within 1 MiB; below 1 MiB, to within 4 KiB.
    pub most_host_memory_bytes: u64,
    /// How many file operations have not returned, those of ended processes included.
    pub file_operations: u32,
    /// How many descriptors of the operating system the processes hold now.
    pub descriptors: u64,
    /// The bytes written to files, as far as they are [limited](crate::Limits::tree_written).
    pub written_bytes: u64,
    /// How many files were made, as far as they are [limited](crate::Limits::tree_files).
    pub files: u64,
}

impl Tree {
    /// The resources that its processes have used together.
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
