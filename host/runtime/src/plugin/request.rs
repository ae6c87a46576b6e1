//! One call on its way from the caller to a worker and back.

use crate::bug;
use crate::end_request::end_each;
use crate::error::{Error, ErrorKind, Result};
use crate::exit_status::ExitStatus;
use crate::process::ProcessState;
use isopod_sync::{Completion, Message, WaitError};
use serde_json::Value;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Nobody has begun it.
const WAITING: u8 = 0;
/// A worker has it.
const BEGUN: u8 = 1;
/// The result is there.
const DONE: u8 = 2;
/// The caller wants it no more.
const CANCELLED: u8 = 3;

/// How a caller waits before it parks: some pauses, for a worker on another core, and then some turns given
/// away, for one that needs this core. Some 20 us in all.
const PAUSES: u32 = 200;
const TURNS: u32 = 30;

/// What a function is called with: by the plugin's doors, or by its own types.
#[derive(Debug)]
pub(crate) enum Input {
    Message(Message),
    Typed(Value),
}

/// What it gives, in the form in which it was called.
#[derive(Debug)]
pub(crate) enum Output {
    Message(Message),
    Typed(Value),
}

impl Output {
    pub(crate) fn into_message(self) -> Result<Message> {
        match self {
            Output::Message(message) => Ok(message),
            Output::Typed(_) => Err(Error::new(ErrorKind::Engine, bug::TOLD)),
        }
    }

    pub(crate) fn into_typed(self) -> Result<Value> {
        match self {
            Output::Typed(value) => Ok(value),
            Output::Message(_) => Err(Error::new(ErrorKind::Engine, bug::TOLD)),
        }
    }
}

/// A call, and where its result goes.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) function: String,
    pub(crate) input: Input,
    pub(crate) submitted: Instant,
    /// When it is to be over.
    pub(crate) last: Option<Instant>,
    phase: AtomicU8,
    /// The instance that it runs in.
    process: Mutex<Option<Arc<ProcessState>>>,
    result: Mutex<Option<Result<Output>>>,
    done: Completion<()>,
}

impl Request {
    pub(crate) fn new(function: &str, input: Input, last: Option<Instant>) -> Arc<Request> {
        Arc::new(Request {
            function: function.to_owned(),
            input,
            submitted: Instant::now(),
            last,
            phase: AtomicU8::new(WAITING),
            process: Mutex::new(None),
            result: Mutex::new(None),
            done: Completion::new(),
        })
    }

    /// A worker takes it on. False if nobody wants it any more.
    pub(crate) fn begin(&self) -> bool {
        self.step(WAITING, BEGUN)
    }

    /// The worker has an instance for it.
    pub(crate) fn runs_in(&self, process: &Arc<ProcessState>) {
        *lock(&self.process) = Some(Arc::clone(process));
    }

    /// The worker has the result. False if the caller has asked for the end of the instance, and gone.
    pub(crate) fn finish(&self, result: Result<Output>) -> bool {
        *lock(&self.result) = Some(result);
        let is_wanted = self.step(BEGUN, DONE);
        // Only now: whoever ends the instance of a call finds it here while the call runs.
        let process = lock(&self.process).take();
        drop(process);
        self.done.set(());
        is_wanted
    }

    /// It will not be begun.
    pub(crate) fn refuse(&self, error: Error) {
        if self.begin() {
            self.finish(Err(error));
        }
    }

    /// The caller wants it no more: if it runs, its instance is ended. True if it was not begun.
    pub(crate) fn cancel(&self) -> bool {
        if self.step(WAITING, CANCELLED) {
            return true;
        }
        if self.step(BEGUN, CANCELLED) {
            let process = lock(&self.process).clone();
            end_each(process.into_iter().collect(), |_| ExitStatus::Terminated);
        }
        false
    }

    /// Whether the caller has gone, before or after it was begun.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.phase.load(Ordering::Acquire) == CANCELLED
    }

    /// Waits for the result, spinning first if `may_spin`.
    ///
    /// # Errors
    /// The call's own; none if the time has passed.
    pub(crate) fn wait(&self, may_spin: bool) -> Option<Result<Output>> {
        if may_spin && self.spin() {
            return Some(self.take());
        }
        let timeout = self
            .last
            .map(|last| last.saturating_duration_since(Instant::now()));
        match self.done.wait_within(timeout) {
            Ok(()) => Some(self.take()),
            Err(WaitError::TimedOut) => None,
            // Only a process is killed, and none calls a plugin.
            Err(WaitError::Killed) => None,
        }
    }

    /// Waits for the result of a call that was begun: its limits end it.
    pub(crate) fn wait_to_the_end(&self) -> Result<Output> {
        let _ = self.done.wait_within(None);
        self.take()
    }

    /// As [`wait`](Self::wait), for an asynchronous caller.
    pub(crate) async fn wait_async(&self) -> Result<Output> {
        self.done.wait_async().await;
        self.take()
    }

    fn spin(&self) -> bool {
        let is_done = || self.phase.load(Ordering::Acquire) == DONE;
        for _ in 0..PAUSES {
            if is_done() {
                return true;
            }
            std::hint::spin_loop();
        }
        for _ in 0..TURNS {
            if is_done() {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    fn take(&self) -> Result<Output> {
        let result = lock(&self.result).take();
        result.unwrap_or_else(|| Err(Error::new(ErrorKind::Terminated, "the call was cancelled")))
    }

    fn step(&self, from: u8, to: u8) -> bool {
        self.phase
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// For whoever waited in the queue for too long.
pub(crate) fn waited_too_long(timeout: Duration) -> Error {
    Error::new(
        ErrorKind::Deadline,
        format!("deadline of {timeout:?} reached before a worker was free"),
    )
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
