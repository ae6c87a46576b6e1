//! How a process is asked to end. What it does then is in [`ending`](crate::ending).

use crate::events::Requester;
use crate::exit_status::ExitStatus;
use crate::process::ProcessState;
use crate::tree::Tree;
use std::sync::{Arc, MutexGuard, PoisonError};

impl ProcessState {
    /// The host asks for its end and sees to it. No effect if it was asked before, or has ended.
    pub(crate) fn request_end(self: &Arc<Self>, status: ExitStatus) {
        self.request_end_by(Requester::Host, &status);
    }

    /// The same, for somebody else.
    pub(crate) fn request_end_by(self: &Arc<Self>, by: Requester, status: &ExitStatus) {
        end_each_by(by, vec![Arc::clone(self)], |_| status.clone());
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
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
        let engine = first.engine().clone();
        engine.interrupt(processes);
    }
}
