//! Ends a call of a plugin at its deadline or its limit of CPU time: that call, and no other.
//!
//! A watch has one alarm for all calls, not one for each. A call with a limit sets the alarm if none is set.
//! When it goes off, it checks the call that runs then, and it is set again for as long as calls follow each
//! other. So a call of a microsecond costs one reading of the clock and two atomic exchanges, and the timer's
//! mutex is taken once in the time of a deadline.
//!
//! A watch outlives its instance and serves the next one. Where each call has an instance of its own, an
//! alarm for each instance would be one for each call: with a deadline of a second and 20 us a call, 50,000
//! alarms would wait in the timer.
//!
//! # No call ends in place of another
//! One atomic value holds the number of the call and whether it runs. A thread that wants to end a call first
//! claims *this* value. If the call has ended meanwhile, the value is a different one, and nothing happens. A
//! call that ends and finds itself claimed returns its result all the same, and its instance is dropped.

use crate::exit_status::ExitStatus;
use crate::life::{ProcessState, end_each};
use crate::limits;
use crate::machine::kernel::{thread_cpu_time, thread_time};
use crate::machine::{Timer, threads};
use crate::mutex::lock;
use crate::process::cpu_time::{self, LONGEST_PAUSE};
use rustix::thread::Pid;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::{Duration, Instant};

/// The last bits of the phase hold its state; the rest is the call's number.
const STATE_BITS: u64 = 0b11;
const IDLE: u64 = 0;
const RUNNING: u64 = 1;
const CLAIMED: u64 = 2;
const NEXT_CALL: u64 = 4;

/// Ends the calls of one instance after another, if they reach a limit.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The process of the instance; changed between calls only.
    process: Mutex<Weak<ProcessState>>,
    phase: AtomicU64,
    is_armed: AtomicBool,
    /// When the alarm goes off, if it is set; in the unit of `due`.
    next_look: AtomicU64,
    /// Start and deadline of the call that runs, in nanoseconds since [`origin`]; the largest number means
    /// never.
    begun: AtomicU64,
    due: AtomicU64,
    /// The thread on which the call runs, and its CPU time at the start of the call, in nanoseconds.
    thread: AtomicI32,
    cpu_begun: AtomicU64,
    /// The limits of each call.
    deadline: Option<Duration>,
    cpu_time: Option<Duration>,
}

impl Watch {
    pub(crate) fn new(deadline: Option<Duration>, cpu_time: Option<Duration>) -> Arc<Watch> {
        // This precedes any call, since times are counted from it.
        origin();
        Arc::new(Watch {
            process: Mutex::default(),
            phase: AtomicU64::new(IDLE),
            is_armed: AtomicBool::new(false),
            next_look: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            due: AtomicU64::new(u64::MAX),
            thread: AtomicI32::new(0),
            cpu_begun: AtomicU64::new(0),
            deadline,
            cpu_time,
        })
    }

    /// Makes this the instance of the calls that follow.
    pub(crate) fn serve(&self, process: &Arc<ProcessState>) {
        *self.process() = Arc::downgrade(process);
    }

    /// Whether a call was claimed. Then its instance is being ended, and the watch serves no other one.
    pub(crate) fn is_claimed(&self) -> bool {
        self.phase.load(Ordering::SeqCst) & STATE_BITS == CLAIMED
    }

    /// A call begins, on the calling thread. `last` is its latest end, apart from the limits.
    pub(crate) fn begin(self: &Arc<Self>, timer: &Timer, now: Instant, last: Option<Instant>) {
        let own = self.deadline.and_then(|deadline| now.checked_add(deadline));
        let due = [own, last].into_iter().flatten().min();
        // Only this thread writes these, and the alarm reads them after it has seen the phase.
        self.begun.store(nanoseconds(now), Ordering::Relaxed);
        self.due
            .store(due.map_or(u64::MAX, nanoseconds), Ordering::Relaxed);
        if self.cpu_time.is_some() {
            let thread = threads::current_id().as_raw_nonzero().get();
            self.thread.store(thread, Ordering::Relaxed);
            self.cpu_begun
                .store(length(thread_cpu_time()), Ordering::Relaxed);
        }
        // Only this thread moves an idle phase.
        let next = (self.phase.load(Ordering::Relaxed) & !STATE_BITS).wrapping_add(NEXT_CALL);
        self.phase.store(next | RUNNING, Ordering::SeqCst);
        let is_limited = due.is_some() || self.cpu_time.is_some();
        if !is_limited {
            return;
        }
        let pause = self.pause(now, due);
        let next_look = nanoseconds(now).saturating_add(length(pause));
        // The load comes first: usually the alarm is set, and an exchange costs ten times as much.
        if !self.is_armed.load(Ordering::SeqCst) && !self.is_armed.swap(true, Ordering::SeqCst) {
            self.next_look.store(next_look, Ordering::SeqCst);
            self.arm(timer, pause);
        } else if next_look < self.next_look.load(Ordering::SeqCst) {
            // The alarm that is set comes too late for this call.
            self.arm_for(timer, next | RUNNING, pause);
        }
    }

