//! The threads that processes run on: pinned, named after the process they run, and reused.
//!
//! A new thread pinned to another core costs 55-90 us before its first instruction, a parked one 0.5-4 us.
//! So a thread whose process has ended waits for the next one. It spins for a moment (the usual loop
//! of spawn and join comes back within microseconds) and then parks. A few threads are kept per core; the
//! others end.

use crate::logging::Tracing;
use crate::machine::{Placement, Slot, cores, kernel};
use crate::mutex::lock;
use rustix::thread::{Pid, gettid, set_name};
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Thread;

/// Parked threads kept per core.
const KEPT_PER_CORE: usize = 64;

/// The number of polls for work that an idle thread makes before it parks, and the number of spins
/// between two polls: 10 to 20 us in all. The thread yields before each poll, so that it never keeps its
/// core from a process, such as the parent that the last process's end has just woken.
const IDLE_LOOKS: u32 = 20;
const SPINS_PER_LOOK: u32 = 20;

/// Guests run on stacks of their own (fibers), so a thread's stack holds only the host frames that set up
/// a guest and tear it down.
const STACK_BYTES: usize = 512 << 10;

/// The work of a thread: one process. Returns the slot that the thread is pinned to at the end of the
/// process.
pub(crate) type Job = Box<dyn FnOnce() -> Option<Slot> + Send>;

/// The idle threads of an engine.
#[derive(Debug)]
pub(crate) struct Threads {
    idle: Box<[Mutex<Vec<Arc<Worker>>>]>,
    closed: AtomicBool,
    tracing: Tracing,
}

struct Worker {
    job: Mutex<Option<Job>>,
    /// Set with a job in place, or without one to make the thread end.
    is_called: AtomicBool,
    thread: OnceLock<Thread>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Worker").finish_non_exhaustive()
    }
}

impl Threads {
    pub(crate) fn new(core_count: usize, tracing: Tracing) -> Threads {
        Threads {
            idle: (0..core_count).map(|_| Mutex::default()).collect(),
            closed: AtomicBool::new(false),
            tracing,
        }
    }

    /// Runs a job on a thread pinned to the slot's core. Does not wait for it.
    ///
    /// # Errors
    /// The system's error, if a thread is needed and cannot be made.
    pub(crate) fn run(
        self: &Arc<Self>,
        placement: &Arc<Placement>,
        slot: Slot,
        job: Job,
    ) -> std::io::Result<()> {
        if let Some(worker) = self.take_idle(slot) {
            worker.call(Some(job));
            return Ok(());
        }
        let threads = Arc::clone(self);
        let placement = Arc::clone(placement);
        std::thread::Builder::new()
            .name("isopod-process".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                if let Some(core) = placement.core_of(slot) {
                    cores::pin(None, &[core]);
                }
                // Otherwise the thread would keep it alive until its own end.
                drop(placement);
                kernel::unblock();
                threads.tracing.scope(|| threads.work(job));
            })?;
        Ok(())
    }

    /// Ends the idle threads, and the busy ones when their process ends.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for slot in 0..self.idle.len() {
            while let Some(worker) = self.take_idle(slot) {
                worker.call(None);
            }
        }
    }

    /// The whole life of one thread.
    fn work(&self, first: Job) {
        let worker = Arc::new(Worker {
            job: Mutex::new(None),
            is_called: AtomicBool::new(false),
            thread: OnceLock::from(std::thread::current()),
        });
        let mut job = Some(first);
        while let Some(current) = job {
            let slot = current();
            name_current("isopod-idle");
            if !slot.is_some_and(|slot| self.put_idle(slot, &worker)) {
                return;
            }
            // `close` sets the flag first and takes the idle threads afterwards. A thread that was put in
            // between is therefore seen by `close` or by this check.
            if self.closed.load(Ordering::SeqCst) {
                self.close();
            }
            job = worker.next();
        }
    }

    fn take_idle(&self, slot: Slot) -> Option<Arc<Worker>> {
        let idle = self.idle.get(slot)?;
        // The last thread in is the most likely to be still spinning.
        lock(idle).pop()
    }

    fn put_idle(&self, slot: Slot, worker: &Arc<Worker>) -> bool {
        let Some(idle) = self.idle.get(slot) else {
            return false;
        };
        let mut idle = lock(idle);
        if idle.len() >= KEPT_PER_CORE {
            return false;
        }
        idle.push(Arc::clone(worker));
        true
    }
}

impl Worker {
    /// Hands a job to the waiting thread; `None` ends the thread.
    fn call(&self, job: Option<Job>) {
        *lock(&self.job) = job;
        self.is_called.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn next(&self) -> Option<Job> {
        for _ in 0..IDLE_LOOKS {
            std::thread::yield_now();
            if self.is_called.load(Ordering::Acquire) {
                break;
            }
            for _ in 0..SPINS_PER_LOOK {
                std::hint::spin_loop();
            }
        }
        while !self.is_called.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
        lock(&self.job).take()
    }
}

/// Names the calling thread for `ps -L` and debuggers, which show the first 15 bytes.
pub(crate) fn name_current(name: &str) {
    let short: Vec<u8> = name.bytes().filter(|byte| *byte != 0).take(15).collect();
    if let Ok(short) = CString::new(short) {
        // The name is only for people; nothing depends on it.
        let _ = set_name(&short);
    }
}

/// The kernel's number of the calling thread.
pub(crate) fn current_id() -> Pid {
    gettid()
}
