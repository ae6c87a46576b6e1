//! The jobs of a pool that have not ended: those in line, and which worker has begun which.
//!
//! All of it lies under the mutex of the [jobs](crate::jobs::jobs). The outcomes lie under the mutex of the
//! [batch](crate::jobs::batch), which may be held when the line's is taken, never the other way round: what
//! becomes of a job is therefore told to its batch after the line was changed.

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

/// The cost of a job from its submission until its outcome is taken, in bytes. A test measures it.
pub(crate) const JOB_BYTES: u64 = MESSAGE_OVERHEAD_BYTES + JOB_OVERHEAD_BYTES;
/// The part of it beyond the cost of a message.
pub(crate) const JOB_OVERHEAD_BYTES: u64 = 352;

/// A job in line.
#[derive(Debug)]
pub(crate) struct Job<L> {
    pub(crate) options: Arc<BatchOptions>,
    pub(crate) message: Message,
    /// For the message and, as long as its outcome is not taken, for the job.
    pub(crate) charge: Charge,
    pub(crate) ledger: Arc<Ledger<L>>,
    pub(crate) position: u32,
}

impl<L> Job<L> {
    /// It is never begun. Not under the mutex of the line.
    pub(crate) fn end(mut self, outcome: Outcome<L>) {
        let charge = self.charge.split(JOB_BYTES);
        self.ledger.end(self.position, outcome, charge);
    }
}

/// A job that a worker has begun, without what the worker was given.
#[derive(Debug)]
pub(crate) struct Running<L> {
    pub(crate) options: Arc<BatchOptions>,
    /// For the job, as long as its outcome is not taken.
    pub(crate) charge: Charge,
    pub(crate) ledger: Arc<Ledger<L>>,
    pub(crate) position: u32,
    pub(crate) number: u64,
    /// Its time is up, so its report comes too late.
    pub(crate) is_expired: bool,
}

impl<L> Running<L> {
    /// It has ended. Not under the mutex of the line.
    pub(crate) fn end(self, outcome: Outcome<L>) {
        self.ledger.end(self.position, outcome, self.charge);
    }
}

/// Which jobs the pool takes and begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Open,
    /// No more jobs; those in line are run.
    Closed,
    /// No jobs at all.
    Terminated,
    /// No jobs at all, for this reason.
    Broken(String),
}

impl Stage {
    /// What becomes of a job that is not begun, if it is not to be.
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
    /// How many jobs were begun.
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

    /// What a worker runs, if that is the beginning of this number.
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

/// Takes the next job for a worker, and notes that it has begun it.
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

/// What a worker that wants a job gets.
#[derive(Debug)]
pub(crate) enum Begun<L> {
    Job {
        job: BegunJob,
        /// Of a batch that fails fast, which may have failed by now.
        fails_fast: Option<Arc<Ledger<L>>>,
    },
    /// There will be no jobs.
    None,
    /// It has not reported how the job ended that it has begun before.
    Unreported {
        /// The time of that job is up, so the worker is to be ended.
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
