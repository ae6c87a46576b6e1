//! Where the rest of the crate says that something has happened to a process.

use super::event::{EngineEvent, JobOutcome, LimitKind};
use crate::deadlock::Deadlock;
use crate::exit_status::ExitStatus;
use crate::limits::{self, LONGEST_STATUS_BYTES};
use crate::process::ProcessState;
use crate::tree::Tree;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl ProcessState {
    /// It has its place.
    pub(crate) fn tell_start(&self) {
        self.engine().hub().tell(|| EngineEvent::ProcessStarted {
            process: self.id,
            name: self.name.clone(),
            task: self.task.clone(),
            program: self.program.name().to_owned(),
            parent: self.parent(),
            tree: self.tree.id,
        });
    }

    /// It has ended, and its status can be read.
    pub(crate) fn tell_end(&self, status: &ExitStatus) {
        if let Some(limit) = LimitKind::of_status(status) {
            self.tell_limit(limit, true, || {
                status.message().unwrap_or_default().to_owned()
            });
        }
        self.engine().hub().tell(|| EngineEvent::ProcessEnded {
            process: self.id,
            name: self.name.clone(),
            tree: self.tree.id,
            status: status.clone(),
        });
    }

    /// It has reached a limit, and goes on.
    pub(crate) fn tell_refusal(&self, limit: LimitKind, text: &str) {
        // A guest may ask again as often as it likes, and must not fill the buffers of those who listen.
        let bit = limit.bit();
        let hub = self.engine().hub();
        if hub.has_listeners() && self.told_limits.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            self.tell_limit(limit, false, || text.to_owned());
        }
    }

    /// It has reached a limit, and is ended for that.
    pub(crate) fn tell_limit_of_end(&self, limit: LimitKind, text: &str) {
        self.tell_limit(limit, true, || text.to_owned());
    }

    fn tell_limit(&self, limit: LimitKind, is_end: bool, text: impl FnOnce() -> String) {
        self.engine().hub().tell(|| EngineEvent::LimitReached {
            process: self.id,
            name: self.name.clone(),
            tree: self.tree.id,
            limit,
            text: text(),
            is_end,
        });
    }

    /// As a worker it has begun a job.
    pub(crate) fn tell_job_start(&self, job: u32, task: Option<&Arc<str>>) {
        self.engine().hub().tell_of_job(|| EngineEvent::JobStarted {
            worker: self.id,
            job,
            task: task.cloned(),
            owner: self.worker.as_ref().and_then(|worker| worker.owner()),
        });
    }

    /// Whether anybody listens to what becomes of its jobs.
    pub(crate) fn is_heard_of_jobs(&self) -> bool {
        self.engine().hub().has_job_listeners()
    }

    /// Its job has ended.
    pub(crate) fn tell_job_end(&self, job: u32, outcome: JobOutcome) {
        self.engine().hub().tell_of_job(|| EngineEvent::JobEnded {
            worker: self.id,
            job,
            outcome: match outcome {
                // A guest chooses it, up to the size of a message.
                JobOutcome::Failed(text) => {
                    JobOutcome::Failed(limits::cut(text, LONGEST_STATUS_BYTES))
                }
                other => other,
            },
        });
    }
}

impl Tree {
    /// A deadlock was found in it.
    pub(crate) fn tell_deadlock(&self, deadlock: &Deadlock) {
        self.engine().hub().tell(|| EngineEvent::Deadlock {
            tree: self.id,
            deadlock: deadlock.clone(),
        });
    }
}
