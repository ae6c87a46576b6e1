//! The kernel services that this crate needs and no safe crate offers: the CPU clocks of other threads,
//! and a signal that pauses a guest which computes.
//!
//! Nothing here opens a descriptor, so nothing here fails when a guest has used them up.
//!
//! # The signal
//! A signal calls a thread that runs a guest to its [`Gate`]. The handler waits there only if the
//! interrupted instruction belongs to the guest's own compiled code. Such code holds no lock of the host,
//! of the C library or of the engine, so only threads that wait for the guest wait for a paused process.
//! Anywhere else the handler returns at once; the thread comes to its gate at its next safe point, or is
//! called again.
//!
//! - The handler only reads a thread-local pointer, reads and writes atomic values and waits on a futex,
//!   all of which are allowed in a handler, and it leaves `errno` as it was.
//! - It runs on the thread's alternate stack, as the engine's own handlers do; a guest's stack may have
//!   no room.
//! - The engine's handler of traps is host code, so a signal that arrives there returns at once. While
//!   the thread waits here it executes nothing that could trap. Handlers of other signals may run in
//!   between.
//! - Interrupted system calls are restarted (`SA_RESTART`), and only threads that run a guest are ever
//!   called.
//! - The number is that of a real-time signal that has no handler when the first engine is made. Where
//!   there is none, or a thread blocks it, a guest that computes is paused at its next host call.

#![allow(
    unsafe_code,
    reason = "rustix has no call for the CPU clock of another thread, and none that makes a handler"
)]

use crate::machine::Gate;
use isopod_sync::Waiter;
use rustix::thread::Pid;
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::ops::Range;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

/// The guest that a thread runs. [`INSIDE`] points to it while the thread is inside of [`in_guest`].
struct Inside {
    gate: *const Gate,
    waiter: *const Waiter,
    /// Addresses of the guest's compiled code.
    code: Range<usize>,
}

thread_local! {
    /// The innermost guest that the thread runs; null if it runs none. The initial value is constant and
    /// there is no destructor, so a handler may read it at any time.
    static INSIDE: AtomicPtr<Inside> = const { AtomicPtr::new(ptr::null_mut()) };
    /// The thread's number, kept so that the system call is made only once.
    static THREAD: Cell<Option<Pid>> = const { Cell::new(None) };
}

/// The signal's number, if there is one.
static SIGNAL: OnceLock<Option<libc::c_int>> = OnceLock::new();

/// Runs a guest on the calling thread so that it can be paused. Waits at the gate before the guest
/// begins.
pub(crate) fn in_guest<R>(
    gate: &Gate,
    waiter: &Waiter,
    code: Range<usize>,
    action: impl FnOnce() -> R,
) -> R {
    struct Restore<'a> {
        outer: *mut Inside,
        gate: &'a Gate,
    }
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            self.gate.runs_on(None);
            resume(self.outer);
        }
    }
    let mut inside = Inside { gate, waiter, code };
    let outer = INSIDE.with(|place| place.swap(&raw mut inside, Ordering::SeqCst));
    // Declared after `inside`, so it is dropped before `inside`, even if `action` panics.
    let _restore = Restore { outer, gate };
    gate.runs_on(Some(current_thread()));
    pass();
    action()
}

/// Runs an action during which the calling thread holds a lock that others wait for: no guest is paused
/// meanwhile, even if the action waits.
pub(crate) fn unpaused<R>(action: impl FnOnce() -> R) -> R {
    struct Restore(*mut Inside);
    impl Drop for Restore {
        fn drop(&mut self) {
            resume(self.0);
        }
    }
    let _restore = Restore(INSIDE.with(|inside| inside.swap(ptr::null_mut(), Ordering::SeqCst)));
    action()
}

/// Makes the outer guest the one that the calling thread runs again.
fn resume(outer: *mut Inside) {
    INSIDE.with(|inside| inside.store(outer, Ordering::SeqCst));
    // SAFETY: as in `pass`: this is the pointer that was there before.
    if let Some(outer) = unsafe { outer.as_ref() } {
        // SAFETY: as in `pass`.
        let gate = unsafe { &*outer.gate };
        // A signal that arrived meanwhile did not reach this gate.
        gate.heard();
    }
}

/// A safe point: waits while the guest that the calling thread runs must pause.
pub(crate) fn pass() {
    let inside = INSIDE.with(|inside| inside.load(Ordering::SeqCst));
    // SAFETY: `in_guest` of this thread has stored the pointer, and removes it before its target is
    // dropped; no other code writes it. The borrows behind the two pointers in the target outlive it
    // likewise.
    let (gate, waiter) = match unsafe { inside.as_ref() } {
        // SAFETY: as above.
        Some(inside) => unsafe { (&*inside.gate, &*inside.waiter) },
        None => return,
    };
    gate.pass(|| waiter.is_killed());
}

