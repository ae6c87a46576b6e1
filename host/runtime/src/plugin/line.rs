//! The calls of a pool that wait for a worker, and the workers that wait for a call.
//!
//! A worker without a call polls for one for some microseconds, so that the next call finds it awake. Then it
//! parks, and ends if no call comes for the idle time. A call wakes a worker only if more calls wait than
//! workers are polling, since each of these takes one call. Both sides poll as the other side's core demands:
//! with spin hints if it is another core, with immediate yields if it is the same.
//!
//! # Places
//! A caller that finds the line full *wants* a place. A thread that takes a call out gives the place to such
//! a caller instead of leaving it free, so no later caller is served before. A place given to a caller that
//! has left passes to the next one.

use super::looking::look;
use super::request::Request;
use crate::mutex::lock;
use crossbeam_utils::CachePadded;
use isopod_sync::Semaphore;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How a worker polls before it parks: some pauses, if its last caller receives its result on another core
/// and may call again, and then some yields. 10 to 20 us in all.
const PAUSES: u32 = 200;
const TURNS: u32 = 20;

/// The core in `Line::core` before any worker has polled.
const NOWHERE: usize = usize::MAX;

/// The two queues.
#[derive(Debug)]
pub(crate) struct Line {
    state: Mutex<State>,
    /// The number of calls that wait, for reads without the mutex. Workers poll it, and it has a cache line
    /// of its own, so that a thread that puts a call in has the mutex's cache line to itself.
    length: CachePadded<AtomicUsize>,
    /// Workers that poll and are not parked. Lowered under the mutex only.
    looking: AtomicUsize,
    /// The core of the worker that began to poll last: this worker is the likeliest to take the next call.
    core: AtomicUsize,
    /// Places that were given and are not taken yet.
    given: Semaphore,
    most_calls: usize,
    most_workers: usize,
    idle_time: Duration,
}

#[derive(Debug, Default)]
struct State {
    calls: VecDeque<Arc<Request>>,
    /// Callers that want a place and have not been given one.
    wanted: usize,
    /// Places in `given`, and places taken from it whose calls are not in `calls` yet.
    reserved: usize,
    parked: Vec<Arc<Sleeper>>,
    workers: usize,
    is_closed: bool,
}

/// A worker that may park.
#[derive(Debug)]
pub(crate) struct Sleeper {
    thread: Thread,
    is_called: AtomicBool,
}

/// The outcome of an attempt to put a call in.
#[derive(Debug)]
#[must_use = "a call may need a worker"]
pub(crate) enum Put {
    /// A worker will find it.
    Done,
    /// The call is in. The caller must start a new worker, which is counted already.
    Start,
    /// The line is full.
    Full,
}

/// A place that is wanted or was given. When dropped, it passes to the next caller.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    line: &'a Line,
    is_given: bool,
}

impl Sleeper {
    /// A sleeper for the calling thread.
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
    pub(crate) fn new(most_calls: usize, most_workers: usize, idle_time: Duration) -> Line {
        Line {
            state: Mutex::default(),
            length: CachePadded::default(),
            looking: AtomicUsize::new(0),
            core: AtomicUsize::new(NOWHERE),
            given: Semaphore::new(0, None),
            most_calls,
            most_workers,
            idle_time,
        }
    }

    /// Puts a call at the end, if there is a free place and no caller wants one.
    pub(crate) fn put(&self, request: &Arc<Request>) -> Put {
        let state = self.lock();
        let taken = state.calls.len() + state.reserved;
        match taken < self.most_calls && state.wanted == 0 {
            true => self.push(state, request),
            false => Put::Full,
        }
    }

