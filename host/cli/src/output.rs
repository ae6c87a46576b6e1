//! Writes to standard output and standard error without waiting for ever for a reader.
//!
//! A pipe without a reader fills up, and its writer then blocks for ever. isopod must end all the same: after a signal,
//! at a limit, and with a log. So one thread writes all texts to standard error, in order, and the caller waits for it
//! for a bounded time. A text that is unread by then is lost; the exit code is not.
//!
//! Until a guest can run, the caller writes its texts itself: isopod confines itself while it has one thread.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait for the reader of a text.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same after a signal has asked isopod to end.
const PATIENCE_AT_END: Duration = Duration::from_millis(250);
/// Interval at which a wait looks for such a signal.
const LOOK: Duration = Duration::from_millis(20);
/// Capacity of the queue of texts; further texts are lost.
const MOST_TEXTS: usize = 1_024;

static WRITER: OnceLock<Option<SyncSender<Text>>> = OnceLock::new();
static IS_BOUNDED: AtomicBool = AtomicBool::new(false);
static IS_ENDING: AtomicBool = AtomicBool::new(false);
static IS_STUCK: AtomicBool = AtomicBool::new(false);
static LOST_LINES: AtomicU64 = AtomicU64::new(0);

/// A text to write. Dropping the sender reports that it is written.
struct Text {
    bytes: Vec<u8>,
    _written: Option<Sender<()>>,
}

/// Bounds all waits for a reader from now on: a guest may run.
pub(crate) fn begin_bounds() {
    IS_BOUNDED.store(true, Ordering::SeqCst);
}

/// Shortens all waits for a reader from now on: a signal asks isopod to end.
pub(crate) fn hurry() {
    IS_ENDING.store(true, Ordering::SeqCst);
}

/// Writes to standard error and waits for a bounded time.
pub(crate) fn print(text: &str) {
    if text.is_empty() {
        return;
    }
    let Some(writer) = writer() else {
        // A stream that cannot be written to is no error: there is nowhere left to say it.
        let _ = std::io::stderr().write_all(text.as_bytes());
        return;
    };
    let (sender, written) = mpsc::channel();
    let text = Text {
        bytes: text.as_bytes().to_vec(),
        _written: Some(sender),
    };
    if writer.try_send(text).is_ok() {
        wait(&written);
    }
}

/// Waits for a bounded time until all texts are written.
pub(crate) fn finish() {
    // The queue is in order, so this text is written last.
    if let Some(Some(writer)) = WRITER.get() {
        let (sender, written) = mpsc::channel();
        let last = Text {
            bytes: Vec::new(),
            _written: Some(sender),
        };
        if writer.try_send(last).is_ok() {
            wait(&written);
        }
    }
}

/// Runs an action that may never return. Returns its result, or `None` after `most`. The thread of the action ends with
/// isopod at the latest.
///
/// # Errors
/// If the thread cannot be started.
pub(crate) fn within<T: Send + 'static>(
    most: Duration,
    action: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<Option<T>> {
    let (sender, result) = mpsc::channel();
    std::thread::Builder::new()
        .name("isopod-bounded".to_owned())
        .spawn(move || {
            // The receiver is gone if the result comes too late.
            let _ = sender.send(action());
        })?;
    Ok(result.recv_timeout(most).ok())
}

/// Takes lines of the log. Never waits: the engine's own threads log, and all deadlines depend on them.
#[derive(Debug)]
pub(crate) struct Log;

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let Some(writer) = writer() else {
            return std::io::stderr().write(line);
        };
        let mut bytes = Vec::new();
        let lost = LOST_LINES.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let note = format!("{lost} lines of the log were lost: nobody read standard error\n");
            bytes.extend_from_slice(note.as_bytes());
        }
        bytes.extend_from_slice(line);
        let text = Text {
            bytes,
            _written: None,
        };
        if writer.try_send(text).is_err() {
            LOST_LINES.fetch_add(lost + 1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn wait(written: &Receiver<()>) {
    let begin = Instant::now();
    while written.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        let patience = match IS_ENDING.load(Ordering::SeqCst) {
            true => PATIENCE_AT_END,
            false => PATIENCE,
        };
        // A reader that did not read the last text does not read this one either.
        if IS_STUCK.load(Ordering::SeqCst) || begin.elapsed() >= patience {
            IS_STUCK.store(true, Ordering::SeqCst);
            return;
        }
    }
}

/// The writer; `None` before it exists, when the caller writes its texts itself.
fn writer() -> Option<SyncSender<Text>> {
    if !IS_BOUNDED.load(Ordering::SeqCst) {
        return None;
    }
    WRITER
        .get_or_init(|| {
            let (sender, texts) = mpsc::sync_channel(MOST_TEXTS);
            let thread = std::thread::Builder::new()
                .name("isopod-stderr".to_owned())
                .spawn(move || write(&texts));
            thread.is_ok().then_some(sender)
        })
        .clone()
}

fn write(texts: &Receiver<Text>) {
    for text in texts {
        let _ = std::io::stderr().write_all(&text.bytes);
        IS_STUCK.store(false, Ordering::SeqCst);
    }
}

/// Lets one action run at a time.
#[derive(Debug, Default)]
pub(crate) struct OneAtATime(Mutex<()>);

impl OneAtATime {
    /// Runs the action, or does nothing while another one runs.
    pub(crate) fn run(&self, action: impl FnOnce()) {
        match self.0.try_lock() {
            Ok(_guard) => action(),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => {
                let _guard = PoisonError::into_inner(poisoned);
                action();
            }
            Err(std::sync::TryLockError::WouldBlock) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_action_without_end_is_left_alone() {
        let (_never, receiver) = mpsc::channel::<()>();
        let waited = within(Duration::from_millis(10), move || receiver.recv());
        assert!(waited.unwrap().is_none());
        assert_eq!(within(Duration::from_secs(60), || 7).unwrap(), Some(7));
    }

    #[test]
    fn what_runs_already_is_not_begun_again() {
        let one = OneAtATime::default();
        let mut runs = 0;
        one.run(|| {
            one.run(|| unreachable!());
            runs += 1;
        });
        assert_eq!(runs, 1);
    }
}
