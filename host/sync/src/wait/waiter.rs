//! The one way to block.
//!
//! Each process has one [`Waiter`], and so has each thread of the embedder that ever blocks. All waits of
//! the crate go through it, and so do the runtime's own ([`Waiter::block_on`]). Therefore a kill, a
//! deadline and an inspection reach a process in any wait.
//!
//! # Kill
//! The kill flag is set before the signal, and every wait checks the flag after it has consumed the signal
//! and before it parks. With the argument of [`signal`](crate::wait::signal), a wait therefore sees a kill
//! that comes before, during or after any of its steps, even one that comes before the waiter is bound to a
//! thread. The flag is never cleared.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use super::interrupt::{Interrupt, Killed};
use super::orphans::{self, End, Orphans};
use super::record::WaitRecord;
use super::signal::Signal;
use crate::party::Party;
use crate::shim::{AtomicBool, Mutex, Ordering, fence};

/// Hooks that the runtime adds to the waits of a process. All methods run on the waiting thread; none of
/// them may wait.
pub trait Hooks: Send + Sync {
    /// Called at each wait whose first attempt fails: whether to spin for some microseconds before parking.
    /// Spinning helps when the peer runs on another core, and is a waste when the peer needs this core.
    fn may_spin(&self) -> bool {
        false
    }

    /// The thread is about to park.
    fn parking(&self) {}

    /// The thread no longer parks. Called once for each [`parking`](Self::parking).
    fn unparked(&self) {}

    /// An inspection was requested; the wait goes on afterwards.
    fn inspect(&self) {}
}

/// The hooks of the embedder's threads: all defaults.
#[derive(Debug)]
pub(crate) struct NoHooks;

impl Hooks for NoHooks {}

/// Blocks one party, and wakes it.
pub struct Waiter {
    party: Party,
    hooks: Arc<dyn Hooks>,
    signal: Arc<Signal>,
    /// `signal` as a waker, made once: wait lists hold wakers only, for threads and tasks alike.
    waker: Waker,
    /// For the future in [`block_on`](Self::block_on), of which there is one at a time; made once, too.
    task: Arc<TaskSignal>,
    task_waker: Waker,
    killed: AtomicBool,
    acknowledged: AtomicBool,
    inspection: AtomicBool,
    noticed: AtomicBool,
    /// Written only by the party's own thread.
    ignores_notices: AtomicBool,
    record: Mutex<Option<WaitRecord>>,
    orphans: Orphans,
}

impl Waiter {
    /// A waiter that is not yet bound to a thread. A process has one waiter for its whole life.
    #[must_use]
    pub fn new(party: Party, hooks: Arc<dyn Hooks>) -> Arc<Self> {
        let signal = Arc::new(Signal::new());
        let task = Arc::new(TaskSignal {
            woken: AtomicBool::new(false),
            signal: Arc::clone(&signal),
        });
        let waiter = Arc::new(Self {
            party,
            hooks,
            waker: Waker::from(Arc::clone(&signal)),
            signal,
            task_waker: Waker::from(Arc::clone(&task)),
            task,
            killed: AtomicBool::new(false),
            acknowledged: AtomicBool::new(false),
            inspection: AtomicBool::new(false),
            noticed: AtomicBool::new(false),
            ignores_notices: AtomicBool::new(false),
            record: Mutex::new(None),
            orphans: Orphans::default(),
        });
        if let Party::Process(process) = party {
            orphans::register(process, &waiter);
        }
        waiter
    }

    /// The waiting party.
    #[must_use]
    pub fn party(&self) -> Party {
        self.party
    }

