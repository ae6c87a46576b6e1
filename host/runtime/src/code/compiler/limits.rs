//! The limits on the loading of a program.

use crate::machine::capacity;
use std::time::Duration;

/// Compiling Python takes half a minute on one slow core.
const TIME: Duration = Duration::from_secs(300);
/// The compiler's memory is a multiple of the program's bytes. Python's runner has 18 MiB.
const PROGRAM_BYTES: u64 = 128 << 20;

/// The limits on the loading of a program: the program determines how much time and memory a compiler
/// needs.
///
/// In [a process of its own](crate::EngineBuilder::compiler_process) all three limits hold. Without one,
/// compiling continues in a thread of this process after its time has passed, though no caller waits for
/// it any more, and its memory is bounded only by the size of programs: compile untrusted programs in a
/// process of its own.
///
/// ```
/// use isopod_host::Engine;
/// use isopod_host::code::CompileLimits;
/// use std::time::Duration;
/// let limits = CompileLimits::default().time(Duration::from_secs(20)).program_bytes(16 << 20);
/// let engine = Engine::builder().compile_limits(limits).build()?;
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct CompileLimits {
    pub(crate) time: Duration,
    pub(crate) memory_bytes: u64,
    pub(crate) program_bytes: u64,
}

/// The size that is assumed for the machine's memory if it cannot be read. In that case no engine can be
/// made either.
const UNREADABLE_MEMORY_BYTES: u64 = 1 << 30;

impl Default for CompileLimits {
    fn default() -> CompileLimits {
        CompileLimits {
            time: TIME,
            memory_bytes: capacity::memory_bytes().unwrap_or(UNREADABLE_MEMORY_BYTES) / 2,
            program_bytes: PROGRAM_BYTES,
        }
    }
}

impl CompileLimits {
    /// The wall-clock time that the compilation of one program may take. Default: 5 minutes.
    pub fn time(mut self, time: Duration) -> CompileLimits {
        self.time = time;
        self
    }

    /// The memory that a compiler in a process of its own may take for one program. Default: half of the
    /// machine's memory, or of its control group's.
    pub fn memory_bytes(mut self, bytes: u64) -> CompileLimits {
        self.memory_bytes = bytes;
        self
    }

    /// The memory, in bytes, that a compiler may take for one program.
    #[must_use]
    pub fn most_memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// The largest program that the engine loads, in bytes. Default: 128 MiB.
    pub fn program_bytes(mut self, bytes: u64) -> CompileLimits {
        self.program_bytes = bytes;
        self
    }
}