/// The calling thread, as the kernel numbers it.
fn current_thread() -> Pid {
    let known = THREAD.get();
    known.unwrap_or_else(|| {
        let thread = rustix::thread::gettid();
        THREAD.set(Some(thread));
        thread
    })
}

/// Installs the handler, once for this operating-system process.
pub(crate) fn install() {
    SIGNAL.get_or_init(|| {
        // The highest few numbers are left to programs that count down from the top.
        let mut numbers = (libc::SIGRTMIN()..=libc::SIGRTMAX() - 4).rev();
        numbers.find(|number| take(*number))
    });
}

/// Installs the handler for this signal, unless the signal has one already.
fn take(number: libc::c_int) -> bool {
    // SAFETY: all zeroes is a valid `sigaction`, in which each field is a number, a set of bits or a
    // function that may be absent.
    let mut present: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: no new action is given; the present one is written to `present`.
    let result = unsafe { libc::sigaction(number, ptr::null(), &raw mut present) };
    if result != 0 || present.sa_sigaction != libc::SIG_DFL {
        return false;
    }
    // SAFETY: as above.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_signal;
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: the function has the form that `SA_SIGINFO` asks for and does what a handler may do; the
    // header of this file says why. The mask is empty.
    unsafe { libc::sigaction(number, &raw const action, ptr::null_mut()) == 0 }
}

/// Lets the signal reach the calling thread, whose creator may have blocked it.
pub(crate) fn unblock() {
    let Some(number) = SIGNAL.get().copied().flatten() else {
        return;
    };
    // SAFETY: all zeroes is a valid set; each call reads or writes this set and nothing else.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, number);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
    }
}

/// Sends the signal to a thread of this operating-system process. Returns whether it was sent.
pub(crate) fn signal(thread: Pid) -> bool {
    let Some(number) = SIGNAL.get().copied().flatten() else {
        return false;
    };
    let process = rustix::process::getpid().as_raw_nonzero().get();
    let thread = thread.as_raw_nonzero().get();
    // SAFETY: the call takes numbers only. The signal has our handler, which does nothing on a thread that
    // runs no guest.
    unsafe { libc::syscall(libc::SYS_tgkill, process, thread, number) == 0 }
}

extern "C" fn on_signal(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let inside = INSIDE.with(|inside| inside.load(Ordering::SeqCst));
    // SAFETY: as in `pass`; the handler runs on the thread that it has interrupted.
    let Some(inside) = (unsafe { inside.as_ref() }) else {
        return;
    };
    // SAFETY: as in `pass`.
    let (gate, waiter) = unsafe { (&*inside.gate, &*inside.waiter) };
    gate.heard();
    // SAFETY: the kernel gives a handler with `SA_SIGINFO` a valid context.
    let counter = unsafe { program_counter(context) };
    if counter.is_some_and(|counter| inside.code.contains(&counter)) {
        // SAFETY: the pointer is valid for as long as the thread lives.
        let errno = unsafe { *libc::__errno_location() };
        gate.pass(|| waiter.is_killed());
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = errno };
    }
}

/// The address of the interrupted instruction.
///
/// # Safety
/// `context` is the context that the kernel has passed to a handler.
unsafe fn program_counter(context: *const libc::c_void) -> Option<usize> {
    let context = context.cast::<libc::ucontext_t>();
    #[cfg(target_arch = "x86_64")]
    {
        let register = usize::try_from(libc::REG_RIP).ok()?;
        // SAFETY: guaranteed by the caller.
        let registers = unsafe { &(*context).uc_mcontext.gregs };
        usize::try_from(*registers.get(register)?).ok()
    }
    #[cfg(target_arch = "aarch64")]
    {
        // SAFETY: guaranteed by the caller.
        usize::try_from(unsafe { (*context).uc_mcontext.pc }).ok()
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _ = context;
        None
    }
}

/// The CPU time of a thread of this operating-system process, to the nanosecond, even while it runs on
/// another core. `None` if there is no such thread, or if a system-call filter refuses the call.
pub(crate) fn thread_time(thread: Pid) -> Option<Duration> {
    /// `CPUCLOCK_SCHED | CPUCLOCK_PERTHREAD_MASK`: the kernel's number for this kind of clock.
    /// `pthread_getcpuclockid` builds the same number.
    const KIND: i32 = 2 | 4;
    let clock: libc::clockid_t = (!thread.as_raw_nonzero().get()).checked_shl(3)? | KIND;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: The call writes to `time` and to nothing else, for any number of the clock; an unknown
    // number is an error.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    if result != 0 {
        return None;
    }
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(seconds, nanoseconds))
}

/// The CPU time of the calling thread.
pub(crate) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
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
        // `join` returns once the kernel has cleared the thread's number, a moment before the thread is
        // gone.
        while thread_time(thread).is_some() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_own_clock_is_the_one_of_the_calling_thread() {
        let before = thread_cpu_time();
        let read = thread_time(gettid()).unwrap();
        assert!(before <= read && read <= thread_cpu_time());
    }
}
