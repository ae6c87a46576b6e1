//! The workers of one pool.
//!
//! # Locks
//! The pool's own mutex is taken before the mutexes of trees, engines and jobs, and never under one of them.

use super::worker::WorkerLink;
use crate::error::Result;
use crate::exit_status::ExitStatus;
use crate::guest::Program;
use crate::life::{Birth, Entry, Initializer, ProcessState, Role, Tree, end_each};
use crate::limits::ProcessLimits;
use crate::mutex::lock;
use crate::process::{Ends, spawn};
use crate::rights::Rights;
use isopod_sync::{Charge, Completion, Holder, Jobs, ProcessId};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

/// A pool is broken after this many workers in a row that end before they ask for their first job.
const MOST_FAILED_STARTS: u32 = 10;
/// The first pause before a replacement, if the workers before it all ended without having done anything.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The settings of a pool.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) workers: u32,
    pub(crate) max_jobs_per_worker: Option<u32>,
    pub(crate) initializer: Option<Initializer>,
    /// The charge of the initializer against the tree's limit on queued bytes; held, never read.
    pub(crate) _initializer_charge: Option<Charge>,
    pub(crate) job_timeout: Option<Duration>,
    pub(crate) limits: ProcessLimits,
    pub(crate) rights: Arc<Rights>,
    pub(crate) fails_fast: bool,
}

/// Where the workers live.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) program: Program,
    pub(crate) tree: Arc<Tree>,
    /// The process whose daemons they are; none for a pool of the embedder's.
    pub(crate) parent: Option<Weak<ProcessState>>,
}

/// A pool. It is over once it is terminated or closed and its last worker has ended. Then it lets go of
/// everything.
#[derive(Debug)]
pub(crate) struct PoolState {
    pub(crate) jobs: Jobs<ExitStatus>,
    pub(crate) settings: Settings,
    home: Home,
    workers: Mutex<Workers>,
    /// Workers that have ended since the last job was done.
    lost_in_a_row: AtomicU32,
    /// Workers that have ended, in a row, without having asked for their first job.
    failed_starts: AtomicU32,
    /// Numbers the workers that have no parent, for their names.
    made: AtomicU64,
    /// Set when the pool is over.
    pub(crate) ended: Completion<()>,
}

#[derive(Debug, Default)]
struct Workers {
    live: Vec<Arc<ProcessState>>,
    is_closed: bool,
    /// Terminated or broken: no replacements.
    is_ending: bool,
}

impl Ends for PoolState {
    fn end(&self) {
        self.terminate();
    }
}

impl PoolState {
    /// Makes a pool and starts its workers. Does not wait for them.
    pub(crate) fn start(home: Home, owner: Holder, settings: Settings) -> Result<Arc<PoolState>> {
        let count = settings.workers;
        let pool = Arc::new(PoolState {
            jobs: Jobs::with_limit(&home.tree.objects, owner, home.tree.limits.waiting_jobs),
            settings,
            home,
            workers: Mutex::default(),
            lost_in_a_row: AtomicU32::new(0),
            failed_starts: AtomicU32::new(0),
            made: AtomicU64::new(0),
            ended: Completion::new(),
        });
        for _ in 0..count {
            let started = pool.start_worker(&mut pool.workers());
            if let Err(error) = started {
                pool.terminate();
                return Err(error);
            }
        }
        Ok(pool)
    }

    /// Takes no more jobs. The pool ends when the waiting ones are done.
    pub(crate) fn close(&self) {
        self.workers().is_closed = true;
        self.jobs.close();
        self.end_if_over();
    }

    /// Ends the workers and cancels the waiting jobs.
    pub(crate) fn terminate(&self) {
        self.jobs.terminate();
        self.end_workers();
    }

    /// Whether it was closed or terminated, or is broken.
    pub(crate) fn is_ending(&self) -> bool {
        let workers = self.workers();
        workers.is_closed || workers.is_ending
    }

    /// The process that made it; none for a pool of the embedder's.
    pub(crate) fn owner(&self) -> Option<ProcessId> {
        let owner = self.home.parent.as_ref().and_then(Weak::upgrade);
        owner.map(|owner| owner.id)
    }

    /// The live workers.
    pub(crate) fn live(&self) -> Vec<Arc<ProcessState>> {
        self.workers().live.clone()
    }

    /// A worker has asked for its first job.
    pub(super) fn has_started(&self) {
        self.failed_starts.store(0, Ordering::Relaxed);
    }

