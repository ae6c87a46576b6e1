//! One worker's side of its pool.

use super::workers::{Ended, PoolState};
use crate::bug;
use crate::events::JobOutcome;
use crate::exit_status::ExitStatus;
use crate::life::{ProcessState, WorkerSide};
use crate::machine::Alarm;
use crate::mutex::lock;
use isopod_sync::{BegunJob, Killed, Message, Outcome, ProcessId, ReportError};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The link from a worker to its pool. The pool lives as long as any of its workers, so that each job that a
/// worker has begun finds its end.
#[derive(Debug)]
pub(crate) struct WorkerLink {
    pool: Arc<PoolState>,
    has_asked: AtomicBool,
    /// It has learned that there are no more jobs for it.
    is_retired: AtomicBool,
    begun: AtomicU32,
    /// It has begun a job and has not reported its end.
    has_begun: AtomicBool,
    /// The alarm of the job's time limit, and the limit.
    alarm: Mutex<Option<(Alarm, Duration)>>,
}

impl WorkerLink {
    pub(crate) fn new(pool: &Arc<PoolState>) -> WorkerLink {
        WorkerLink {
            pool: Arc::clone(pool),
            has_asked: AtomicBool::new(false),
            is_retired: AtomicBool::new(false),
            begun: AtomicU32::new(0),
            has_begun: AtomicBool::new(false),
            alarm: Mutex::default(),
        }
    }

    /// Tells the listeners how the job that this worker began last has ended.
    fn tell_end(&self, process: &ProcessState, outcome: Option<JobOutcome>) {
        if let Some(outcome) = outcome {
            process.tell_job_end(self.begun(), outcome);
        }
    }

    fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    fn alarm(&self) -> MutexGuard<'_, Option<(Alarm, Duration)>> {
        lock(&self.alarm)
    }

    fn set_alarm(&self, process: &Arc<ProcessState>, number: u64, timeout: Duration) {
        let (weak, pool) = (Arc::downgrade(process), Arc::downgrade(&self.pool));
        let alarm = process.machinery().timer.after(timeout, move || {
            if let Some(process) = weak.upgrade()
                && let Some(pool) = pool.upgrade()
                && pool.jobs.expire(process.id, number)
            {
                expire(&process, timeout);
            }
            None
        });
        *self.alarm() = Some((alarm, timeout));
    }

    fn cancel_alarm(&self, process: &ProcessState) {
        // Most pools set no alarm, and then the timer is not touched.
        if let Some((alarm, _)) = self.alarm().take() {
            process.machinery().timer.cancel(alarm);
        }
    }
}

impl WorkerSide for WorkerLink {
    fn has_job(&self, worker: ProcessId) -> bool {
        self.pool.jobs.is_running(worker)
    }

    fn job(&self) -> Option<u32> {
        self.has_begun.load(Ordering::Relaxed).then(|| self.begun())
    }

    fn owner(&self) -> Option<ProcessId> {
        self.pool.owner()
    }

    fn siblings(&self) -> Vec<ProcessId> {
        let live = self.pool.live();
        live.iter().map(|worker| worker.id).collect()
    }

    fn has_time_limit(&self) -> bool {
        self.alarm().is_some()
    }

    fn report(
        &self,
        process: &Arc<ProcessState>,
        report: Result<Message, String>,
    ) -> Result<(), ReportError> {
        let told = process.is_heard_of_jobs().then(|| match &report {
            Ok(_) => JobOutcome::Value,
            Err(text) => JobOutcome::Failed(text.clone()),
        });
        let reported = self.pool.jobs.report(process.id, report);
        match &reported {
            Ok(()) => {
                self.has_begun.store(false, Ordering::Relaxed);
                self.cancel_alarm(process);
                self.pool.has_progressed();
                self.tell_end(process, told);
            }
            // The alarm is about to end the worker as well. The first request counts, and both say the same.
            Err(ReportError::Expired) => {
                let limit = self.alarm().map(|(_, limit)| limit);
                expire(process, limit.unwrap_or_default());
            }
            Err(ReportError::NotRunning | ReportError::BudgetExceeded(_)) => {}
        }
        reported
    }

    fn next(&self, process: &Arc<ProcessState>) -> Result<Option<BegunJob>, Killed> {
        if !self.has_asked.swap(true, Ordering::Relaxed) {
            self.pool.has_started();
        }
        let limit = self.pool.settings.max_jobs_per_worker;
        let has_done_its_share = limit.is_some_and(|limit| self.begun() >= limit);
        let has_not_reported = self.has_begun.load(Ordering::Relaxed);
        let job = match has_done_its_share {
            true => None,
            false => self.pool.jobs.begin(process.id)?,
        };
        if has_not_reported && !has_done_its_share {
            // This ended the job before.
            self.has_begun.store(false, Ordering::Relaxed);
            let text = isopod_sync::UNREPORTED.to_owned();
            self.tell_end(process, Some(JobOutcome::Failed(text)));
        }
        let Some(job) = job else {
            self.is_retired.store(true, Ordering::Relaxed);
            return Ok(None);
        };
        if process.waiter.is_killed() {
            // The guest never sees this job.
            self.pool.jobs.give_back(process.id, job);
            return Err(Killed);
        }
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        self.has_begun.store(true, Ordering::Relaxed);
        process.tell_job_start(number, job.name.as_ref());
        if let Some(timeout) = job.job_timeout.or(self.pool.settings.job_timeout) {
            self.set_alarm(process, job.number, timeout);
        }
        Ok(Some(job))
    }

    fn ended(&self, process: &ProcessState, status: ExitStatus) {
        self.cancel_alarm(process);
        let has_asked = self.has_asked.load(Ordering::Relaxed);
        let ended = if !has_asked && !matches!(status, ExitStatus::Terminated | ExitStatus::Killed)
        {
            Ended::NeverStarted(status.to_string())
        } else if self.is_retired.load(Ordering::Relaxed) && status.success() {
            Ended::Retired
        } else {
            Ended::Lost
        };
        let told = process.is_heard_of_jobs().then(|| match &status {
            ExitStatus::Failed(text) => JobOutcome::Panicked(text.clone()),
            status => JobOutcome::WorkerLost(status.clone()),
        });
        let text_bytes = status.message().map_or(0, str::len);
        let outcome = match status {
            ExitStatus::Failed(text) => Outcome::Panicked(text),
            status => Outcome::WorkerLost(status),
        };
        // Each step is contained by itself. A waiter for the job must not wait for ever, and the pool must
        // not lose a worker.
        bug::contain("end of a job", &process.birth.name, || {
            if self.pool.jobs.end_with(process.id, outcome, text_bytes) {
                self.tell_end(process, told);
            }
        });
        bug::contain("replacement of a worker", &process.birth.name, || {
            self.pool.replace(process.id, ended);
        });
    }
}

fn expire(process: &Arc<ProcessState>, limit: Duration) {
    process.request_end(ExitStatus::Deadline(format!(
        "the job's time limit of {limit:?} reached"
    )));
}
