//! The measurements of a process: taken while it runs, and kept after its end.
//!
//! A call of the guest touches nothing here. The clock is read at the start, at the end and on request; the
//! size of the memory is written when the memory grows.

use crate::machine::kernel::{thread_cpu_time, thread_time};
use crate::mutex::lock;
use crate::reports::Frame;
use rustix::thread::Pid;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

/// The measurements of one process.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    /// The size of its linear memories.
    pub(crate) memory_bytes: AtomicU64,
    /// The thread, with the CPU time that it had used before.
    begun: OnceLock<(Pid, Duration)>,
    /// The calls of an instance of a plugin, which run on any thread.
    calls: Mutex<Calls>,
    /// CPU time of its thread from beginning to end.
    cpu_time: OnceLock<Duration>,
    /// CPU time of its operations that have returned, in nanoseconds.
    operations: AtomicU64,
    core_at_end: OnceLock<usize>,
    backtrace: OnceLock<Vec<Frame>>,
    last_host_call: OnceLock<&'static str>,
}

/// The CPU time of the calls of one instance, where that is counted.
#[derive(Debug, Default)]
struct Calls {
    ended: Duration,
    /// The thread that a call runs on now, with the CPU time that it had used before.
    running: Option<(Pid, Duration)>,
}

impl Vitals {
    /// A call of an instance begins, on the calling thread.
    pub(crate) fn begin_call(&self) {
        self.calls().running = Some((rustix::thread::gettid(), thread_cpu_time()));
    }

    /// A call of an instance ends, on the thread that it began on.
    pub(crate) fn end_call(&self) {
        let mut calls = self.calls();
        if let Some((_, before)) = calls.running.take() {
            calls.ended += thread_cpu_time().saturating_sub(before);
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        lock(&self.calls)
    }

    /// The CPU time of all calls; none if the clock of the running call cannot be read.
    fn time_of_calls(&self) -> Option<Duration> {
        // Under the mutex, so that a call which ends at this moment is counted once.
        let calls = self.calls();
        let running = match calls.running {
            Some((thread, before)) => thread_time(thread)?.saturating_sub(before),
            None => Duration::ZERO,
        };
        Some(calls.ended + running)
    }

    /// The process begins, on the calling thread.
    pub(crate) fn begin(&self, thread: Pid) {
        let _ = self.begun.set((thread, thread_cpu_time()));
    }

    /// The process ends, on the calling thread.
    pub(crate) fn end(&self, core: Option<usize>) {
        if let Some((_, before)) = self.begun.get() {
            let _ = self.cpu_time.set(thread_cpu_time().saturating_sub(*before));
        }
        if let Some(core) = core {
            let _ = self.core_at_end.set(core);
        }
    }

    /// Sets the calls that the guest was executing when it was stopped. Only the first report counts.
    pub(crate) fn stopped_at(&self, backtrace: Vec<Frame>) {
        let _ = self.backtrace.set(backtrace);
    }

    pub(crate) fn backtrace(&self) -> &[Frame] {
        self.backtrace.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// Sets the interface that the guest called last, if it has called any.
    pub(crate) fn last_called(&self, interface: Option<&'static str>) {
        if let Some(interface) = interface {
            let _ = self.last_host_call.set(interface);
        }
    }

    pub(crate) fn last_host_call(&self) -> Option<&'static str> {
        self.last_host_call.get().copied()
    }

    pub(crate) fn core_at_end(&self) -> Option<usize> {
        self.core_at_end.get().copied()
    }

    /// Whether the guest has come to its end.
    pub(crate) fn has_ended(&self) -> bool {
        self.cpu_time.get().is_some()
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// Adds the CPU time that an operation of the process, which has returned, used on another thread.
    pub(crate) fn add_operation(&self, nanoseconds: u64) {
        self.operations.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// The CPU time of its operations that have returned.
    pub(crate) fn operations_time(&self) -> Duration {
        Duration::from_nanos(self.operations.load(Ordering::Relaxed))
    }

    /// The CPU time that the process has used. May be called on any thread. The time of the process's own
    /// thread is missing if its clock cannot be read.
    pub(crate) fn cpu_time(&self) -> Duration {
        self.read_thread_time().unwrap_or_default() + self.operations_time()
    }

    /// The CPU time of its own thread, without its operations; none if the clock cannot be read.
    pub(crate) fn read_thread_time(&self) -> Option<Duration> {
        let at_end = || self.cpu_time.get().copied();
        if let Some(total) = at_end() {
            return Some(total);
        }
        let Some((thread, before)) = self.begun.get() else {
            return self.time_of_calls();
        };
        let used = thread_time(*thread).map(|now| now.saturating_sub(*before));
        // The process may have ended meanwhile, and its thread may run another one.
        at_end().or(used)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    /// Uses CPU time until the clock of the calling thread has moved on by this much.
    fn work(duration: Duration) {
        let begin = thread_cpu_time();
        while thread_cpu_time().saturating_sub(begin) < duration {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn only_what_was_used_in_between_counts() {
        work(Duration::from_millis(20));
        let vitals = Vitals::default();
        assert_eq!(vitals.cpu_time(), Duration::ZERO);
        vitals.begin(rustix::thread::gettid());
        work(Duration::from_millis(5));
        vitals.end(Some(3));
        let used = vitals.cpu_time();
        assert!(used >= Duration::from_millis(5), "{used:?}");
        work(Duration::from_millis(5));
        assert_eq!(vitals.cpu_time(), used);
        assert_eq!(vitals.core_at_end(), Some(3));
    }

    #[test]
    fn another_thread_can_be_looked_at_while_it_runs() {
        let vitals = Vitals::default();
        vitals.begin(rustix::thread::gettid());
        work(Duration::from_millis(30));
        let used = std::thread::scope(|scope| scope.spawn(|| vitals.cpu_time()).join().unwrap());
        assert!(used >= Duration::from_millis(30), "{used:?}");
        assert!(used < Duration::from_secs(60), "{used:?}");
    }
}