    /// Asks for a place; there may be a free one by now.
    pub(crate) fn want(&self) -> Place<'_> {
        let mut state = self.lock();
        let taken = state.calls.len() + state.reserved;
        let is_given = taken < self.most_calls && state.wanted == 0;
        match is_given {
            true => state.reserved += 1,
            false => state.wanted += 1,
        }
        Place {
            line: self,
            is_given,
        }
    }

    /// Withdraws a call. False if a worker has it.
    pub(crate) fn remove(&self, request: &Arc<Request>) -> bool {
        let mut state = self.lock();
        let position = state
            .calls
            .iter()
            .position(|other| Arc::ptr_eq(other, request));
        let removed = position.and_then(|position| state.calls.remove(position));
        self.left(state);
        removed.is_some()
    }

    /// Puts a call in, takes out the one that has waited longest, and returns that one, if any waits.
    pub(crate) fn replace_oldest(&self, request: &Arc<Request>) -> (Option<Arc<Request>>, Put) {
        let mut state = self.lock();
        let oldest = state.calls.pop_front();
        let put = self.push(state, request);
        (oldest, put)
    }

    /// The next call for a worker that counts as polling: at its start, and after it has
    /// [finished](Self::look_again) a call. Waits for a call; returns none if the worker is to end.
    /// `may_pause` returns whether no other thread needs the worker's core while it polls. `park` receives
    /// the wait itself as a function, and is not called under the mutex.
    pub(crate) fn next(
        &self,
        sleeper: &Arc<Sleeper>,
        may_pause: impl Fn() -> bool,
        mut park: impl FnMut(&dyn Fn()),
    ) -> Option<Arc<Request>> {
        loop {
            if self.look(may_pause()) {
                let mut state = self.lock();
                if let Some(request) = state.calls.pop_front() {
                    self.looking.fetch_sub(1, Ordering::Relaxed);
                    self.left(state);
                    return Some(request);
                }
                // Another worker was faster.
                continue;
            }
            {
                let mut state = self.lock();
                if !state.calls.is_empty() {
                    continue;
                }
                self.looking.fetch_sub(1, Ordering::Relaxed);
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
                    // The caller that took it off the list has counted it as polling.
                    break;
                };
                // No caller took it off the list. Either the signal of an earlier call came late, or the time
                // has passed.
                if !sleeper.is_called.swap(false, Ordering::AcqRel) {
                    state.parked.swap_remove(position);
                    state.workers -= 1;
                    return None;
                }
            }
        }
    }

    /// A worker calls this on core `core` when it is about to finish a call, before its caller learns of the
    /// end: that caller may call again at once.
    pub(crate) fn look_again(&self, core: Option<usize>) {
        self.looking.fetch_add(1, Ordering::Relaxed);
        let core = core.unwrap_or(NOWHERE);
        // Usually the core is the same. Without a store, the number stays in the callers' caches.
        if self.core.load(Ordering::Relaxed) != core {
            self.core.store(core, Ordering::Relaxed);
        }
    }

    /// Whether the next call is likely to run on a core other than `core`.
    pub(crate) fn is_away_from(&self, core: usize) -> bool {
        let worker = self.core.load(Ordering::Relaxed);
        worker != NOWHERE && worker != core
    }

    /// Removes a worker that could not be started or has ended by itself. Returns the calls that no worker
    /// will take.
    pub(crate) fn lost_worker(&self, was_looking: bool) -> Vec<Arc<Request>> {
        let mut state = self.lock();
        state.workers -= 1;
        if was_looking {
            self.looking.fetch_sub(1, Ordering::Relaxed);
        }
        let lost = match state.workers {
            0 => state.calls.drain(..).collect(),
            _ => Vec::new(),
        };
        self.left(state);
        lost
    }

    /// Makes all parked workers poll again.
    pub(crate) fn wake_all(&self) {
        let parked = {
            let mut state = self.lock();
            self.looking
                .fetch_add(state.parked.len(), Ordering::Relaxed);
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

    /// The number of calls that wait, and of workers.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.calls.len(), state.workers)
    }

    /// Whether calls wait.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.length.load(Ordering::Acquire) > 0
    }

    fn push(&self, mut state: MutexGuard<'_, State>, request: &Arc<Request>) -> Put {
        state.calls.push_back(Arc::clone(request));
        self.length.store(state.calls.len(), Ordering::Release);
        if state.calls.len() <= self.looking.load(Ordering::Relaxed) {
            return Put::Done;
        }
        if let Some(sleeper) = state.parked.pop() {
            // It counts as polling from now until it has polled.
            self.looking.fetch_add(1, Ordering::Relaxed);
            drop(state);
            sleeper.call();
            return Put::Done;
        }
        if state.workers < self.most_workers {
            state.workers += 1;
            self.looking.fetch_add(1, Ordering::Relaxed);
            return Put::Start;
        }
        Put::Done
    }

    /// Calls have left, or places were given back: gives the free places to callers that want one.
    fn left(&self, mut state: MutexGuard<'_, State>) {
        self.length.store(state.calls.len(), Ordering::Release);
        if state.wanted == 0 {
            return;
        }
        let taken = state.calls.len() + state.reserved;
        let free = self.most_calls.saturating_sub(taken).min(state.wanted);
        state.wanted -= free;
        state.reserved += free;
        drop(state);
        // There are never more permits than places, so the count does not overflow.
        let _ = self.given.release(u32::try_from(free).unwrap_or(u32::MAX));
    }

    fn look(&self, may_pause: bool) -> bool {
        let pauses = if may_pause { PAUSES } else { 0 };
        look(pauses, TURNS, || self.is_waited_for())
    }

    fn sleep(&self, sleeper: &Sleeper) {
        // A time beyond the end of the clock never comes.
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
        lock(&self.state)
    }
}

impl Place<'_> {
    /// Waits for the place, for `timeout` at most. False if the time has passed.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> bool {
        if !self.is_given {
            self.is_given = self.line.given.acquire_within(timeout).is_ok();
        }
        self.is_given
    }

    /// As [`wait`](Self::wait), for an asynchronous caller.
    pub(crate) async fn wait_async(&mut self) {
        if !self.is_given {
            self.line.given.acquire_async().await;
            self.is_given = true;
        }
    }

    /// Puts a call in this place, when the wait is over.
    pub(crate) fn put(mut self, request: &Arc<Request>) -> Put {
        let mut state = self.line.lock();
        if std::mem::take(&mut self.is_given) {
            state.reserved -= 1;
        } else {
            state.wanted = state.wanted.saturating_sub(1);
        }
        let put = self.line.push(state, request);
        // The call now has this place, so it must not be given back.
        std::mem::forget(self);
        put
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.line.lock();
        if self.is_given {
            state.reserved -= 1;
        } else if state.wanted > 0 {
            state.wanted -= 1;
        } else if self.line.given.try_acquire().is_ok() {
            // All callers that wanted a place were given one, so the place of this one is still there.
            state.reserved -= 1;
        }
        self.line.left(state);
    }
}
