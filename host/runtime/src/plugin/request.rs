//! One call on its way from the caller to a worker and back.

use super::looking::look;
use crate::bug;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Requester;
use crate::exit_status::ExitStatus;
use crate::life::{ProcessState, end_each_by};
use crate::mutex::lock;
use isopod_sync::{Completion, Message, WaitError};
use serde_json::Value;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// No worker has begun it.
const WAITING: u8 = 0;
/// A worker has begun it.
const BEGUN: u8 = 1;
/// The result is present.
const DONE: u8 = 2;
/// The caller has withdrawn it.
const CANCELLED: u8 = 3;
/// A flag beside each of these: the caller parks, or is about to park.
const IS_AWAITED: u8 = 1 << 7;

/// How a caller polls for its result before it parks, if the worker runs on another core: some pauses, then
/// yields in between, for any other thread that needs this core. Some 40 us in all, which is the cost of
/// waking a thread on a core that sleeps.
const PAUSES: u32 = 200;
const TURNS: u32 = 100;
/// The same for a worker that needs this very core: each yield lets it run.
const TURNS_BESIDE: u32 = 10;

/// The input of a function: for the plugin's `functions` interface, or in the function's own types.
#[derive(Debug)]
pub(crate) enum Input {
    Message(Message),
    Typed(Value),
}

/// The output of a function, in the same form as its input.
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

/// A call, and the place for its result.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) function: String,
    pub(crate) input: Input,
    pub(crate) submitted: Instant,
    /// The core on which the caller waits, if it is a thread.
    pub(crate) core: Option<usize>,
    /// Its deadline.
    pub(crate) last: Option<Instant>,
    phase: AtomicU8,
    /// The instance in which it runs.
    process: Mutex<Option<Arc<ProcessState>>>,
    result: Mutex<Option<Result<Output>>>,
    /// Made by a caller that parks, before it sets [`IS_AWAITED`].
    done: OnceLock<Completion<()>>,
}

impl Request {
    pub(crate) fn new(
        function: &str,
        input: Input,
        core: Option<usize>,
        last: Option<Instant>,
    ) -> Arc<Request> {
        Arc::new(Request {
            function: function.to_owned(),
            input,
            submitted: Instant::now(),
            core,
            last,
            phase: AtomicU8::new(WAITING),
            process: Mutex::new(None),
            result: Mutex::new(None),
            done: OnceLock::new(),
        })
    }

    /// A worker takes the call. False if the caller has withdrawn it.
    pub(crate) fn begin(&self) -> bool {
        self.step(WAITING, BEGUN)
    }

    /// The worker has an instance for the call. A waiting thread ends no call, so it need not know the
    /// instance.
    pub(crate) fn runs_in(&self, process: &Arc<ProcessState>) {
        if self.core.is_none() {
            *lock(&self.process) = Some(Arc::clone(process));
        }
    }

    /// The worker has the result. False if the caller has asked for the end of the instance, and gone.
    ///
    /// Takes the worker's reference, so that the last one is usually the caller's. Then the caller frees the
    /// memory that it has allocated.
    pub(crate) fn finish(self: Arc<Self>, result: Result<Output>) -> bool {
        *lock(&self.result) = Some(result);
        let is_wanted = self.step(BEGUN, DONE);
        if self.core.is_none() {
            // Not before: a thread that ends the instance of a call finds it here while the call runs.
            let process = lock(&self.process).take();
            drop(process);
        }
        // Both this phase and the caller's flag change by atomic exchanges of one value. Either the flag is
        // seen here, or the caller sees that the call is over.
        if self.phase.load(Ordering::Acquire) & IS_AWAITED != 0
            && let Some(done) = self.done.get()
        {
            done.set(());
        }
        is_wanted
    }

    /// The call fails with `error`, without having begun.
    pub(crate) fn refuse(self: Arc<Self>, error: Error) {
        if self.begin() {
            self.finish(Err(error));
        }
    }

    /// The caller withdraws the call. If it runs, its instance is ended. True if it had not begun.
    pub(crate) fn cancel(&self) -> bool {
        if self.step(WAITING, CANCELLED) {
            return true;
        }
        if self.step(BEGUN, CANCELLED) {
            let process = lock(&self.process).clone();
            let running = process.into_iter().collect();
            end_each_by(Requester::Embedder, running, |_| ExitStatus::Terminated);
        }
        false
    }

