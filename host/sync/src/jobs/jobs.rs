//! The jobs of a pool: submitted, begun by a worker, ended.
//!
//! The state knows which job each worker has begun. A job that was not begun waits in the line. A job
//! that was begun is ended by its worker's report or by its worker's end, whichever comes first. So a
//! job is begun at most once, and no job is lost, whenever a worker ends. The runtime makes the workers
//! and replaces them.
//!
//! # Begun or not
//! A worker takes a job under the mutex, and from then on owns it. A worker that was killed before it
//! could pass the job to its guest [gives the job back](Jobs::give_back) to the front of the line.

use std::collections::VecDeque;
use std::sync::Arc;

use super::job::{BatchOptions, BegunJob};
use crate::jobs::batch::Batch;
use crate::jobs::error::{ReportError, SubmitError};
use crate::jobs::line::{Begin, Begun, JOB_OVERHEAD_BYTES, Job, Line, Stage};
use crate::jobs::outcomes::{GIVEN_UP, Outcome};
use crate::object::message::MESSAGE_OVERHEAD_BYTES;
use crate::object::{Holder, Kind, Message, ObjectId, Tree};
use crate::party::ProcessId;
use crate::wait::current::with_current;
use crate::wait::interrupt::{Interrupt, Killed};
use crate::wait::record::Subject;
use crate::wait::shared::Shared;
use crate::wait::wait::wait;

/// The first bytes of an error's text are free of charge, so that a short text can always be reported.
const FREE_ERROR_BYTES: u64 = 1_000;

/// Why a job failed whose worker [began](Jobs::begin) another one instead of reporting the first.
pub const UNREPORTED: &str = "its worker began another job without a report";

/// The charge for a job that waits with this message.
fn job_bytes(message: &Message) -> u64 {
    message.charged_bytes().saturating_add(JOB_OVERHEAD_BYTES)
}

/// The jobs of one pool. `L` says how a worker ended.
///
/// The tree is charged 512 bytes for a job from its submission until its outcome is taken. The job's
/// message is charged until the job is begun, and its value from its end on.
///
/// ```
/// use isopod_sync::{BatchOptions, Holder, Jobs, Message, Outcome, ProcessId, Tree};
///
/// let jobs = Jobs::<&str>::new(Tree::embedder(), Holder::Embedder);
/// let messages = vec![Message::from_bytes("a"), Message::from_bytes("b")];
/// let (batch, _) = jobs.submit(messages, BatchOptions::default()).expect("an open pool");
///
/// let (first, second) = (ProcessId::new(1), ProcessId::new(2));
/// let job = jobs.begin(first)?.expect("two jobs are in line");
/// let value = Message::from_bytes(job.message.bytes.to_ascii_uppercase());
/// jobs.report(first, Ok(value)).expect("it runs");
/// jobs.begin(second)?;
/// jobs.end(second, Outcome::WorkerLost("killed"));
///
/// let outcomes = batch.take_all_within(None).expect("both have ended");
/// assert!(matches!(&outcomes[0], Outcome::Value(message) if message.bytes == b"A"));
/// assert!(matches!(&outcomes[1], Outcome::WorkerLost("killed")));
/// # Ok::<(), isopod_sync::Killed>(())
/// ```
#[derive(Debug)]
pub struct Jobs<L> {
    id: ObjectId,
    tree: Tree,
    /// The holder of the objects in jobs and values.
    owner: Holder,
    /// The largest number of jobs that may wait to be begun.
    waiting_limit: u64,
    state: Shared<Line<L>>,
}

impl<L> Jobs<L> {
    /// An empty set of jobs, for a pool that `owner` owns and whose messages are charged to `tree`.
    #[must_use]
    pub fn new(tree: &Tree, owner: Holder) -> Self {
        Self::with_limit(tree, owner, u32::MAX)
    }

    /// Like [`new`](Self::new), for a pool in which at most `waiting_limit` jobs wait to be begun. A job
    /// that its worker gives back is accepted even beyond this limit.
    #[must_use]
    pub fn with_limit(tree: &Tree, owner: Holder, waiting_limit: u32) -> Self {
        Self {
            id: ObjectId::next(),
            tree: tree.clone(),
            owner,
            waiting_limit: u64::from(waiting_limit),
            state: Shared::new(Line::new()),
        }
    }

