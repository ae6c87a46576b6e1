//! The jobs of a pool that have not ended: the jobs in line, and the job that each worker has begun.
//!
//! The mutex of the [jobs](crate::jobs::jobs) guards all of it. The mutex of the
//! [batch](crate::jobs::batch) guards the outcomes. A thread may take the line's mutex while it holds
//! the batch's, never the other way round. Therefore a batch receives the outcome of a job after the
//! line was changed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::job::{BatchOptions, BegunJob};
use crate::jobs::batch::Ledger;
use crate::jobs::outcomes::Outcome;
use crate::object::message::MESSAGE_OVERHEAD_BYTES;
use crate::object::{Charge, Message};
use crate::party::ProcessId;
use crate::wait::list::{Place, WaitList, Wakes};
use crate::wait::shared::{Operation, State};

/// The charge for a job from its submission until its outcome is taken, in bytes. A test measures it.
pub(crate) const JOB_BYTES: u64 = MESSAGE_OVERHEAD_BYTES + JOB_OVERHEAD_BYTES;
/// The part of it beyond the cost of a message.
pub(crate) const JOB_OVERHEAD_BYTES: u64 = 352;

/// A job in line.
#[derive(Debug)]
pub(crate) struct Job<L> {
    pub(crate) options: Arc<BatchOptions>,
    pub(crate) message: Message,
    /// Charged for the message and, until the outcome is taken, for the job.
    pub(crate) charge: Charge,
    pub(crate) ledger: Arc<Ledger<L>>,
    pub(crate) position: u32,
}

impl<L> Job<L> {
    /// Ends a job that is never begun. Call it outside the mutex of the line.
    pub(crate) fn end(mut self, outcome: Outcome<L>) {
        let charge = self.charge.split(JOB_BYTES);
        self.ledger.end(self.position, outcome, charge);
    }
}

/// A job that a worker has begun, without the parts that the worker has received.
#[derive(Debug)]
pub(crate) struct Running<L> {
    pub(crate) options: Arc<BatchOptions>,
    /// Charged for the job until its outcome is taken.
    pub(crate) charge: Charge,
    pub(crate) ledger: Arc<Ledger<L>>,
    pub(crate) position: u32,
    pub(crate) number: u64,
    /// Its time is up, so its report comes too late.
    pub(crate) is_expired: bool,
}

impl<L> Running<L> {
    /// Ends the job. Call it outside the mutex of the line.
    pub(crate) fn end(self, outcome: Outcome<L>) {
        self.ledger.end(self.position, outcome, self.charge);
    }
}

/// Which jobs the pool accepts and begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Open,
    /// Accepts no more jobs, but runs the jobs in line.
    Closed,
    /// No jobs at all.
    Terminated,
    /// No jobs at all, for this reason.
    Broken(String),
}

impl Stage {
    /// The outcome of a job that was not begun, if this stage begins no jobs.
    pub(crate) fn outcome<L>(&self) -> Option<Outcome<L>> {
        match self {
            Self::Open | Self::Closed => None,
            Self::Terminated => {
                let reason = "the pool was terminated before the job was begun";
                Some(Outcome::Cancelled(reason.to_owned()))
            }
            Self::Broken(reason) => Some(Outcome::PoolBroken(reason.clone())),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Line<L> {
    pub(crate) stage: Stage,
    pub(crate) waiting: VecDeque<Job<L>>,
    pub(crate) running: BTreeMap<ProcessId, Running<L>>,
    /// The number of jobs begun so far.
    begun: u64,
    workers: WaitList,
}

impl<L> Line<L> {
    pub(crate) fn new() -> Self {
        Self {
            stage: Stage::Open,
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            begun: 0,
            workers: WaitList::default(),
        }
    }

    /// The job that a worker runs, if its beginning has this number.
    pub(crate) fn running_mut(
        &mut self,
        worker: ProcessId,
        number: u64,
    ) -> Option<&mut Running<L>> {
        let running = self.running.get_mut(&worker);
        running.filter(|running| running.number == number)
    }
}

impl<L> State for Line<L> {
    fn settle(&mut self, wakes: &mut Wakes) {
        if self.stage != Stage::Open && self.waiting.is_empty() {
            self.workers.wake_all(wakes);
            return;
        }
        while self.workers.woken_load().count < self.waiting.len() as u64
            && self.workers.wake_front(wakes)
        {}
    }
}

/// Takes the next job for a worker, and records that the worker has begun it.
#[derive(Debug)]
pub(crate) struct Begin<L> {
    worker: ProcessId,
    lost: std::marker::PhantomData<fn() -> L>,
}

impl<L> Begin<L> {
    pub(crate) fn new(worker: ProcessId) -> Self {
        Self {
            worker,
            lost: std::marker::PhantomData,
        }
    }
}

/// The answer to a worker that asks for a job.
#[derive(Debug)]
pub(crate) enum Begun<L> {
    Job {
        job: BegunJob,
        /// The batch, if it fails fast; it may have failed by now.
        fails_fast: Option<Arc<Ledger<L>>>,
    },
    /// There will be no more jobs.
    None,
    /// The worker has not reported the end of the job that it began before.
    Unreported {
        /// The time of that job is up, so the worker must end.
        is_expired: bool,
    },
}

impl<L> Operation for Begin<L> {
    type State = Line<L>;
    type Output = Begun<L>;

    const NAME: &'static str = "next job";

    fn list(state: &mut Line<L>) -> &mut WaitList {
        &mut state.workers
    }

    fn attempt(&mut self, state: &mut Line<L>, place: Place) -> Option<Self::Output> {
        if let Some(running) = state.running.get(&self.worker) {
            return Some(Begun::Unreported {
                is_expired: running.is_expired,
            });
        }
        if state.waiting.len() as u64 <= state.workers.reserved_against(place).count {
            let is_over = state.stage != Stage::Open && state.waiting.is_empty();
            return is_over.then_some(Begun::None);
        }
        let Job {
            options,
            message,
            mut charge,
            ledger,
            position,
        } = state.waiting.pop_front()?;
        state.begun += 1;
        let fails_fast = options.fails_fast.then(|| Arc::clone(&ledger));
        let name = options.name.clone();
        let job_timeout = options.job_timeout;
        let running = Running {
            options,
            charge: charge.split(JOB_BYTES),
            ledger,
            position,
            number: state.begun,
            is_expired: false,
        };
        state.running.insert(self.worker, running);
        let job = BegunJob {
            name,
            message,
            job_timeout,
            number: state.begun,
            charge,
        };
        Some(Begun::Job { job, fails_fast })
    }
}