    /// A job was done.
    pub(super) fn has_progressed(&self) {
        if self.lost_in_a_row.load(Ordering::Relaxed) > 0 {
            self.lost_in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// Removes a worker that has ended; `ended` decides about its replacement.
    pub(super) fn replace(self: &Arc<Self>, worker: ProcessId, ended: Ended) {
        let pause = match ended {
            Ended::Retired => Duration::ZERO,
            Ended::Lost => {
                let lost = self.lost_in_a_row.fetch_add(1, Ordering::Relaxed);
                pause(lost.saturating_sub(self.settings.workers))
            }
            Ended::NeverStarted(report) => self.failed_start(&report),
        };
        let is_replaced = {
            let mut workers = self.workers();
            workers.live.retain(|other| other.id != worker);
            !self.is_done(&workers)
        };
        if is_replaced {
            self.start_after(pause);
        } else {
            self.end_if_over();
        }
    }

    /// Counts a worker that ended before its first job, and breaks the pool after too many. Returns the pause
    /// before the next one.
    fn failed_start(&self, report: &str) -> Duration {
        let failed = self.failed_starts.fetch_add(1, Ordering::Relaxed) + 1;
        if failed >= MOST_FAILED_STARTS {
            // This comes first, so that every process that learns of it finds a pool that is ending.
            self.workers().is_ending = true;
            self.jobs.break_down(&format!(
                "no worker can be started: {failed} in a row ended before their first job, the last one {report}"
            ));
            self.end_workers();
        }
        pause(failed)
    }

    fn start_after(self: &Arc<Self>, pause: Duration) {
        if pause.is_zero() {
            self.start_replacement();
            return;
        }
        let weak = Arc::downgrade(self);
        let tree = Arc::clone(&self.home.tree);
        // Until then nobody may conclude that nothing will happen any more.
        tree.begin_activity();
        self.home.tree.machinery().timer.after(pause, move || {
            if let Some(pool) = weak.upgrade() {
                pool.start_replacement();
            }
            tree.end_activity();
            None
        });
    }

    fn start_replacement(self: &Arc<Self>) {
        let started = {
            let mut workers = self.workers();
            match self.is_done(&workers) {
                true => Ok(()),
                false => self.start_worker(&mut workers),
            }
        };
        match started {
            Ok(()) => self.end_if_over(),
            Err(error) => {
                let pause = self.failed_start(&format!("could not be made: {error}"));
                self.start_after(pause.max(FIRST_PAUSE));
            }
        }
    }

    /// Runs under the mutex, so that the worker is in the list before it can end.
    fn start_worker(self: &Arc<Self>, workers: &mut Workers) -> Result<()> {
        let parent = match &self.home.parent {
            None => None,
            Some(parent) => match parent.upgrade() {
                None => return Ok(()),
                parent => parent,
            },
        };
        let lineage = match &parent {
            Some(parent) => parent.next_lineage(),
            None => vec![self.made.fetch_add(1, Ordering::Relaxed) + 1],
        };
        let initializer = self.settings.initializer.as_ref();
        let birth = Birth {
            name: spawn::default_name("PoolWorker", &lineage),
            task: "worker".to_owned(),
            role: Role::Worker(Box::new(WorkerLink::new(self))),
            is_daemon: true,
            lineage,
            limits: self.settings.limits,
            rights: Arc::clone(&self.settings.rights),
            deadline: parent.as_ref().and_then(|parent| parent.birth.deadline),
        };
        let entry_bytes = initializer.map_or(0, |initializer| initializer.message.charged_bytes());
        let Home { program, tree, .. } = &self.home;
        let parent = parent.as_ref();
        let worker = spawn::spawn(program, tree, parent, birth, entry_bytes, |id| {
            Entry::Worker(initializer.map(|initializer| Initializer {
                name: initializer.name.clone(),
                message: initializer.message.hold_as(Holder::Process(id)),
            }))
        })?;
        workers.live.push(worker);
        Ok(())
    }

    fn end_workers(&self) {
        let live = {
            let mut workers = self.workers();
            workers.is_ending = true;
            workers.live.clone()
        };
        end_each(live, |_| ExitStatus::Terminated);
        self.end_if_over();
    }

    /// Whether a worker started now would have nothing to do.
    fn is_done(&self, workers: &Workers) -> bool {
        workers.is_ending || (workers.is_closed && self.jobs.waiting() == 0)
    }

    fn end_if_over(&self) {
        let is_over = {
            let workers = self.workers();
            // A replacement that is still to come will find that it is not needed.
            self.is_done(&workers) && workers.live.is_empty()
        };
        if is_over && self.ended.set(()) {
            self.home.tree.release();
        }
    }

    fn workers(&self) -> MutexGuard<'_, Workers> {
        lock(&self.workers)
    }
}

/// How a worker ended, as its replacement needs to know it.
#[derive(Debug)]
pub(super) enum Ended {
    /// As intended: it has done as many jobs as it may, or there are no more.
    Retired,
    /// In any other way.
    Lost,
    /// Before it asked for its first job; the text says how.
    NeverStarted(String),
}

/// The pause after this many failures.
fn pause(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        failures => {
            let factor = 1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX);
            FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let pauses: Vec<u64> = [0, 1, 2, 4, 9, 100]
            .map(|failures| u64::try_from(pause(failures).as_millis()).unwrap_or(u64::MAX))
            .into();
        assert_eq!(pauses, [0, 1, 2, 8, 100, 100]);
    }
}
