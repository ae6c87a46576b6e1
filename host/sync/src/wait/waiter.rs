//! The one way to block.
//!
//! Each process has one [`Waiter`], and so has each thread of the embedder that ever blocks. All
//! waits of the crate go through it, and so do the runtime's own ([`Waiter::block_on`]), so that a
//! kill, a deadline and an inspection reach a process whatever it is waiting for.
//!
//! # Kill
//! The kill flag is set before the signal, and every wait looks at the flag after it has consumed
//! the signal and before it parks. With the argument of [`signal`](crate::wait::signal) a kill that comes
//! before, during or after any step of a wait is therefore seen, including one that comes before
//! the waiter is bound to a thread. The flag is never cleared.

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

/// What the runtime adds to the waits of a process. All methods run on the waiting thread; none
/// may wait itself.
pub trait Hooks: Send + Sync {
    /// Asked at each wait that finds nothing: whether to spin for some microseconds before parking.
    /// Right when the peer runs on another core, wasteful when it needs this one.
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
    /// `signal` as a waker, made once: wait lists hold wakers only, of threads and of tasks.
    waker: Waker,
    /// For futures in [`block_on`](Self::block_on), of which there is one at a time; made once, too.
    task: Arc<TaskSignal>,
    task_waker: Waker,
    killed: AtomicBool,
    acknowledged: AtomicBool,
    inspection: AtomicBool,
    noticed: AtomicBool,
    /// Written by the party's own thread only.
    ignores_notices: AtomicBool,
    record: Mutex<Option<WaitRecord>>,
    orphans: Orphans,
}

impl Waiter {
    /// A waiter that is not yet bound to a thread. A process has one, and never another.
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

    /// Who waits.
    #[must_use]
    pub fn party(&self) -> Party {
        self.party
    }

    /// Ends whatever the party waits for now, and every later wait, with `Killed`. Does not block;
    /// may be called from any thread, any number of times, also before the waiter is bound.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        // The runtime raises the epoch after this call; the fence keeps the flag in front of it,
        // whatever ordering that increment has.
        fence(Ordering::SeqCst);
        self.signal.set();
    }

    /// Whether [`kill`](Self::kill) was called.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }

    /// Notes that the party has seen the kill. Waits that end with `Killed` do so themselves.
    pub fn acknowledge(&self) {
        self.acknowledged.store(true, Ordering::SeqCst);
    }

    /// Whether the party has seen the kill, so that it needs no repetition.
    #[must_use]
    pub fn acknowledged(&self) -> bool {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Runs [`Hooks::inspect`] on the waiting thread, now or when it next waits. Does not block.
    /// Requests that come before the hook runs are served together.
    pub fn request_inspection(&self) {
        // An exchange, as in `TaskSignal`.
        self.inspection.swap(true, Ordering::SeqCst);
        self.signal.set();
    }

    /// Ends what the party waits for now, and every later wait that would block, as if its time had
    /// passed, until the party [takes the notice](Self::take_notice): those without a time-out too, but
    /// neither a barrier's, nor that of a condition for its lock, nor a future in
    /// [`block_on`](Self::block_on). Does not block.
    pub fn notify(&self) {
        // An exchange, as in `TaskSignal`.
        self.noticed.swap(true, Ordering::SeqCst);
        self.signal.set();
    }

    /// Whether the party was notified since it last asked.
    pub fn take_notice(&self) -> bool {
        self.noticed.swap(false, Ordering::SeqCst)
    }

    /// Runs `action`, whose waits no notice ends. For the party's own thread.
    pub fn without_notices<R>(&self, action: impl FnOnce() -> R) -> R {
        let before = self.ignores_notices.swap(true, Ordering::Relaxed);
        let result = action();
        self.ignores_notices.store(before, Ordering::Relaxed);
        result
    }

    /// Whether the party is parked and nothing has woken it: no value, kill, notice or inspection that
    /// it has still to look at. Waits in [`block_on`](Self::block_on) count too.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.signal.is_parked()
    }

    /// What the party waits for now, if it is parked for an object.
    #[must_use]
    pub fn waiting_for(&self) -> Option<WaitRecord> {
        self.record.lock().clone()
    }

    /// Runs a future on the calling thread, which must be the one the waiter is bound to; parks
    /// while the future is pending. Waits of this crate inside the future are fine: a wake that
    /// comes for the future meanwhile is kept. One that comes late, for a future that is over, has the
    /// next one looked at once too often. Not to be called inside of itself.
    ///
    /// # Errors
    /// [`Killed`] when the future is pending and the party was killed. The future is dropped.
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
                // The hook may have consumed the signal: then look again instead of parking.
                if !self.serve_inspection() {
                    self.pause(None, || {});
                }
            }
            if self.observe_kill() {
                return Err(Killed);
            }
        }
    }

    /// The party is over: gives back the locks it owns and to which it has no reference left, and
    /// makes every later drop of its last reference to a lock it owns do the same; permits of
    /// semaphores, the actions of barriers and the tasks of joinable queues likewise. Called once the
    /// party's thread acts no more; does not block. No notice ends what is waited for from now on. Of
    /// several calls the first says how it ended.
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

    /// Wakes the thread that waits.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Whether the party was killed; notes that it has seen it.
    pub(crate) fn observe_kill(&self) -> bool {
        let killed = self.is_killed();
        if killed {
            self.acknowledge();
        }
        killed
    }

    /// Why a wait that would block must end, if it must.
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

    /// Runs the inspection hook if it was asked for; whether it ran.
    pub(crate) fn serve_inspection(&self) -> bool {
        // The load first: it is cheap, and a request is rare.
        let requested =
            self.inspection.load(Ordering::SeqCst) && self.inspection.swap(false, Ordering::SeqCst);
        if requested {
            self.hooks.inspect();
        }
        requested
    }

    /// Returns when the signal comes, the deadline passes, or for no reason. `before_parking` runs
    /// only if the thread really parks.
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

    /// Whether to look for a while before parking.
    pub(crate) fn may_spin(&self) -> bool {
        self.hooks.may_spin()
    }

    pub(crate) fn set_record(&self, record: Option<WaitRecord>) {
        let previous = std::mem::replace(&mut *self.record.lock(), record);
        // Freeing memory is for outside the mutex.
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

/// The waker of a future in [`Waiter::block_on`]. It has a flag of its own because waits inside the
/// future use the same signal and may consume it.
struct TaskSignal {
    woken: AtomicBool,
    signal: Arc<Signal>,
}

impl Wake for TaskSignal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // An exchange and not a store, so that it is ordered with the one that clears the flag in
        // every model of memory (loom's lets the two of them race).
        self.woken.swap(true, Ordering::SeqCst);
        self.signal.set();
    }
}
