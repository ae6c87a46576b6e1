//! What the kernel offers, this crate needs and no safe crate has: the CPU clocks of other threads.
//!
//! Nothing here opens a descriptor, so nothing here fails when a guest has used them up.

#![allow(
    unsafe_code,
    reason = "rustix has no call for the CPU clock of another thread"
)]

use rustix::thread::Pid;
use std::time::Duration;

/// The CPU time of a thread of this operating-system process, to the nanosecond, also while it runs on
/// another core. None if there is no such thread, or if a system-call filter refuses.
pub(crate) fn thread_time(thread: Pid) -> Option<Duration> {
    /// `CPUCLOCK_SCHED | CPUCLOCK_PERTHREAD_MASK`: the kernel's number for this kind of clock, which
    /// `pthread_getcpuclockid` makes as well.
    const KIND: i32 = 2 | 4;
    let clock: libc::clockid_t = (!thread.as_raw_nonzero().get()).checked_shl(3)? | KIND;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: The call writes to `time` and to nothing else, whatever number the clock has; an unknown
    // one is an error.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    if result != 0 {
        return None;
    }
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use rustix::thread::gettid;
    use std::hint::black_box;
    use std::sync::mpsc;

    #[test]
    fn the_clock_of_another_thread_goes_while_that_runs_and_is_gone_with_it() {
        let (sender, receiver) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let busy = std::thread::Builder::new();
        let busy = busy.spawn(move || {
            sender.send(gettid()).unwrap();
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                black_box(0_u64);
            }
        });
        let thread = receiver.recv().unwrap();
        let begin = thread_time(thread).unwrap();
        while thread_time(thread).unwrap() < begin + Duration::from_millis(3) {}
        drop(stop);
        busy.unwrap().join().unwrap();
        // The thread is joined when the kernel has cleared its number, a moment before it is gone.
        while thread_time(thread).is_some() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_own_clock_is_the_one_of_the_calling_thread() {
        let before = crate::vitals::thread_cpu_time();
        let read = thread_time(gettid()).unwrap();
        assert!(before <= read && read <= crate::vitals::thread_cpu_time());
    }
}
