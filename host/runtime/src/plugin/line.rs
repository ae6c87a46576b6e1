//! The calls of a pool that wait for a worker, and the workers that wait for a call.
//!
//! A worker without a call looks for one for some microseconds, so that the next call finds it awake, then
//! parks, and ends after a time in which none has come. A call wakes a worker only if more calls wait
//! than workers are looking: each of these takes one. Both sides look as it suits where the other one
//! runs: with pauses from another core, and from the same one by giving their turn away at once.
//!
//! # Places
//! A caller that finds the line full *wants* a place. Whoever takes a call out gives the place to one of
//! those instead of leaving it free, so nobody who comes later is served before. What was given and is not
//! wanted any more is given on.

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

/// How a worker looks before it parks: some pauses, if its last caller has its result on another core and
/// may call again, and then some turns given away. 10 to 20 us in all.
const PAUSES: u32 = 200;
const TURNS: u32 = 20;

/// Where a worker looks from before the first one does.
const NOWHERE: usize = usize::MAX;

/// The two queues.
#[derive(Debug)]
pub(crate) struct Line {
    state: Mutex<State>,
    /// Calls that wait, to be read without the mutex: workers look here, and whoever puts a call in is to
    /// have the mutex's part of memory to itself.
    length: CachePadded<AtomicUsize>,
    /// Workers that look and are not parked. Lowered under the mutex only.
    looking: AtomicUsize,
    /// The core of the worker that was the last to begin to look: it is the likeliest to take the next
    /// call.
    core: AtomicUsize,
    /// Places that were given and not yet taken.
    given: Semaphore,
    most_calls: usize,
    most_workers: usize,
    idle_time: Duration,
}

#[derive(Debug, Default)]
struct State {
    calls: VecDeque<Arc<Request>>,
    /// Callers who want a place and were given none yet.
    wanted: usize,
    /// Places in `given`, and those that were taken from it and are not in `calls` yet.
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

/// What has become of a call that was to be put in.
#[derive(Debug)]
#[must_use = "a call may need a worker"]
pub(crate) enum Put {
    /// A worker will find it.
    Done,
    /// It is in, and a new worker is to be started; it counts already.
    Start,
    /// There is no place.
    Full,
}

/// A place that is wanted, or was given. Dropped, it is given on.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    line: &'a Line,
    is_given: bool,
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

    /// Puts a call at the end, if there is a place that nobody wants.
    pub(crate) fn put(&self, request: &Arc<Request>) -> Put {
        let state = self.lock();
        let taken = state.calls.len() + state.reserved;
        match taken < self.most_calls && state.wanted == 0 {
            true => self.push(state, request),
            false => Put::Full,
        }
    }

    /// Asks for a place; there may be one by now.
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

    /// Takes a call back. False if a worker has it.
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

    /// Puts a call in the place of the one that has waited longest, and gives that one, if any waits.
    pub(crate) fn replace_oldest(&self, request: &Arc<Request>) -> (Option<Arc<Request>>, Put) {
        let mut state = self.lock();
        let oldest = state.calls.pop_front();
        let put = self.push(state, request);
        (oldest, put)
    }

    /// The next call for a worker, which is one of those that look: at its start, and when it has
    /// [finished](Self::look_again) a call. Waits for one; none if the worker is to end. `may_pause` says
    /// whether its core is its alone while it looks. `park` is given the wait itself, and is not called
    /// under the mutex.
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

    /// A worker is about to finish a call on this core: before its caller knows, who may call again at
    /// once.
    pub(crate) fn look_again(&self, core: Option<usize>) {
        self.looking.fetch_add(1, Ordering::Relaxed);
        let core = core.unwrap_or(NOWHERE);
        // Usually it is the same, and then the number stays in the callers' caches.
        if self.core.load(Ordering::Relaxed) != core {
            self.core.store(core, Ordering::Relaxed);
        }
    }

    /// Whether the next call is likely to run on another core than this one.
    pub(crate) fn is_away_from(&self, core: usize) -> bool {
        let worker = self.core.load(Ordering::Relaxed);
        worker != NOWHERE && worker != core
    }

    /// A worker that was to be started is not, or has ended by itself. Gives the calls that nobody will
    /// take.
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

    /// Has all parked workers look.
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

    /// Calls that wait, and workers.
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
            // Until it has looked, it is one of those that look.
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

    /// Calls have left, or places were given back: gives what is free to those who want it.
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
        // There are never more of them than places.
        let _ = self.given.release(u32::try_from(free).unwrap_or(u32::MAX));
    }

    fn look(&self, may_pause: bool) -> bool {
        let pauses = if may_pause { PAUSES } else { 0 };
        look(pauses, TURNS, || self.is_waited_for())
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
        lock(&self.state)
    }
}

impl Place<'_> {
    /// Waits for it for at most so long. False if the time has passed.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> bool {
        if !self.is_given {
            self.is_given = self.line.given.acquire_within(timeout).is_ok();
        }
        self.is_given
    }

    /// The same for an asynchronous caller.
    pub(crate) async fn wait_async(&mut self) {
        if !self.is_given {
            self.line.given.acquire_async().await;
            self.is_given = true;
        }
    }

    /// Puts a call there, when the wait is over.
    pub(crate) fn put(mut self, request: &Arc<Request>) -> Put {
        let mut state = self.line.lock();
        if std::mem::take(&mut self.is_given) {
            state.reserved -= 1;
        } else {
            state.wanted = state.wanted.saturating_sub(1);
        }
        let put = self.line.push(state, request);
        // What it was is the call's now.
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
            // All who want one were given one: this one's is there still.
            state.reserved -= 1;
        }
        self.line.left(state);
    }
}
