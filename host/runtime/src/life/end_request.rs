//! Requests to end a process. The process's own part is in [`ending`](crate::process).

use super::machinery::Machinery;
use super::process::ProcessState;
use super::tree::Tree;
use crate::events::Requester;
use crate::exit_status::ExitStatus;
use crate::mutex::lock;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

impl ProcessState {
    /// Asks for its end on behalf of the host, and makes sure of it. No effect if it was asked before, or
    /// has ended.
    pub(crate) fn request_end(self: &Arc<Self>, status: ExitStatus) {
        self.request_end_by(Requester::Host, &status);
    }

    /// The same, on behalf of `by`.
    pub(crate) fn request_end_by(self: &Arc<Self>, by: Requester, status: &ExitStatus) {
        end_each_by(by, vec![Arc::clone(self)], |_| status.clone());
    }

    /// Whether it has been asked to end. If so, the caller, which is its own thread, carries out the end.
    pub(crate) fn is_to_end(&self) -> bool {
        let is_killed = self.waiter.is_killed();
        if is_killed {
            self.waiter.acknowledge();
        }
        is_killed
    }

    /// The exit status that it was asked to end with, if it was asked.
    pub(crate) fn requested(&self) -> Option<ExitStatus> {
        self.request().clone()
    }

    /// Whether the process can no longer miss the request to end.
    pub(crate) fn has_seen_its_end(&self) -> bool {
        self.waiter().acknowledged() || self.status.get().is_some()
    }

    /// Records the exit status that it is to end with, unless there is one already. True for the first
    /// request.
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
    /// Closes the tree to new processes and ends the live ones, with one interruption.
    pub(crate) fn end_all(&self, status: &ExitStatus) {
        self.end_all_by(Requester::Host, status);
    }

    /// The same, on behalf of `by`.
    pub(crate) fn end_all_by(&self, by: Requester, status: &ExitStatus) {
        end_each_by(by, self.close(), |_| status.clone());
    }
}

/// Ends several processes on behalf of the host: see [`end_each_by`].
pub(crate) fn end_each(
    processes: Vec<Arc<ProcessState>>,
    status: impl Fn(&ProcessState) -> ExitStatus,
) {
    end_each_by(Requester::Host, processes, status);
}

/// Ends several processes with one interruption on behalf of `by`, each with the exit status that `status`
/// returns for it.
///
/// All requests are recorded before the first process learns of its own. The end of that process may be a
/// reason to end others, and that reason must not replace the one given here.
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
    /// Makes every process that runs guest code look at its own flag soon, and repeats this until `processes`
    /// have seen theirs. One increment is not enough: wasmtime sets a store's deadline from the epoch *after*
    /// its callback has returned, so an increment that lands in between is lost.
    fn interrupt(&self, processes: Vec<Arc<ProcessState>>) {
        /// The pauses between increments grow, so that a thread that is slow to end does not cost the
        /// others much.
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
