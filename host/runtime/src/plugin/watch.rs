//! Ends a call of a plugin at its deadline or its limit of CPU time: that call, and no other.
//!
//! A watch has one alarm, not one for each call: it is set when a call with a limit begins and none is
//! set, looks at whatever call runs when it goes off, and is set again for as long as calls follow each
//! other. So a call of a microsecond costs a clock's reading and two atomic exchanges, and the timer's mutex
//! is taken once in a deadline's time.
//!
//! A watch outlives its instance and serves the next one. Where each call has an instance of its own,
//! an alarm for each instance would be one for each call: 50,000 of them wait in the timer with a deadline
//! of a second and 20 us a call.
//!
//! # No call ends for another
//! The number of the call and whether it runs are one atomic value. Whoever is to end a call first claims
//! *this* value; if the call has come to its end meanwhile, the value is another one, and nothing
//! happens. A call that ends and finds itself claimed gives its result all the same, and its instance is
//! thrown away.

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

/// The last bits of the phase; the rest is the call's number.
const STATE_BITS: u64 = 0b11;
const IDLE: u64 = 0;
const RUNNING: u64 = 1;
const CLAIMED: u64 = 2;
const NEXT_CALL: u64 = 4;

/// What may end the calls of one instance after the other.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The instance's; changed between calls only.
    process: Mutex<Weak<ProcessState>>,
    phase: AtomicU64,
    is_armed: AtomicBool,
    /// When the alarm goes off, if it is set; as `due`.
    next_look: AtomicU64,
    /// Of the call that runs, in nanoseconds since [`origin`]; the largest number is never.
    begun: AtomicU64,
    due: AtomicU64,
    /// The thread that the call runs on, and its CPU time at the beginning, in nanoseconds.
    thread: AtomicI32,
    cpu_begun: AtomicU64,
    /// Of each call.
    deadline: Option<Duration>,
    cpu_time: Option<Duration>,
}

impl Watch {
    pub(crate) fn new(deadline: Option<Duration>, cpu_time: Option<Duration>) -> Arc<Watch> {
        // Before any call, since times are counted from it.
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

    /// The calls that follow are of this instance.
    pub(crate) fn serve(&self, process: &Arc<ProcessState>) {
        *self.process() = Arc::downgrade(process);
    }

    /// Whether a call was claimed: its instance is being ended, and the watch serves no other.
    pub(crate) fn is_claimed(&self) -> bool {
        self.phase.load(Ordering::SeqCst) & STATE_BITS == CLAIMED
    }

    /// A call begins, on the calling thread. `last` is when it is to end at the latest, beside what
    /// the limits say.
    pub(crate) fn begin(self: &Arc<Self>, timer: &Timer, now: Instant, last: Option<Instant>) {
        let own = self.deadline.and_then(|deadline| now.checked_add(deadline));
        let due = [own, last].into_iter().flatten().min();
        // Each is written by this thread alone, and read by the alarm after it has seen the phase.
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
        // The load first: usually it is, and an exchange costs ten times as much.
        if !self.is_armed.load(Ordering::SeqCst) && !self.is_armed.swap(true, Ordering::SeqCst) {
            self.next_look.store(next_look, Ordering::SeqCst);
            self.arm(timer, pause);
        } else if next_look < self.next_look.load(Ordering::SeqCst) {
            // The alarm that is set comes too late for this call.
            self.arm_for(timer, next | RUNNING, pause);
        }
    }

    /// The call ends. If it [was claimed](Self::is_claimed), that stays so.
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

    /// How long until a call can have reached a limit.
    fn pause(&self, now: Instant, due: Option<Instant>) -> Duration {
        let until_due = due.map(|due| due.saturating_duration_since(now));
        let until_cpu = self.cpu_time.map(cpu_time::pause);
        let pauses = [until_due, until_cpu].into_iter().flatten();
        pauses.min().unwrap_or(LONGEST_PAUSE)
    }

    /// Sets the alarm that goes on for as long as calls follow each other.
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

    /// Looks at the call that runs. When to look again; none if nothing runs.
    fn look(&self) -> Option<Duration> {
        loop {
            let phase = self.phase.load(Ordering::SeqCst);
            if phase & STATE_BITS == RUNNING {
                let pause = self.judge(phase)?;
                let next_look = nanoseconds(Instant::now()).saturating_add(length(pause));
                self.next_look.store(next_look, Ordering::SeqCst);
                // A call that has begun in between has either seen when the next look is, or is seen
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

    /// Ends this call if it has reached a limit. When to look again, otherwise.
    fn judge(&self, call: u64) -> Option<Duration> {
        let now = nanoseconds(Instant::now());
        let due = self.due.load(Ordering::Relaxed);
        if now >= due {
            let begun = self.begun.load(Ordering::Relaxed);
            let allowed = Duration::from_nanos(due.saturating_sub(begun));
            let raised = match self.deadline == Some(allowed) {
                true => limits::OF_TIMEOUT,
                false => "whoever calls has set it",
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

    /// Ends this call, unless it has ended. Looks again soon if another one has begun.
    fn claim(&self, call: u64, status: ExitStatus) -> Option<Duration> {
        // Before the claim, which succeeds only if this call has run all the time: then it is its process.
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

    /// What the call has used, of the thread that it runs on; none if the thread's clock cannot be read.
    fn cpu_used(&self) -> Option<Duration> {
        let begun = Duration::from_nanos(self.cpu_begun.load(Ordering::Relaxed));
        let thread = Pid::from_raw(self.thread.load(Ordering::Relaxed))?;
        Some(thread_time(thread)?.saturating_sub(begun))
    }
}

/// What times are counted from.
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
