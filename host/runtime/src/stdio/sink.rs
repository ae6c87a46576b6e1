//! The destinations of output.

use super::inherited::{STDERR, STDOUT};
use crate::machine::kernel;
use crate::mutex::lock;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fmt, io};

/// A destination of output. Clones write to the same place.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    Discard,
    Stdout,
    Stderr,
    Capture(Capture),
}

/// The reason why nothing was written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The writing process was asked to end.
    Killed,
    /// The reader has not read for too long.
    TimedOut,
    /// The system's error.
    Io(io::Error),
}

impl Sink {
    /// Writes all bytes, in one write wherever the system allows. Waits while the reader is slow.
    pub(crate) fn write_all(&self, bytes: &[u8]) -> Result<(), WriteError> {
        self.write_all_until(bytes, None)
    }

    /// Like [`write_all`](Self::write_all), but waits for the reader for this long at most.
    pub(crate) fn write_all_within(
        &self,
        bytes: &[u8],
        timeout: Duration,
    ) -> Result<(), WriteError> {
        self.write_all_until(bytes, Instant::now().checked_add(timeout))
    }

    fn write_all_until(&self, bytes: &[u8], deadline: Option<Instant>) -> Result<(), WriteError> {
        match self {
            Sink::Discard => Ok(()),
            Sink::Capture(capture) => {
                capture.append(bytes);
                Ok(())
            }
            // Other processes wait for the writer, so it must not be paused.
            Sink::Stdout => kernel::unpaused(|| STDOUT.write(bytes, deadline)),
            Sink::Stderr => kernel::unpaused(|| STDERR.write(bytes, deadline)),
        }
    }

    /// Like [`write_all`](Self::write_all), but returns false where it would have to wait. For the timer
    /// thread, which must not wait for anything.
    pub(crate) fn try_write_all(&self, bytes: &[u8]) -> bool {
        match self {
            Sink::Discard | Sink::Capture(_) => self.write_all(bytes).is_ok(),
            Sink::Stdout => STDOUT.try_write(bytes),
            Sink::Stderr => STDERR.try_write(bytes),
        }
    }

    /// Whether a person sees the output.
    pub(crate) fn is_terminal(&self) -> bool {
        match self {
            Sink::Discard | Sink::Capture(_) => false,
            Sink::Stdout => io::IsTerminal::is_terminal(&io::stdout()),
            Sink::Stderr => io::IsTerminal::is_terminal(&io::stderr()),
        }
    }
}

/// A buffer that output is captured into. Clones share it.
///
/// It holds up to [`Capture::LIMIT_BYTES`]; output beyond that is dropped, and
/// [`is_truncated`](Capture::is_truncated) returns true.
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
    /// The capacity of a capture: 64 MiB.
    pub const LIMIT_BYTES: usize = 64 << 20;

    /// An empty capture.
    pub fn new() -> Capture {
        Capture::default()
    }

    /// A copy of the output captured so far.
    pub fn bytes(&self) -> Vec<u8> {
        let captured = lock(&self.captured);
        captured.bytes.clone()
    }

    /// [`bytes`](Self::bytes) as text; invalid UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Whether output was dropped because the capture was full.
    pub fn is_truncated(&self) -> bool {
        let captured = lock(&self.captured);
        captured.is_truncated
    }

    fn append(&self, bytes: &[u8]) {
        let mut captured = lock(&self.captured);
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
