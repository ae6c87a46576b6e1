//! The functions with which the rest of the crate reports the events of processes and trees.

use super::process::ProcessState;
use super::tree::Tree;
use crate::error::Error;
use crate::events::{EngineEvent, GrantKind, Hub, JobOutcome, RefusalKind, Requester};
use crate::exit_status::ExitStatus;
use crate::limit_kind::LimitKind;
use crate::limits::{self, LONGEST_STATUS_BYTES};
use crate::reports::Deadlock;
use crate::rights::Rights;
use crate::stdio::{Sink, Stdin};
use isopod_sync::ProcessId;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The longest subject of a grant or a refusal, in bytes. It is bounded because a guest chooses the names.
const LONGEST_SUBJECT_BYTES: usize = 1 << 10;

impl ProcessState {
    fn hub(&self) -> &Hub {
        &self.machinery().hub
    }

    /// It has its place in its tree.
    pub(crate) fn tell_start(&self) {
        if self.hub().has_decision_listeners() {
            self.tree.tell_grants(&self.birth.rights);
        }
        self.hub().tell(|| EngineEvent::ProcessStarted {
            process: self.id,
            name: self.birth.name.clone(),
            task: self.birth.task.clone(),
            program: self.code.name().to_owned(),
            parent: self.parent(),
            tree: self.tree.id,
        });
    }

    /// It has ended, and its status can be read.
    pub(crate) fn tell_end(&self, status: &ExitStatus) {
        // Noted first: the counts begin anew.
        let limit = LimitKind::of_status(status).filter(|limit| self.note(*limit));
        for (refusal, count) in self.refusals.take_repeated() {
            self.tell_refusals(refusal, String::new(), count);
        }
        if let Some(limit) = limit {
            self.tell_limit(limit, true, || {
                status.message().unwrap_or_default().to_owned()
            });
        }
        self.hub().tell(|| EngineEvent::ProcessEnded {
            process: self.id,
            name: self.birth.name.clone(),
            tree: self.tree.id,
            status: status.clone(),
        });
    }

    /// It has reached a limit, and continues.
    pub(crate) fn tell_refusal(&self, limit: LimitKind, text: &str) {
        // A guest may ask again as often as it likes, and must not fill the listeners' buffers.
        if self.is_first(RefusalKind::Limit(limit)) {
            self.tell_limit(limit, false, || text.to_owned());
        }
    }

    /// Its policy has refused a request, and it continues. Makes only the first subject of a kind.
    pub(crate) fn tell_refused(&self, refusal: RefusalKind, subject: impl FnOnce() -> String) {
        if self.is_first(refusal) {
            let subject = limits::cut(subject(), LONGEST_SUBJECT_BYTES);
            self.tell_refusals(refusal, subject, 1);
        }
    }

    /// `by` has asked for its end.
    pub(crate) fn tell_end_request(&self, by: Requester, status: &ExitStatus) {
        self.hub().tell_decision(|| EngineEvent::EndRequested {
            process: self.id,
            name: self.birth.name.clone(),
            tree: self.tree.id,
            by,
            status: status.clone(),
        });
    }

    /// Whether this is the first refusal of its kind since there is a listener.
    fn is_first(&self, refusal: RefusalKind) -> bool {
        self.hub().has_listeners() && self.refusals.count(refusal)
    }

    fn tell_refusals(&self, refusal: RefusalKind, subject: String, count: u64) {
        self.hub().tell_decision(|| EngineEvent::Refused {
            process: self.id,
            name: self.birth.name.clone(),
            tree: self.tree.id,
            refusal,
            subject,
            count,
        });
    }

    /// It has reached a limit, and is ended for it.
    pub(crate) fn tell_limit_of_end(&self, limit: LimitKind, text: &str) {
        if self.note(limit) {
            self.tell_limit(limit, true, || text.to_owned());
        }
    }