    /// Submits a batch of jobs, all or none. Does not block. A batch without jobs is done at once.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub fn submit(
        &self,
        messages: Vec<Message>,
        options: BatchOptions,
    ) -> Result<(Batch<L>, Arc<BatchOptions>), SubmitError> {
        let batch = Batch::new(options.fails_fast, options.notified.clone());
        let options = Arc::new(options);
        self.add(&batch, &options, messages)?;
        batch.notify_if_empty();
        Ok((batch, options))
    }

    /// Submits further jobs of a batch, all or none. Does not block. A batch that was done is no longer
    /// done, and its party is notified again when it is.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub fn add(
        &self,
        batch: &Batch<L>,
        options: &Arc<BatchOptions>,
        messages: Vec<Message>,
    ) -> Result<(), SubmitError> {
        let bytes = messages.iter().map(job_bytes).sum();
        let mut charge = self.tree.hold_charge(bytes).map_err(SubmitError::from)?;
        let ledger = batch.ledger();
        let mut jobs: VecDeque<Job<L>> = VecDeque::with_capacity(messages.len());
        for mut message in messages {
            message.arrive(self.owner);
            jobs.push_back(Job {
                options: Arc::clone(options),
                charge: charge.split(job_bytes(&message)),
                message,
                ledger: Arc::clone(ledger),
                position: 0,
            });
        }
        ledger.extend(jobs.len(), |first| {
            for (position, job) in (first..).zip(&mut jobs) {
                job.position = position;
            }
            self.state.change(|line| match &line.stage {
                Stage::Open => {
                    let waiting = (line.waiting.len() as u64).saturating_add(jobs.len() as u64);
                    if waiting > self.waiting_limit {
                        return Err(SubmitError::TooManyWaiting {
                            waiting,
                            limit: self.waiting_limit,
                        });
                    }
                    line.waiting.append(&mut jobs);
                    Ok(())
                }
                Stage::Closed | Stage::Terminated => Err(SubmitError::NotRunning),
                Stage::Broken(reason) => Err(SubmitError::Broken(reason.clone())),
            })
        })
    }

    /// Begins the next job for a worker, and waits if there is none. `None` says that there will be no
    /// more, unless another worker gives back a job that it has begun.
    ///
    /// A worker has one job at a time. If it has begun a job and not reported, that job ends as failed.
    ///
    /// # Errors
    /// [`Killed`]: nothing was begun. A worker whose job has [expired](Self::expire) gets it too,
    /// because such a worker must end.
    pub fn begin(&self, worker: ProcessId) -> Result<Option<BegunJob>, Killed> {
        loop {
            match self.wait_for_job(worker)? {
                Begun::Job { job, fails_fast } => {
                    if !fails_fast.is_some_and(|batch| batch.is_given_up()) {
                        return Ok(Some(job));
                    }
                    self.end(worker, Outcome::Cancelled(GIVEN_UP.to_owned()));
                    // Many more such jobs may follow, and no wait between them would observe a kill.
                    if with_current(|waiter| waiter.observe_kill()) {
                        return Err(Killed);
                    }
                }
                Begun::None => return Ok(None),
                Begun::Unreported { is_expired: true } => return Err(Killed),
                Begun::Unreported { is_expired: false } => {
                    self.end(worker, Outcome::Failed(UNREPORTED.to_owned()));
                }
            }
        }
    }

    fn wait_for_job(&self, worker: ProcessId) -> Result<Begun<L>, Killed> {
        let subject = Subject {
            object: self.id,
            kind: Kind::Pool,
        };
        let mut begin = Begin::new(worker);
        let begun = match wait(&self.state, subject, &mut begin, None) {
            // A notice means nothing to a worker, and is left for later.
            Err(Interrupt::TimedOut) => with_current(Arc::clone)
                .without_notices(|| wait(&self.state, subject, &mut begin, None)),
            begun => begun,
        };
        begun.map_err(|_| Killed)
    }

    /// Puts a job that a worker has begun, but whose guest never saw it, back to the front of the line.
    /// In a closed pool, the other workers may already have learned that there are no more jobs: check
    /// [`waiting`](Self::waiting) when a worker has ended.
    pub fn give_back(&self, worker: ProcessId, job: BegunJob) {
        let BegunJob {
            mut message,
            number,
            mut charge,
            ..
        } = job;
        message.arrive(self.owner);
        let ended = self.state.change(|line| {
            line.running_mut(worker, number)?;
            let mut running = line.running.remove(&worker)?;
            if let Some(outcome) = line.stage.outcome() {
                return Some((running, outcome));
            }
            charge.merge(std::mem::take(&mut running.charge));
            line.waiting.push_front(Job {
                options: running.options,
                message: std::mem::take(&mut message),
                charge: std::mem::take(&mut charge),
                ledger: running.ledger,
                position: running.position,
            });
            None
        });
        if let Some((running, outcome)) = ended {
            running.end(outcome);
        }
    }

    /// Ends the worker's job with this value or error.
    ///
    /// # Errors
    /// See [`ReportError`].
    pub fn report(
        &self,
        worker: ProcessId,
        report: Result<Message, String>,
    ) -> Result<(), ReportError> {
        let (outcome, bytes) = match report {
            Err(text) => {
                let bytes = (text.len() as u64).saturating_sub(FREE_ERROR_BYTES);
                (Outcome::Failed(text), bytes)
            }
            Ok(message) => {
                // The rest has been charged since the submission of the job.
                let bytes = message.charged_bytes() - MESSAGE_OVERHEAD_BYTES;
                (Outcome::Value(message), bytes)
            }
        };
        let charge = self.tree.hold_charge(bytes);
        let charge = charge.map_err(ReportError::BudgetExceeded)?;
        let running = self.state.change(|line| {
            let running = line.running.get(&worker);
            if running.ok_or(ReportError::NotRunning)?.is_expired {
                return Err(ReportError::Expired);
            }
            line.running.remove(&worker).ok_or(ReportError::NotRunning)
        });
        let mut running = running?;
        running.charge.merge(charge);
        running.end(outcome.held_as(self.owner));
        Ok(())
    }

    /// Ends the worker's job, if it has begun one, with an outcome that the worker did not report.
    /// Returns whether it had begun one.
    pub fn end(&self, worker: ProcessId, outcome: Outcome<L>) -> bool {
        self.end_with(worker, outcome, 0)
    }

    /// Like [`end`](Self::end), for an outcome with a text of this length. The text is charged until the
    /// outcome is taken.
    pub fn end_with(&self, worker: ProcessId, outcome: Outcome<L>, text_bytes: usize) -> bool {
        let running = self.state.change(|line| line.running.remove(&worker));
        match running {
            Some(mut running) => {
                let bytes = (text_bytes as u64).saturating_sub(FREE_ERROR_BYTES);
                running.charge.merge(self.tree.count_queued_bytes(bytes));
                running.end(outcome);
                true
            }
            None => false,
        }
    }

    /// Marks a job as expired because its time is up. Returns true if the worker still runs it: its
    /// report is then too late, and the caller must end the worker.
    pub fn expire(&self, worker: ProcessId, number: u64) -> bool {
        self.state.change(|line| {
            let running = line.running_mut(worker, number);
            running.is_some_and(|running| {
                running.is_expired = true;
                true
            })
        })
    }

    /// Accepts no more jobs. Workers get the jobs in line, and then `None`.
    pub fn close(&self) {
        self.state.change(|line| {
            if line.stage == Stage::Open {
                line.stage = Stage::Closed;
            }
        });
    }

    /// Cancels all jobs in line and accepts no more.
    pub fn terminate(&self) {
        self.empty(Stage::Terminated);
    }

    /// Fails all jobs in line and accepts no more, because no worker can be started.
    pub fn break_down(&self, reason: &str) {
        self.empty(Stage::Broken(reason.to_owned()));
    }

    /// Whether the worker has begun a job that has not ended.
    #[must_use]
    pub fn is_running(&self, worker: ProcessId) -> bool {
        self.state.read(|line| line.running.contains_key(&worker))
    }

    /// The number of jobs in line.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.state.read(|line| line.waiting.len())
    }

    /// Whether the pool accepts jobs.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.read(|line| line.stage == Stage::Open)
    }

    fn empty(&self, stage: Stage) {
        let (jobs, stage) = self.state.change(|line| {
            if matches!(line.stage, Stage::Open | Stage::Closed) {
                line.stage = stage;
            }
            (std::mem::take(&mut line.waiting), line.stage.clone())
        });
        for job in jobs {
            if let Some(outcome) = stage.outcome() {
                job.end(outcome);
            }
        }
    }
}

impl<L> Drop for Jobs<L> {
    /// No worker can begin or report a job any more, so all remaining jobs end here.
    fn drop(&mut self) {
        self.terminate();
        let running = self.state.change(|line| std::mem::take(&mut line.running));
        for running in running.into_values() {
            let text = "the pool was gone before the job ended";
            running.end(Outcome::Failed(text.to_owned()));
        }
    }
}
