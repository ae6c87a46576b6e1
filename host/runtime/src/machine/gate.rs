//! The gate that can pause a process while its guest runs.
//!
//! A gate is closed while it has a reason: it is not the process's turn on its core
//! ([`turns`](crate::machine::turns)), or its tree has used up its quota
//! (`process/quota.rs`). A process passes its gate at *safe points*, where its thread holds
//! no lock of the host: before its guest begins, at each host call, and when it resumes after a wait. A
//! guest that computes makes no host call; a [signal](crate::machine::kernel::in_guest) brings it to the
//! gate while its own code runs.
//!
//! # No wake is lost
//! The reasons and a generation form one atomic word, which is the futex that the thread waits on. A
//! thread that removes a reason changes the word first and wakes the waiter afterwards; the kernel puts
//! the waiter to sleep only if the word still has the value that the waiter has read. A kill changes no
//! reason, so it raises the generation after it has set its flag.

use crate::machine::kernel;
use isopod_sync::ProcessId;
use rustix::thread::{Pid, futex};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

/// The reason why a gate is closed: bits of the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Another process of its tree has the core.
    Turn = 1,
    /// Its tree has used up its quota.
    Quota = 2,
}

const REASONS: u32 = Reason::Turn as u32 | Reason::Quota as u32;
/// The rest of the word counts kills.
const GENERATION: u32 = 4;

/// The gate of a process, or of a worker, whose instances pass it one after the other.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The process that owns the seat on a core.
    seat: ProcessId,
    word: AtomicU32,
    /// The thread that a guest runs on behind this gate; 0 if no guest runs.
    thread: AtomicI32,
    /// A signal has been sent and has not arrived yet. Without this flag signals would queue up.
    is_signalled: AtomicBool,
    is_paused: AtomicBool,
}

impl Gate {
    pub(crate) fn new(seat: ProcessId) -> Gate {
        Gate {
            seat,
            word: AtomicU32::new(0),
            thread: AtomicI32::new(0),
            is_signalled: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
        }
    }

    pub(crate) fn seat(&self) -> ProcessId {
        self.seat
    }

    /// Whether there is a reason to wait: the only check at a host call.
    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Relaxed) & REASONS != 0
    }

    /// Whether the process is paused, which means that its thread waits here.
    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::SeqCst)
    }

    /// Closes the gate. The process continues until its next safe point, or until it is
    /// [called](Self::call).
    pub(crate) fn close(&self, reason: Reason) {
        self.word.fetch_or(reason as u32, Ordering::SeqCst);
    }

    /// Removes a reason, and lets the process continue if it was the last one.
    pub(crate) fn open(&self, reason: Reason) {
        let before = self.word.fetch_and(!(reason as u32), Ordering::SeqCst);
        if before & REASONS == reason as u32 {
            self.wake();
        }
    }

    /// Lets a killed process continue, even if its gate is closed. Call this after the kill's flag is
    /// set.
    pub(crate) fn release_killed(&self) {
        self.word.fetch_add(GENERATION, Ordering::SeqCst);
        self.wake();
    }

    /// Calls a process that has a reason to wait and computes: the thread gets a signal, and waits if it
    /// is in its guest's own code at that moment. Otherwise it comes here at its next safe point, or is
    /// called again.
    pub(crate) fn call(&self) {
        let thread = self.thread.load(Ordering::SeqCst);
        if let Some(thread) = Pid::from_raw(thread)
            && !self.is_paused()
            && !self.is_signalled.swap(true, Ordering::SeqCst)
            && !kernel::signal(thread)
        {
            self.is_signalled.store(false, Ordering::SeqCst);
        }
    }

    /// Notes that the signal has arrived. Runs in the signal's handler.
    pub(crate) fn heard(&self) {
        self.is_signalled.store(false, Ordering::SeqCst);
    }

    /// Notes that a guest begins to run behind this gate, on the calling thread; with `None`, that it
    /// runs no more.
    pub(crate) fn runs_on(&self, thread: Option<Pid>) {
        // A signal that has not arrived will not arrive any more: it was sent to another thread.
        self.is_signalled.store(false, Ordering::SeqCst);
        let number = thread.map_or(0, |thread| thread.as_raw_nonzero().get());
        self.thread.store(number, Ordering::SeqCst);
    }

    /// Whether a guest runs behind this gate, or waits in a host call.
    pub(crate) fn is_running(&self) -> bool {
        self.thread.load(Ordering::SeqCst) != 0
    }

    /// Waits while there is a reason to, on the process's own thread. The handler of a signal calls this
    /// too, so it only reads and writes atomic values and calls the kernel.
    pub(crate) fn pass(&self, is_killed: impl Fn() -> bool) {
        loop {
            let word = self.word.load(Ordering::SeqCst);
            if word & REASONS == 0 || is_killed() {
                break;
            }
            self.is_paused.store(true, Ordering::SeqCst);
            // It returns for a wake, for another signal, or because the word has changed. The loop treats
            // all three alike.
            let _ = futex::wait(&self.word, futex::Flags::PRIVATE, word, None);
        }
        if self.is_paused.load(Ordering::Relaxed) {
            self.is_paused.store(false, Ordering::SeqCst);
        }
    }

    fn wake(&self) {
        // No error is possible: the word is a valid address.
        let _ = futex::wake(&self.word, futex::Flags::PRIVATE, u32::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(ProcessId::new(1))
    }

    #[test]
    fn an_open_gate_and_a_killed_process_do_not_wait() {
        let gate = gate();
        assert!(!gate.is_closed());
        gate.pass(|| false);
        gate.close(Reason::Turn);
        assert!(gate.is_closed());
        gate.pass(|| true);
        assert!(!gate.is_paused());
    }

    #[test]
    fn each_reason_has_to_go() {
        let gate = gate();
        gate.close(Reason::Turn);
        gate.close(Reason::Quota);
        gate.open(Reason::Turn);
        assert!(gate.is_closed());
        gate.open(Reason::Quota);
        assert!(!gate.is_closed());
    }

    #[test]
    fn no_wake_is_lost() {
        let gate = gate();
        let is_killed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let mut rounds = 0_u32;
                while !is_killed.load(Ordering::SeqCst) {
                    gate.pass(|| is_killed.load(Ordering::SeqCst));
                    rounds += 1;
                }
                rounds
            });
            for round in 0..20_000 {
                gate.close(Reason::Turn);
                if round % 100 == 0 {
                    while !gate.is_paused() {
                        std::thread::yield_now();
                    }
                }
                gate.open(Reason::Turn);
            }
            gate.close(Reason::Quota);
            while !gate.is_paused() {
                std::thread::yield_now();
            }
            is_killed.store(true, Ordering::SeqCst);
            gate.release_killed();
            assert!(waits.join().is_ok_and(|rounds| rounds > 0));
        });
    }
}