    /// Whether the caller has gone, before the call began or after.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.phase.load(Ordering::Acquire) & !IS_AWAITED == CANCELLED
    }

    /// Waits for the result from a worker that runs on this core or elsewhere. None if the time has passed.
    ///
    /// # Errors
    /// The error of the call.
    pub(crate) fn wait(&self, is_elsewhere: bool) -> Option<Result<Output>> {
        if self.look(is_elsewhere) {
            return Some(self.take());
        }
        let timeout = self
            .last
            .map(|last| last.saturating_duration_since(Instant::now()));
        match self.done().wait_within(timeout) {
            Ok(()) => Some(self.take()),
            Err(WaitError::TimedOut) => None,
            // Only a process can be killed, and no process calls a plugin.
            Err(WaitError::Killed) => None,
        }
    }

    /// Waits for the result of a call that has begun: its limits end it.
    pub(crate) fn wait_to_the_end(&self) -> Result<Output> {
        let _ = self.done().wait_within(None);
        self.take()
    }

    /// As [`wait`](Self::wait), for an asynchronous caller.
    pub(crate) async fn wait_async(&self) -> Result<Output> {
        self.done().wait_async().await;
        self.take()
    }

    /// The completion that the worker sets when the call is over, for a caller that parks.
    fn done(&self) -> &Completion<()> {
        let done = self.done.get_or_init(Completion::new);
        let phase = self.phase.fetch_or(IS_AWAITED, Ordering::AcqRel);
        if phase & !IS_AWAITED == DONE {
            done.set(());
        }
        done
    }

    fn look(&self, is_elsewhere: bool) -> bool {
        let is_done = || self.phase.load(Ordering::Acquire) & !IS_AWAITED == DONE;
        let (pauses, turns) = match is_elsewhere {
            true => (PAUSES, TURNS),
            false => (0, TURNS_BESIDE),
        };
        look(pauses, turns, is_done)
    }

    fn take(&self) -> Result<Output> {
        let result = lock(&self.result).take();
        result.unwrap_or_else(|| Err(Error::new(ErrorKind::Terminated, "the call was cancelled")))
    }

    /// Changes the phase and keeps the caller's flag.
    fn step(&self, from: u8, to: u8) -> bool {
        let next = |phase: u8| (phase & !IS_AWAITED == from).then_some(to | (phase & IS_AWAITED));
        self.phase
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next)
            .is_ok()
    }
}

/// The error for a caller that waited too long in the queue.
pub(crate) fn waited_too_long(timeout: Duration) -> Error {
    Error::new(
        ErrorKind::Deadline,
        format!("deadline of {timeout:?} reached before a worker was free"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    type Wait = fn(&Request) -> Option<Result<Output>>;

    fn message(bytes: &[u8]) -> Message {
        Message::from_bytes(bytes)
    }

    /// Covers callers that poll first, callers that park at once, and callers that poll as a task.
    #[test]
    fn whoever_waits_is_told_whenever_the_call_ends() {
        let text = |result: Result<Output>| Some(result.ok()?.into_message().ok()?.bytes);
        let requests = |core| -> Vec<Arc<Request>> {
            let requests = 0..1_000_u32;
            let new = |number: u32| {
                let input = message(number.to_string().as_bytes());
                Request::new("echo", Input::Message(input), core, None)
            };
            requests.map(new).collect()
        };
        let waits: [(_, Wait); 4] = [
            (Some(0), |request| request.wait(true)),
            (Some(0), |request| request.wait(false)),
            (Some(0), |request| Some(request.wait_to_the_end())),
            (None, |request| {
                let current = isopod_sync::Waiter::current();
                current.block_on(request.wait_async()).ok()
            }),
        ];
        for (core, wait) in waits {
            let of_caller = requests(core);
            let of_worker = of_caller.clone();
            let start = Barrier::new(2);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    for request in of_worker {
                        assert!(request.begin());
                        let output = match &request.input {
                            Input::Message(input) => message(&input.bytes),
                            Input::Typed(_) => message(b"no message"),
                        };
                        assert!(request.finish(Ok(Output::Message(output))));
                    }
                });
                start.wait();
                for (number, request) in of_caller.iter().enumerate() {
                    let told = wait(request).and_then(text);
                    assert_eq!(told, Some(number.to_string().into_bytes()));
                }
            });
        }
    }

    #[test]
    fn a_call_that_was_taken_back_is_neither_begun_nor_wanted() {
        let request = || Request::new("echo", Input::Message(message(b"")), None, None);
        let waiting = request();
        assert!(waiting.cancel());
        assert!(!waiting.begin());
        let begun = request();
        assert!(begun.begin());
        assert!(!begun.cancel());
        assert!(begun.is_cancelled());
        assert!(!begun.finish(Ok(Output::Message(message(b"")))));
    }
}