    /// Whether nobody was told yet that it has reached this limit.
    fn note(&self, limit: LimitKind) -> bool {
        self.refusals.note(RefusalKind::Limit(limit))
    }

    fn tell_limit(&self, limit: LimitKind, is_end: bool, text: impl FnOnce() -> String) {
        self.hub().tell(|| EngineEvent::LimitReached {
            process: self.id,
            name: self.birth.name.clone(),
            tree: self.tree.id,
            limit,
            text: text(),
            is_end,
        });
    }

    /// It is a worker, and has begun a job.
    pub(crate) fn tell_job_start(&self, job: u32, task: Option<&Arc<str>>) {
        self.hub().tell_of_job(|| EngineEvent::JobStarted {
            worker: self.id,
            job,
            task: task.cloned(),
            owner: self.birth.role.worker().and_then(|worker| worker.owner()),
        });
    }

    /// Whether a listener hears the outcomes of its jobs.
    pub(crate) fn is_heard_of_jobs(&self) -> bool {
        self.hub().has_job_listeners()
    }

    /// Its job has ended.
    pub(crate) fn tell_job_end(&self, job: u32, outcome: JobOutcome) {
        self.hub().tell_of_job(|| EngineEvent::JobEnded {
            worker: self.id,
            job,
            outcome: match outcome {
                // A guest chooses the text, up to the size of a message.
                JobOutcome::Failed(text) => {
                    JobOutcome::Failed(limits::cut(text, LONGEST_STATUS_BYTES))
                }
                other => other,
            },
        });
    }
}

impl Tree {
    fn hub(&self) -> &Hub {
        &self.machinery().hub
    }

    /// Reports the most that its processes may do, on the first call only.
    fn tell_grants(&self, rights: &Rights) {
        if self.has_told_grants.swap(true, Ordering::Relaxed) {
            return;
        }
        let tell = |grant: GrantKind, subject: String| {
            self.hub().tell_decision(|| EngineEvent::Granted {
                tree: self.id,
                grant,
                subject: limits::cut(subject, LONGEST_SUBJECT_BYTES),
            });
        };
        let surroundings = &self.surroundings;
        if !matches!(surroundings.stdin, Stdin::Empty) {
            tell(GrantKind::Stream, "standard input".to_owned());
        }
        for (name, sink) in [
            ("standard output", &surroundings.stdout),
            ("standard error", &surroundings.stderr),
        ] {
            if !matches!(sink, Sink::Discard) {
                tell(GrantKind::Stream, name.to_owned());
            }
        }
        for granted in &rights.directories {
            let grant = match granted.directory.perms.write_not_permitted() {
                true => GrantKind::ReadOnlyDirectory,
                false => GrantKind::Directory,
            };
            let host = granted.host.display();
            tell(grant, format!("`{host}` as `{}`", granted.name));
        }
        if rights.special_files {
            tell(GrantKind::SpecialFiles, String::new());
        }
        for (name, _) in &rights.env {
            tell(GrantKind::Variable, name.clone());
        }
        for address in &rights.network.connect {
            tell(GrantKind::Connect, address.to_string());
        }
        for address in &rights.network.listen {
            tell(GrantKind::Listen, address.to_string());
        }
        if rights.network.name_lookup {
            tell(GrantKind::NameLookup, String::new());
        }
    }

    /// Its first process, or an instance of a plugin, was not started. Nothing else reports the limit.
    pub(crate) fn tell_refused_start(&self, process: ProcessId, name: &str, error: &Error) {
        let Some(limit) = error.limit() else { return };
        self.hub().tell(|| EngineEvent::LimitReached {
            process,
            name: name.to_owned(),
            tree: self.id,
            limit,
            text: error.to_string(),
            is_end: true,
        });
    }

    /// A deadlock was found in it.
    pub(crate) fn tell_deadlock(&self, deadlock: &Deadlock) {
        self.hub().tell(|| EngineEvent::Deadlock {
            tree: self.id,
            deadlock: deadlock.clone(),
        });
    }
}
