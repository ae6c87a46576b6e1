//! The operating-system process's own output streams, and a way to write to them without being stuck for
//! ever.
//!
//! A pipe or terminal fills up if its reader does not read. It may report room for a little more, and be
//! full by the time of the write, since others write to it too: standard output and error are often one
//! pipe. A thread that is then stuck in the kernel cannot be ended, and if the timer's thread is stuck,
//! no process can be ended. So such a stream is opened once more for this process, in non-blocking mode.
//! This leaves the stream unchanged for all other processes that have it. Where the system refuses that,
//! a write starts only after the stream reports that it is ready.

use super::sink::WriteError;
use crate::mutex::lock;
use isopod_sync::{AcquireError, Lock, Waiter};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat};
use rustix::io::Errno;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

/// The bytes that a full pipe or terminal accepts at once without blocking, once it reports that it has
/// room.
const PIPE_CHUNK_BYTES: usize = 4096;

/// The time that a writer waits for a full pipe before it checks whether it was killed. A waiter cannot
/// wake a thread out of `poll`, so this bounds the time to end a process that writes to a pipe without a
/// reader.
const KILL_CHECK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};

pub(super) static STDOUT: LazyLock<Stream> = LazyLock::new(|| Stream::new(rustix::stdio::stdout));
pub(super) static STDERR: LazyLock<Stream> = LazyLock::new(|| Stream::new(rustix::stdio::stderr));

/// One of the two streams.
pub(super) struct Stream {
    stream: fn() -> BorrowedFd<'static>,
    /// One writer at a time. isopod's own lock, so that a process that waits for it can be ended.
    turn: Lock,
    opened: Mutex<Option<Opened>>,
}

/// A stream that was opened once more, in non-blocking mode.
#[derive(Clone)]
struct Opened {
    /// The identity of the original stream, which may be replaced by another one meanwhile.
    device: u64,
    inode: u64,
    stream: Option<Arc<OwnedFd>>,
}

impl Stream {
    fn new(stream: fn() -> BorrowedFd<'static>) -> Stream {
        Stream {
            stream,
            turn: Lock::new(),
            opened: Mutex::new(None),
        }
    }

    /// Writes all bytes. Waits while the reader is slow, until the calling process is killed or the
    /// deadline passes.
    pub(super) fn write(&self, bytes: &[u8], deadline: Option<Instant>) -> Result<(), WriteError> {
        Waiter::current().without_notices(|| match deadline {
            None => match self.turn.acquire() {
                Ok(_) => Ok(()),
                Err(_) => Err(WriteError::Killed),
            },
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                match self.turn.acquire_timeout(left) {
                    Ok(_) => Ok(()),
                    Err(AcquireError::TimedOut) => Err(WriteError::TimedOut),
                    Err(_) => Err(WriteError::Killed),
                }
            }
        })?;
        let written = self.write_in_turn(bytes, deadline);
        // The lock was acquired just above.
        let _ = self.turn.release();
        written
    }

    /// Writes all bytes if that needs no waiting. Returns whether it did.
    pub(super) fn try_write(&self, bytes: &[u8]) -> bool {
        if bytes.len() > PIPE_CHUNK_BYTES || self.turn.try_acquire().is_err() {
            return false;
        }
        let opened = self.opened();
        let written = self.with(opened.as_ref(), |stream| {
            is_ready(stream, &Timespec::default()) && rustix::io::write(stream, bytes).is_ok()
        });
        // The lock was acquired just above.
        let _ = self.turn.release();
        written
    }

    fn write_in_turn(&self, mut bytes: &[u8], deadline: Option<Instant>) -> Result<(), WriteError> {
        let is_file = fstat((self.stream)()).is_ok_and(|stat| kind(&stat).is_file());
        let opened = self.opened();
        while !bytes.is_empty() {
            let chunk = match is_file {
                true => bytes,
                false => bytes.get(..PIPE_CHUNK_BYTES).unwrap_or(bytes),
            };
            // The stream may no longer be ready at the write: others write to it too.
            let written = self.with(opened.as_ref(), |stream| {
                match is_file || is_ready(stream, &KILL_CHECK) {
                    true => rustix::io::write(stream, chunk),
                    false => Err(Errno::AGAIN),
                }
            });
            match written {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(Errno::INTR | Errno::AGAIN) if Waiter::current().is_killed() => {
                    return Err(WriteError::Killed);
                }
                Err(Errno::INTR | Errno::AGAIN)
                    if deadline.is_some_and(|deadline| deadline <= Instant::now()) =>
                {
                    return Err(WriteError::TimedOut);
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(errno) => return Err(WriteError::Io(errno.into())),
            }
        }
        Ok(())
    }

    fn with<T>(
        &self,
        opened: Option<&Arc<OwnedFd>>,
        action: impl FnOnce(BorrowedFd<'_>) -> T,
    ) -> T {
        match opened {
            Some(opened) => action(opened.as_fd()),
            None => action((self.stream)()),
        }
    }

    /// The stream as it was opened once more, if it is a pipe or a terminal and the system allows the
    /// second opening.
    fn opened(&self) -> Option<Arc<OwnedFd>> {
        let stream = (self.stream)();
        let stat = fstat(stream).ok()?;
        if !matches!(kind(&stat), FileType::Fifo | FileType::CharacterDevice) {
            return None;
        }
        let mut opened = lock(&self.opened);
        if let Some(known) = opened.as_ref()
            && (known.device, known.inode) == (stat.st_dev, stat.st_ino)
        {
            return known.stream.clone();
        }
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&stream));
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let again = rustix::fs::open(path, flags, Mode::empty()).ok();
        let again = again.map(Arc::new);
        *opened = Some(Opened {
            device: stat.st_dev,
            inode: stat.st_ino,
            stream: again.clone(),
        });
        again
    }
}

/// Opens the streams once more now, where possible: later the process may have confined itself.
pub(crate) fn prepare() {
    STDOUT.opened();
    STDERR.opened();
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
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
