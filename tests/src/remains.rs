//! The resources of this whole operating-system process, counted before and after.

use std::fs;

/// The most idle threads that an engine keeps for each core.
const IDLE_THREADS_PER_CORE: usize = 64;

/// The most operations on files that an engine runs at a time. Each has a thread of a pool, which stays for
/// a while. Two more threads wait for timers and for standard input.
const IO_THREADS: usize = 256 + 2;

/// Threads, mappings, descriptors and memory of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remains {
    /// Threads, except those of the test runner, the idle ones, and those for input and output.
    pub threads: usize,
    /// Threads that wait for a process to run: an engine keeps some for each core.
    pub idle_threads: usize,
    /// Threads for input and output: an engine has a pool of them.
    pub io_threads: usize,
    /// Memory mappings.
    pub mappings: usize,
    /// File descriptors.
    pub descriptors: usize,
    /// Memory that is resident, in bytes.
    pub resident_bytes: u64,
}

impl Remains {
    /// Counts.
    ///
    /// # Errors
    /// If the system does not give the numbers.
    pub fn count() -> std::io::Result<Remains> {
        let (mut threads, mut idle_threads, mut io_threads) = (0, 0, 0);
        for thread in fs::read_dir("/proc/self/task")? {
            // A thread may end meanwhile. The runner names its own after the paths of tests.
            match fs::read_to_string(thread?.path().join("comm")) {
                Ok(name) if name.trim_end() == "isopod-idle" => idle_threads += 1,
                Ok(name) if name.trim_end() == "isopod-io" => io_threads += 1,
                Ok(name) if !name.contains("::") => threads += 1,
                _ => {}
            }
        }
        let pages = fs::read_to_string("/proc/self/statm")?;
        let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok());
        Ok(Remains {
            threads,
            idle_threads,
            io_threads,
            mappings: fs::read_to_string("/proc/self/maps")?.lines().count(),
            descriptors: fs::read_dir("/proc/self/fd")?.count(),
            resident_bytes: pages.unwrap_or(0_u64) * 4096,
        })
    }

    /// Whether no more is there than before. A pool may have grown by some threads or a warm slot, and the
    /// allocator may keep some memory, but neither may grow with the work that was done meanwhile.
    #[must_use]
    pub fn is_as(&self, before: &Remains) -> bool {
        const ALLOCATOR_BYTES: u64 = 48 << 20;
        // A stack, its guard and the allocator's share.
        const MAPPINGS_PER_THREAD: usize = 4;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let more_idle = self.idle_threads.saturating_sub(before.idle_threads);
        let more_io = self.io_threads.saturating_sub(before.io_threads);
        let mappings = before.mappings + 40 + (more_idle + more_io) * MAPPINGS_PER_THREAD;
        self.descriptors <= before.descriptors
            && self.threads <= before.threads
            && self.idle_threads <= IDLE_THREADS_PER_CORE * cores
            && self.io_threads <= before.io_threads.max(IO_THREADS)
            && self.mappings <= mappings
            && self.resident_bytes <= before.resident_bytes + ALLOCATOR_BYTES
    }
}
