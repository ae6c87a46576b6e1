//! How a process is asked to end. What it does then is in [`ending`](crate::process).

use super::machinery::Machinery;
use super::process::ProcessState;
use super::tree::Tree;
use crate::events::Requester;
use crate::exit_status::ExitStatus;
use crate::mutex::lock;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

impl ProcessState {
    /// The host asks for its end and sees to it. No effect if it was asked before, or has ended.
    pub(crate) fn request_end(self: &Arc<Self>, status: ExitStatus) {
        self.request_end_by(Requester::Host, &status);
    }

    /// The same, for somebody else.
    pub(crate) fn request_end_by(self: &Arc<Self>, by: Requester, status: &ExitStatus) {
        end_each_by(by, vec![Arc::clone(self)], |_| status.clone());
    }

    /// Whether it has been asked to end. The caller, which is its own thread, sees to the end then.
    pub(crate) fn is_to_end(&self) -> bool {
        let is_killed = self.waiter.is_killed();
        if is_killed {
            self.waiter.acknowledge();
        }
        is_killed
    }

    /// How it was asked to end, if it was.
    pub(crate) fn requested(&self) -> Option<ExitStatus> {
        self.request().clone()
    }

    /// Whether the end that was asked for cannot be missed any more.
    pub(crate) fn has_seen_its_end(&self) -> bool {
        self.waiter().acknowledged() || self.status.get().is_some()
    }

    /// Notes how it is to end, unless that is known already. True for the first request.
    fn note_end(&self, status: ExitStatus) -> bool {
        if self.status.get().is_some() {
            return false;
        }
        let mut request = self.request();
        let is_first = request.is_none();
        request.get_or_insert(status);
        is_first
    }

    fn request(&self) -> MutexGuard<'_, Option<ExitStatus>> {
        lock(&self.requested)
    }
}

impl Tree {
    /// Lets the tree make no new processes and ends those that live, with one interruption.
    pub(crate) fn end_all(&self, status: &ExitStatus) {
        self.end_all_by(Requester::Host, status);
    }

    /// The same, for somebody else.
    pub(crate) fn end_all_by(&self, by: Requester, status: &ExitStatus) {
        end_each_by(by, self.close(), |_| status.clone());
    }
}

/// The host ends several processes: see [`end_each_by`].
pub(crate) fn end_each(
    processes: Vec<Arc<ProcessState>>,
    status: impl Fn(&ProcessState) -> ExitStatus,
) {
    end_each_by(Requester::Host, processes, status);
}

/// Ends several processes with one interruption, each with the status that is told for it, for whoever asked.
///
/// All requests are noted before the first process learns of its own: its end may be a reason to
/// end others, which is then not theirs.
pub(crate) fn end_each_by(
    by: Requester,
    mut processes: Vec<Arc<ProcessState>>,
    status: impl Fn(&ProcessState) -> ExitStatus,
) {
    processes.retain(|process| process.note_end(status(process)));
    for process in &processes {
        if let Some(status) = process.requested() {
            process.tell_end_request(by, &status);
        }
    }
    for process in &processes {
        process.waiter().kill();
        process.gate.release_killed();
    }
    if let Some(first) = processes.first() {
        let machinery = Arc::clone(first.machinery());
        machinery.interrupt(processes);
    }
}

impl Machinery {
    /// Makes every process that runs guest code look at its own flag soon, and goes on until
    /// these have seen theirs: wasmtime sets a store's deadline to the epoch *after* its callback
    /// has returned, so an increment that lands in between is lost.
    fn interrupt(&self, processes: Vec<Arc<ProcessState>>) {
        /// Growing pauses between increments, so that a thread that is slow to come to an end
        /// does not cost the others much.
        const FIRST_PAUSE: Duration = Duration::from_micros(100);
        const LONGEST_PAUSE: Duration = Duration::from_millis(5);

        self.wasmtime.increment_epoch();
        let weak = self.wasmtime.weak();
        let mut waiting = processes;
        let mut pause = FIRST_PAUSE;
        self.timer.after(FIRST_PAUSE, move || {
            waiting.retain(|process| !process.has_seen_its_end());
            let wasmtime = weak.upgrade().filter(|_| !waiting.is_empty())?;
            for process in &waiting {
                process.waiter().kill();
                process.gate.release_killed();
            }
            wasmtime.increment_epoch();
            pause = (pause * 2).min(LONGEST_PAUSE);
            Some(pause)
        });
    }
}
