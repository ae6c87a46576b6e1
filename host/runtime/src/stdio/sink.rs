//! Where output ends up.

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

/// Why nothing was written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The writing process was asked to end.
    Killed,
    /// Nobody has read for too long.
    TimedOut,
    /// The system's error.
    Io(io::Error),
}

impl Sink {
    /// Writes all of it, in one write wherever the system allows. Waits while the reader is slow.
    pub(crate) fn write_all(&self, bytes: &[u8]) -> Result<(), WriteError> {
        self.write_all_until(bytes, None)
    }

    /// As [`write_all`](Self::write_all), but waits for the reader for this long at most.
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
            // Others wait for whoever writes, so that one is not paused.
            Sink::Stdout => kernel::unpaused(|| STDOUT.write(bytes, deadline)),
            Sink::Stderr => kernel::unpaused(|| STDERR.write(bytes, deadline)),
        }
    }

    /// As [`write_all`](Self::write_all), but gives up where it would have to wait: false then.
    /// For the timer thread, which must not wait for anybody.
    pub(crate) fn try_write_all(&self, bytes: &[u8]) -> bool {
        match self {
            Sink::Discard | Sink::Capture(_) => self.write_all(bytes).is_ok(),
            Sink::Stdout => STDOUT.try_write(bytes),
            Sink::Stderr => STDERR.try_write(bytes),
        }
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
        let captured = lock(&self.captured);
        captured.bytes.clone()
    }

    /// [`bytes`](Self::bytes) as text; what is not UTF-8 is replaced.
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
