//! The calls of a pool that wait for a worker, and the workers that wait for a call.
//!
//! A worker without a call looks for one for some microseconds, so that the next call finds it awake, then
//! parks, and ends after a time in which none has come. A call wakes a worker only if more calls wait
//! than workers are looking: each of these takes one.

use super::request::Request;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How often a worker looks before it parks, and how long it pauses in between: 10 to 20 us in all. It gives
/// its turn away each time, so that it keeps its core from nobody.
const LOOKS: u32 = 20;
const PAUSES_PER_LOOK: u32 = 20;

/// The two queues.
#[derive(Debug)]
pub(crate) struct Line {
    state: Mutex<State>,
    /// Calls that wait, to be read without the mutex.
    length: AtomicUsize,
    most_workers: usize,
    idle_time: Duration,
}

#[derive(Debug, Default)]
struct State {
    calls: VecDeque<Arc<Request>>,
    parked: Vec<Arc<Sleeper>>,
    /// Workers that look and are not parked.
    looking: usize,
    workers: usize,
    is_closed: bool,
}

/// A worker that may park.
#[derive(Debug)]
pub(crate) struct Sleeper {
    thread: Thread,
    is_called: AtomicBool,
}

/// What is to be done when a call was put in.
#[derive(Debug)]
#[must_use = "a call may need a worker"]
pub(crate) enum Next {
    /// A worker will find it.
    Nothing,
    /// A new worker is to be started; it counts already.
    Start,
}

impl Sleeper {
    /// For the calling thread.
    pub(crate) fn new() -> Arc<Sleeper> {
        Arc::new(Sleeper {
            thread: std::thread::current(),
            is_called: AtomicBool::new(false),
        })
    }

    fn call(&self) {
        self.is_called.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Line {
    pub(crate) fn new(most_workers: usize, idle_time: Duration) -> Line {
        Line {
            state: Mutex::default(),
            length: AtomicUsize::new(0),
            most_workers,
            idle_time,
        }
    }

    /// Puts a call at the end.
    pub(crate) fn put(&self, request: Arc<Request>) -> Next {
        let woken = {
            let mut state = self.lock();
            state.calls.push_back(request);
            self.length.store(state.calls.len(), Ordering::Release);
            if state.calls.len() <= state.looking {
                return Next::Nothing;
            }
            match state.parked.pop() {
                Some(sleeper) => {
                    // Until it has looked, it is one of those that look.
                    state.looking += 1;
                    Some(sleeper)
                }
                None if state.workers < self.most_workers => {
                    state.workers += 1;
                    state.looking += 1;
                    return Next::Start;
                }
                None => None,
            }
        };
        if let Some(sleeper) = woken {
            sleeper.call();
        }
        Next::Nothing
    }

    /// Takes a call back. False if a worker has it.
    pub(crate) fn remove(&self, request: &Arc<Request>) -> bool {
        let mut state = self.lock();
        let position = state
            .calls
            .iter()
            .position(|other| Arc::ptr_eq(other, request));
        let removed = position.and_then(|position| state.calls.remove(position));
        self.length.store(state.calls.len(), Ordering::Release);
        removed.is_some()
    }

    /// Takes the call that has waited longest.
    pub(crate) fn take_oldest(&self) -> Option<Arc<Request>> {
        self.pop(&mut self.lock())
    }

    /// The next call for a worker, which is one of those that look: at its start, and after each call that
    /// it has [finished](Self::look_again). Waits for one; none if the worker is to end. `park` is given
    /// the wait itself, and is not called under the mutex.
    pub(crate) fn next(
        &self,
        sleeper: &Arc<Sleeper>,
        mut park: impl FnMut(&dyn Fn()),
    ) -> Option<Arc<Request>> {
        loop {
            {
                let mut state = self.lock();
                if let Some(request) = self.pop(&mut state) {
                    state.looking -= 1;
                    return Some(request);
                }
            }
            if self.look() {
                continue;
            }
            {
                let mut state = self.lock();
                if !state.calls.is_empty() {
                    continue;
                }
                state.looking -= 1;
                if state.is_closed {
                    state.workers -= 1;
                    return None;
                }
                sleeper.is_called.store(false, Ordering::Relaxed);
                state.parked.push(Arc::clone(sleeper));
            }
            loop {
                park(&|| self.sleep(sleeper));
                let mut state = self.lock();
                let position = state
                    .parked
                    .iter()
                    .position(|other| Arc::ptr_eq(other, sleeper));
                let Some(position) = position else {
                    // Whoever has called has counted it among those that look.
                    break;
                };
                // Nobody has: the word of an earlier call came late, or the time has passed.
                if !sleeper.is_called.swap(false, Ordering::AcqRel) {
                    state.parked.swap_remove(position);
                    state.workers -= 1;
                    return None;
                }
            }
        }
    }

    /// A worker has finished a call.
    pub(crate) fn look_again(&self) {
        self.lock().looking += 1;
    }

    /// A worker that was to be started is not, or has ended by itself. Gives the calls that nobody will
    /// take.
    pub(crate) fn lost_worker(&self, was_looking: bool) -> Vec<Arc<Request>> {
        let mut state = self.lock();
        state.workers -= 1;
        if was_looking {
            state.looking -= 1;
        }
        match state.workers {
            0 => {
                self.length.store(0, Ordering::Release);
                state.calls.drain(..).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Has all parked workers look.
    pub(crate) fn wake_all(&self) {
        let parked = {
            let mut state = self.lock();
            state.looking += state.parked.len();
            std::mem::take(&mut state.parked)
        };
        for sleeper in parked {
            sleeper.call();
        }
    }

    /// Ends the workers when they have no call left.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.wake_all();
    }

    /// Calls that wait, and workers.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.calls.len(), state.workers)
    }

    /// Whether calls wait.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.length.load(Ordering::Acquire) > 0
    }

    fn pop(&self, state: &mut State) -> Option<Arc<Request>> {
        let request = state.calls.pop_front()?;
        self.length.store(state.calls.len(), Ordering::Release);
        Some(request)
    }

    fn look(&self) -> bool {
        for _ in 0..LOOKS {
            if self.is_waited_for() {
                return true;
            }
            for _ in 0..PAUSES_PER_LOOK {
                std::hint::spin_loop();
            }
            std::thread::yield_now();
        }
        false
    }

    fn sleep(&self, sleeper: &Sleeper) {
        // A time past the end of the clock is never.
        let end = Instant::now().checked_add(self.idle_time);
        while !sleeper.is_called.load(Ordering::Acquire) {
            match end {
                None => std::thread::park(),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return;
                    }
                    std::thread::park_timeout(left);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