    /// Ends the current wait of the party, and every later one, with `Killed`. Does not block. Any thread
    /// may call this, any number of times, even before the waiter is bound.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        // The runtime raises the epoch after this call. The fence orders the flag before that increment,
        // whatever ordering the increment has.
        fence(Ordering::SeqCst);
        self.signal.set();
    }

    /// Whether [`kill`](Self::kill) was called.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }

    /// Records that the party has seen the kill. A wait that ends with `Killed` does this itself.
    pub fn acknowledge(&self) {
        self.acknowledged.store(true, Ordering::SeqCst);
    }

    /// Whether the party has seen the kill, so that the kill need not be repeated.
    #[must_use]
    pub fn acknowledged(&self) -> bool {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Runs [`Hooks::inspect`] on the waiting thread, now or at its next wait. Does not block. One run of
    /// the hook serves all requests that came before it.
    pub fn request_inspection(&self) {
        // An exchange, as in `TaskSignal`.
        self.inspection.swap(true, Ordering::SeqCst);
        self.signal.set();
    }

    /// Ends the current wait of the party, and every later wait that would block, as if its timeout had
    /// passed, until the party [takes the notice](Self::take_notice). This includes waits without a
    /// timeout. It excludes waits of a barrier, the wait of a condition for its lock, and futures in
    /// [`block_on`](Self::block_on). Does not block.
    pub fn notify(&self) {
        // An exchange, as in `TaskSignal`.
        self.noticed.swap(true, Ordering::SeqCst);
        self.signal.set();
    }

    /// Takes the notice: whether the party was notified since the last call.
    pub fn take_notice(&self) -> bool {
        self.noticed.swap(false, Ordering::SeqCst)
    }

    /// Runs `action`, in which a notice ends no wait. For the party's own thread.
    pub fn without_notices<R>(&self, action: impl FnOnce() -> R) -> R {
        let before = self.ignores_notices.swap(true, Ordering::Relaxed);
        let result = action();
        self.ignores_notices.store(before, Ordering::Relaxed);
        result
    }

    /// Whether the party is parked and nothing has woken it: there is no value, kill, notice or inspection
    /// that it has still to handle. Waits in [`block_on`](Self::block_on) count too.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.signal.is_parked()
    }

    /// The current wait of the party, if it is parked for an object.
    #[must_use]
    pub fn waiting_for(&self) -> Option<WaitRecord> {
        self.record.lock().clone()
    }

    /// Runs a future on the calling thread, which must be the one that the waiter is bound to, and parks
    /// while the future is pending. The future may contain waits of this crate: a wake that comes for the
    /// future during such a wait is kept. A late wake, for a future that is over, causes one needless poll
    /// of the next future. Must not be called inside itself.
    ///
    /// # Errors
    /// [`Killed`] if the party was killed while the future was pending. The future is dropped.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Killed> {
        let task = &self.task;
        let mut context = Context::from_waker(&self.task_waker);
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            while !task.woken.swap(false, Ordering::SeqCst) {
                if self.observe_kill() {
                    return Err(Killed);
                }
                // The hook may have consumed the signal: then check again instead of parking.
                if !self.serve_inspection() {
                    self.pause(None, || {});
                }
            }
            if self.observe_kill() {
                return Err(Killed);
            }
        }
    }

    /// Ends the party. Gives back the locks that it owns and to which it has no reference left, and makes
    /// every later drop of its last reference to a lock that it owns do the same. Permits of semaphores,
    /// the actions of barriers and the tasks of joinable queues are treated alike. Call this once the
    /// party's thread acts no more. Does not block. From now on no notice ends a wait. If it is called more
    /// than once, the first call decides how the party ended.
    pub fn end(&self, how: End) {
        self.ignores_notices.store(true, Ordering::Relaxed);
        if let Party::Process(process) = self.party {
            self.orphans.end(process, how);
        }
    }

    /// Binds the waiter to the calling thread.
    pub(crate) fn bind(&self) {
        self.signal.bind();
    }

    /// The waker of the waiting thread.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Whether the party was killed. If so, records that the party has seen it.
    pub(crate) fn observe_kill(&self) -> bool {
        let killed = self.is_killed();
        if killed {
            self.acknowledge();
        }
        killed
    }

    /// Why a wait that would block must end now, if it must.
    pub(crate) fn interrupt(&self) -> Option<Interrupt> {
        if self.observe_kill() {
            Some(Interrupt::Killed)
        } else if self.noticed.load(Ordering::SeqCst)
            && !self.ignores_notices.load(Ordering::Relaxed)
        {
            Some(Interrupt::TimedOut)
        } else {
            None
        }
    }

    /// Runs the inspection hook if it was requested. Returns whether it ran.
    pub(crate) fn serve_inspection(&self) -> bool {
        // The load first: it is cheap, and a request is rare.
        let requested =
            self.inspection.load(Ordering::SeqCst) && self.inspection.swap(false, Ordering::SeqCst);
        if requested {
            self.hooks.inspect();
        }
        requested
    }

    /// Returns when the signal comes, when the deadline passes, or spuriously. `before_parking` runs only
    /// if the thread really parks.
    pub(crate) fn pause(&self, deadline: Option<Instant>, before_parking: impl FnOnce()) {
        if self.signal.consume() {
            return;
        }
        if self.hooks.may_spin() && self.signal.spin() {
            return;
        }
        if !self.signal.announce() {
            return;
        }
        before_parking();
        self.hooks.parking();
        self.signal.park(deadline);
        self.hooks.unparked();
    }

    /// Whether to spin for a while before parking.
    pub(crate) fn may_spin(&self) -> bool {
        self.hooks.may_spin()
    }

    pub(crate) fn set_record(&self, record: Option<WaitRecord>) {
        let previous = std::mem::replace(&mut *self.record.lock(), record);
        // Memory is freed outside the mutex.
        drop(previous);
    }

    pub(crate) fn orphans(&self) -> &Orphans {
        &self.orphans
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Party::Process(process) = self.party {
            orphans::unregister(process, self);
        }
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Waiter")
            .field("party", &self.party)
            .field("killed", &self.is_killed())
            .field("waiting_for", &self.waiting_for())
            .finish_non_exhaustive()
    }
}

/// The waker of a future in [`Waiter::block_on`]. It has its own flag because waits inside the future use
/// the same signal and may consume it.
struct TaskSignal {
    woken: AtomicBool,
    signal: Arc<Signal>,
}

impl Wake for TaskSignal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // An exchange and not a store, which orders it with the exchange that clears the flag in every
        // memory model (loom's lets the two of them race).
        self.woken.swap(true, Ordering::SeqCst);
        self.signal.set();
    }
}
