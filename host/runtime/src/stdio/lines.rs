//! One output stream of one process, line by line.

use super::sink::{Sink, WriteError};
use crate::machine::Timer;
use crate::mutex::lock;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};
use std::time::{Duration, Instant};

/// An unfinished line older than this is written without waiting for its end.
pub(crate) const UNFINISHED_LINE: Duration = Duration::from_millis(50);

/// The delay before the timer thread tries again after a write that would have had to wait.
const RETRY: Duration = Duration::from_millis(10);

/// The longest line that is held back: a guest must not make the host hold its output.
const LONGEST_LINE_BYTES: usize = 64 << 10;

/// A process's stream: holds back its unfinished line.
#[derive(Debug)]
pub(crate) struct Lines {
    sink: Sink,
    is_terminal: bool,
    timer: Weak<Timer>,
    unfinished: Mutex<Unfinished>,
}

#[derive(Debug, Default)]
struct Unfinished {
    line: Vec<u8>,
    last_write: Option<Instant>,
    has_alarm: bool,
}

impl Lines {
    pub(crate) fn new(sink: Sink, timer: &Arc<Timer>) -> Arc<Lines> {
        Arc::new(Lines {
            is_terminal: sink.is_terminal(),
            sink,
            timer: Arc::downgrade(timer),
            unfinished: Mutex::default(),
        })
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Takes the bytes that the guest has written, and writes the lines that are now complete.
    pub(crate) fn write(self: &Arc<Self>, bytes: &[u8]) -> Result<(), WriteError> {
        let mut unfinished = self.lock();
        let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None if unfinished.line.len() + bytes.len() > LONGEST_LINE_BYTES => bytes.len(),
            None => 0,
        };
        let (whole, rest) = bytes.split_at(whole);
        if !whole.is_empty() {
            if unfinished.line.is_empty() {
                self.sink.write_all(whole)?;
            } else {
                unfinished.line.extend_from_slice(whole);
                let line = std::mem::take(&mut unfinished.line);
                self.sink.write_all(&line)?;
            }
        }
        if !rest.is_empty() {
            unfinished.line.extend_from_slice(rest);
            unfinished.last_write = Some(Instant::now());
            if !unfinished.has_alarm {
                unfinished.has_alarm = true;
                self.set_alarm();
            }
        }
        Ok(())
    }

    /// Writes the unfinished line without waiting for its end. May wait for a slow reader.
    pub(crate) fn flush(&self) -> Result<(), WriteError> {
        let mut unfinished = self.lock();
        let line = std::mem::take(&mut unfinished.line);
        if line.is_empty() {
            return Ok(());
        }
        self.sink.write_all(&line)
    }

    fn set_alarm(self: &Arc<Self>) {
        let Some(timer) = self.timer.upgrade() else {
            return;
        };
        let lines = Arc::downgrade(self);
        timer.after(UNFINISHED_LINE, move || {
            lines.upgrade().and_then(|lines| lines.flush_if_old())
        });
    }

    /// Runs on the timer thread; returns the delay until the next check.
    fn flush_if_old(&self) -> Option<Duration> {
        // If the lock is taken, the process is writing at this moment, perhaps to a full pipe.
        let mut unfinished = match self.unfinished.try_lock() {
            Ok(unfinished) => unfinished,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Some(RETRY),
        };
        if unfinished.line.is_empty() {
            unfinished.has_alarm = false;
            return None;
        }
        let age = unfinished
            .last_write
            .map_or(UNFINISHED_LINE, |time| time.elapsed());
        if age < UNFINISHED_LINE {
            return Some(UNFINISHED_LINE - age);
        }
        if !self.sink.try_write_all(&unfinished.line) {
            return Some(RETRY);
        }
        unfinished.line.clear();
        unfinished.has_alarm = false;
        None
    }

    fn lock(&self) -> MutexGuard<'_, Unfinished> {
        lock(&self.unfinished)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::super::Capture;
    use super::*;

    fn captured() -> (Capture, Arc<Timer>, Arc<Lines>) {
        let capture = Capture::new();
        let timer = Arc::new(Timer::started());
        let lines = Lines::new(Sink::Capture(capture.clone()), &timer);
        (capture, timer, lines)
    }

    #[test]
    fn a_line_goes_out_when_it_is_whole() {
        let (capture, _timer, lines) = captured();
        lines.write(b"one\ntw").unwrap();
        assert_eq!(capture.text(), "one\n");
        lines.write(b"o\n").unwrap();
        assert_eq!(capture.text(), "one\ntwo\n");
    }

    #[test]
    fn an_unfinished_line_goes_out_in_time_and_at_a_flush() {
        let (capture, _timer, lines) = captured();
        lines.write(b"prompt> ").unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while capture.text() != "prompt> " {
            assert!(Instant::now() < deadline, "the unfinished line never came");
            std::thread::yield_now();
        }
        lines.write(b"rest").unwrap();
        lines.flush().unwrap();
        assert_eq!(capture.text(), "prompt> rest");
    }

    #[test]
    fn an_endless_line_is_not_held_back() {
        let (capture, _timer, lines) = captured();
        lines.write(&vec![b'x'; LONGEST_LINE_BYTES + 1]).unwrap();
        assert_eq!(capture.bytes().len(), LONGEST_LINE_BYTES + 1);
    }
}