    /// The call ends. If it [was claimed](Self::is_claimed), it stays claimed.
    pub(crate) fn end(&self) {
        let phase = self.phase.load(Ordering::Relaxed);
        let (running, idle) = (
            (phase & !STATE_BITS) | RUNNING,
            (phase & !STATE_BITS) | IDLE,
        );
        let _ = self
            .phase
            .compare_exchange(running, idle, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// The earliest time after which a call can have reached a limit.
    fn pause(&self, now: Instant, due: Option<Instant>) -> Duration {
        let until_due = due.map(|due| due.saturating_duration_since(now));
        let until_cpu = self.cpu_time.map(cpu_time::pause);
        let pauses = [until_due, until_cpu].into_iter().flatten();
        pauses.min().unwrap_or(LONGEST_PAUSE)
    }

    /// Sets the alarm that is renewed for as long as calls follow each other.
    fn arm(self: &Arc<Self>, timer: &Timer, pause: Duration) {
        let watch = Arc::downgrade(self);
        timer.after(pause, move || watch.upgrade()?.look());
    }

    /// Sets an alarm for one call.
    fn arm_for(self: &Arc<Self>, timer: &Timer, call: u64, pause: Duration) {
        let watch = Arc::downgrade(self);
        timer.after(pause, move || {
            let watch = watch.upgrade()?;
            match watch.phase.load(Ordering::SeqCst) == call {
                true => watch.judge(call),
                false => None,
            }
        });
    }

    /// Checks the call that runs. Returns the pause before the next check; none if nothing runs.
    fn look(&self) -> Option<Duration> {
        loop {
            let phase = self.phase.load(Ordering::SeqCst);
            if phase & STATE_BITS == RUNNING {
                let pause = self.judge(phase)?;
                let next_look = nanoseconds(Instant::now()).saturating_add(length(pause));
                self.next_look.store(next_look, Ordering::SeqCst);
                // A call that has begun in between has either seen the time of the next check, or is seen
                // here: it may have less time.
                match self.phase.load(Ordering::SeqCst) == phase {
                    true => return Some(pause),
                    false => continue,
                }
            }
            self.is_armed.store(false, Ordering::SeqCst);
            // A call that has begun in between has either seen that no alarm is set, or is seen here.
            let is_running = self.phase.load(Ordering::SeqCst) & STATE_BITS == RUNNING;
            if !is_running || self.is_armed.swap(true, Ordering::SeqCst) {
                return None;
            }
        }
    }

    /// Ends this call if it has reached a limit. Otherwise returns the pause before the next check.
    fn judge(&self, call: u64) -> Option<Duration> {
        let now = nanoseconds(Instant::now());
        let due = self.due.load(Ordering::Relaxed);
        if now >= due {
            let begun = self.begun.load(Ordering::Relaxed);
            let allowed = Duration::from_nanos(due.saturating_sub(begun));
            let raised = match self.deadline == Some(allowed) {
                true => limits::OF_TIMEOUT,
                false => "the caller has set it",
            };
            let status = ExitStatus::Deadline(limits::deadline(allowed, raised));
            return self.claim(call, status);
        }
        let until_due = (due != u64::MAX).then(|| Duration::from_nanos(due - now));
        let until_cpu = match self.cpu_time {
            None => None,
            Some(limit) => match cpu_time::judge(self.cpu_used(), limit, || {
                limits::OF_CALL_CPU_TIME.to_owned()
            }) {
                Ok(remaining) => Some(cpu_time::pause(remaining)),
                Err(status) => return self.claim(call, status),
            },
        };
        [until_due, until_cpu]
            .into_iter()
            .flatten()
            .min()
            .or(Some(LONGEST_PAUSE))
    }

    /// Ends this call, unless it has ended. Checks again soon if another one has begun.
    fn claim(&self, call: u64, status: ExitStatus) -> Option<Duration> {
        // This comes before the claim. The claim succeeds only if this call has run all the time, and then
        // this is the call's process.
        let process = self.process().upgrade();
        let claimed = (call & !STATE_BITS) | CLAIMED;
        let has_claimed =
            self.phase
                .compare_exchange(call, claimed, Ordering::SeqCst, Ordering::SeqCst);
        if has_claimed.is_err() {
            return Some(Duration::ZERO);
        }
        end_each(process.into_iter().collect(), |_| status.clone());
        None
    }

    fn process(&self) -> MutexGuard<'_, Weak<ProcessState>> {
        lock(&self.process)
    }

    /// The CPU time that the call has used on its thread; none if the thread's clock cannot be read.
    fn cpu_used(&self) -> Option<Duration> {
        let begun = Duration::from_nanos(self.cpu_begun.load(Ordering::Relaxed));
        let thread = Pid::from_raw(self.thread.load(Ordering::Relaxed))?;
        Some(thread_time(thread)?.saturating_sub(begun))
    }
}

/// The moment from which times are counted.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

fn nanoseconds(time: Instant) -> u64 {
    length(time.saturating_duration_since(origin()))
}

fn length(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
