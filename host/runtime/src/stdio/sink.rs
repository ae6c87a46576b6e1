//! Where output ends up, and how to write there without being stuck for ever.

use crate::kernel;
use isopod_sync::{Lock, Waiter};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use std::fmt;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// What a full pipe or terminal takes at once without blocking, once it says that it takes any.
const PIPE_CHUNK_BYTES: usize = 4096;

/// How long a writer waits for a full pipe before it looks whether it was killed. A waiter cannot
/// wake a thread out of `poll`, so this bounds the time to end a process that writes to a pipe
/// which nobody reads.
const KILL_CHECK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};

/// One writer at a time per stream. isopod's own lock, so that a process that waits for it can be
/// ended.
static STDOUT: LazyLock<Lock> = LazyLock::new(Lock::new);
static STDERR: LazyLock<Lock> = LazyLock::new(Lock::new);

/// A destination of output. Clones write to the same place.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    Discard,
    Stdout,
    Stderr,
    Capture(Capture),
}

/// Why nothing was written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The writing process was asked to end.
    Killed,
    /// The system's error.
    Io(io::Error),
}

impl Sink {
    /// Writes all of it, in one write wherever the system allows. Waits while the reader is slow.
    pub(crate) fn write_all(&self, bytes: &[u8]) -> Result<(), WriteError> {
        match self {
            Sink::Discard => Ok(()),
            Sink::Capture(capture) => {
                capture.append(bytes);
                Ok(())
            }
            // Others wait for whoever writes, so that one is not paused.
            Sink::Stdout => {
                kernel::unpaused(|| write_locked(&STDOUT, rustix::stdio::stdout(), bytes))
            }
            Sink::Stderr => {
                kernel::unpaused(|| write_locked(&STDERR, rustix::stdio::stderr(), bytes))
            }
        }
    }

    /// As [`write_all`](Self::write_all), but gives up where it would have to wait: false then.
    /// For the timer thread, which must not wait for anybody.
    pub(crate) fn try_write_all(&self, bytes: &[u8]) -> bool {
        let (lock, stream) = match self {
            Sink::Discard | Sink::Capture(_) => return self.write_all(bytes).is_ok(),
            Sink::Stdout => (&*STDOUT, rustix::stdio::stdout()),
            Sink::Stderr => (&*STDERR, rustix::stdio::stderr()),
        };
        if bytes.len() > PIPE_CHUNK_BYTES || lock.try_acquire().is_err() {
            return false;
        }
        let is_ready = is_ready(stream, &Timespec::default());
        let written = is_ready && rustix::io::write(stream, bytes).is_ok();
        // It was acquired just above.
        let _ = lock.release();
        written
    }

    /// Whether a person sees this.
    pub(crate) fn is_terminal(&self) -> bool {
        match self {
            Sink::Discard | Sink::Capture(_) => false,
            Sink::Stdout => io::IsTerminal::is_terminal(&io::stdout()),
            Sink::Stderr => io::IsTerminal::is_terminal(&io::stderr()),
        }
    }
}

fn write_locked(lock: &Lock, stream: BorrowedFd<'_>, bytes: &[u8]) -> Result<(), WriteError> {
    let acquired = Waiter::current().without_notices(|| lock.acquire());
    acquired.map_err(|_| WriteError::Killed)?;
    let written = write_bytes(stream, bytes);
    // It was acquired just above.
    let _ = lock.release();
    written
}

fn write_bytes(stream: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), WriteError> {
    let is_file = rustix::fs::fstat(stream)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file());
    while !bytes.is_empty() {
        let chunk = if is_file {
            bytes
        } else {
            while !is_ready(stream, &KILL_CHECK) {
                if Waiter::current().is_killed() {
                    return Err(WriteError::Killed);
                }
            }
            bytes.get(..PIPE_CHUNK_BYTES).unwrap_or(bytes)
        };
        match rustix::io::write(stream, chunk) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(WriteError::Io(errno.into())),
        }
    }
    Ok(())
}

/// Whether a write of [`PIPE_CHUNK_BYTES`] would not block. An error counts as ready: the write
/// then reports it.
fn is_ready(stream: BorrowedFd<'_>, timeout: &Timespec) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stream, PollFlags::OUT)];
    match poll(&mut fds, Some(timeout)) {
        Ok(count) => count > 0,
        Err(Errno::INTR) => false,
        Err(_) => true,
    }
}

/// A buffer that output is captured into. Clones share it.
///
/// It holds up to [`Capture::LIMIT_BYTES`]; what is written beyond that is dropped, and
/// [`is_truncated`](Capture::is_truncated) says so.
///
/// ```no_run
/// # fn example(program: &isopod_host::Program) -> isopod_host::Result<()> {
/// use isopod_host::{Capture, Command, Output};
/// let output = Capture::new();
/// let command = Command::new(program).stdout(Output::Capture(output.clone()));
/// command.spawn()?.join_tree();
/// println!("{}", output.text());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Capture {
    captured: Arc<Mutex<Captured>>,
}

#[derive(Default)]
struct Captured {
    bytes: Vec<u8>,
    is_truncated: bool,
}

impl Capture {
    /// What a capture holds at most: 64 MiB.
    pub const LIMIT_BYTES: usize = 64 << 20;

    /// An empty capture.
    pub fn new() -> Capture {
        Capture::default()
    }

    /// A copy of what was captured until now.
    pub fn bytes(&self) -> Vec<u8> {
        let captured = self.captured.lock().unwrap_or_else(PoisonError::into_inner);
        captured.bytes.clone()
    }

    /// [`bytes`](Self::bytes) as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Whether output was dropped because the capture was full.
    pub fn is_truncated(&self) -> bool {
        let captured = self.captured.lock().unwrap_or_else(PoisonError::into_inner);
        captured.is_truncated
    }

    fn append(&self, bytes: &[u8]) {
        let mut captured = self.captured.lock().unwrap_or_else(PoisonError::into_inner);
        let room = Capture::LIMIT_BYTES - captured.bytes.len();
        let kept = bytes.get(..room).unwrap_or(bytes);
        captured.bytes.extend_from_slice(kept);
        captured.is_truncated |= kept.len() < bytes.len();
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Capture").finish_non_exhaustive()
    }
}
