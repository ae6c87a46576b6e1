//! Jobs that were submitted together, and what becomes of them.
//!
//! Each job has a position, and an outcome once it has ended. Outcomes are taken once: all together,
//! one after the other in the order of the jobs, or in the order in which they end. What a batch
//! keeps is held by the owner of its pool, and is charged to the pool's tree until it is taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::jobs::error::SubmitError;
use crate::jobs::outcomes::{
    Done, GIVEN_UP, Next, NextEnded, Outcome, Outcomes, Slot, TakeAll, TakeError,
};
use crate::object::{Charge, Kind, ObjectId};
use crate::wait::error::WaitError;
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::Shared;
use crate::wait::wait::wait;
use crate::wait::waiter::Waiter;

/// A reference to a batch. Clones refer to the same one. When the last is dropped the outcomes that
/// are not taken are dropped too; the jobs are run all the same.
#[derive(Debug)]
pub struct Batch<L> {
    reference: Arc<BatchReference<L>>,
}

/// What all references share: its end says that nobody wants the outcomes.
#[derive(Debug)]
struct BatchReference<L> {
    ledger: Arc<Ledger<L>>,
}

/// The batch as its jobs know it.
#[derive(Debug)]
pub(crate) struct Ledger<L> {
    id: ObjectId,
    state: Shared<Outcomes<L>>,
    /// Who is notified when the batch is done.
    notified: Option<Arc<Waiter>>,
}

impl<L> Ledger<L> {
    /// Adds this many jobs if `submit`, which gets the position of the first, takes them: all or none,
    /// and nobody sees it in between.
    pub(crate) fn extend(
        &self,
        count: usize,
        submit: impl FnOnce(u32) -> Result<(), SubmitError>,
    ) -> Result<(), SubmitError> {
        self.state.change(|state| {
            let first = state
                .extend(count)
                .ok_or(SubmitError::TooManyJobs { limit: u32::MAX })?;
            submit(first).inspect_err(|_| state.withdraw(first))
        })
    }

    /// A job has ended. A second end of the same job changes nothing.
    pub(crate) fn end(&self, position: u32, outcome: Outcome<L>, charge: Charge) {
        let mut ended = Some((outcome, charge));
        let is_done = self.state.change(|state| {
            let was_done = state.is_done();
            state.end(position, &mut ended);
            !was_done && state.is_done()
        });
        // What nobody wants is dropped here, not under the mutex.
        drop(ended);
        if is_done {
            self.notify();
        }
    }

    /// Tells the party that wants to know that the batch is done.
    fn notify(&self) {
        if let Some(waiter) = &self.notified {
            waiter.notify();
        }
    }

    /// Whether what becomes of jobs that are not begun is of no interest any more.
    pub(crate) fn is_given_up(&self) -> bool {
        self.state.read(Outcomes::is_given_up)
    }
}

impl<L> Batch<L> {
    /// A batch without jobs, which is done.
    pub(crate) fn new(fails_fast: bool, notified: Option<Arc<Waiter>>) -> Self {
        let ledger = Arc::new(Ledger {
            id: ObjectId::next(),
            state: Shared::new(Outcomes::new(fails_fast)),
            notified,
        });
        Self {
            reference: Arc::new(BatchReference { ledger }),
        }
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger<L>> {
        &self.reference.ledger
    }

    /// Says that the batch is done although no job of it has ended: it has none.
    pub(crate) fn notify_if_empty(&self) {
        if self.size() == 0 {
            self.ledger().notify();
        }
    }

    /// The number of its jobs.
    #[must_use]
    pub fn size(&self) -> usize {
        let size = self.state().read(Outcomes::size);
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    /// Whether all its jobs have ended, or it fails fast and has failed. Does not block.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state().read(Outcomes::is_done)
    }

    /// Whether a job of it has ended without a value. Does not block.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state().read(Outcomes::has_failed)
    }

    /// Waits until it is [done](Self::is_done): without a time-out for ever, with zero not at all.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Killed`].
    pub fn wait_within(&self, timeout: Option<Duration>) -> Result<(), WaitError> {
        wait(self.state(), self.subject(), &mut Done::new(), timeout).map_err(Into::into)
    }

    /// Waits until it is done, as a task. Dropping the future ends the wait.
    pub async fn wait_async(&self) {
        Wait::new(self.state(), &mut Done::new()).await;
    }

    /// Waits until it is done, and takes all outcomes in the order of the jobs. Those of a batch that
    /// has failed fast and are not there are `Cancelled`.
    ///
    /// # Errors
    /// [`TakeError::TimedOut`]; [`TakeError::Killed`]; [`TakeError::Empty`] if any was taken before.
    pub fn take_all_within(&self, timeout: Option<Duration>) -> Result<Vec<Outcome<L>>, TakeError> {
        let mut take_all = TakeAll::new();
        all(wait(self.state(), self.subject(), &mut take_all, timeout)?)
    }

    /// As [`take_all_within`](Self::take_all_within), as a task.
    ///
    /// # Errors
    /// [`TakeError::Empty`] if any was taken before.
    pub async fn take_all_async(&self) -> Result<Vec<Outcome<L>>, TakeError> {
        all(Wait::new(self.state(), &mut TakeAll::new()).await)
    }

    /// Waits for the next job in the order of the jobs, and takes its outcome.
    ///
    /// # Errors
    /// [`TakeError::Empty`] if those of all jobs are taken; [`TakeError::TimedOut`];
    /// [`TakeError::Killed`].
    pub fn next_within(&self, timeout: Option<Duration>) -> Result<Outcome<L>, TakeError> {
        let mut next = Next::new();
        let taken = wait(self.state(), self.subject(), &mut next, timeout)?;
        taken.map(|(outcome, _charge)| outcome)
    }

    /// Waits for any job to end, and takes its position and outcome. Jobs come in the order in which
    /// they ended.
    ///
    /// # Errors
    /// As [`next_within`](Self::next_within).
    pub fn next_ended_within(
        &self,
        timeout: Option<Duration>,
    ) -> Result<(u32, Outcome<L>), TakeError> {
        let mut next = NextEnded::new();
        let taken = wait(self.state(), self.subject(), &mut next, timeout)?;
        taken.map(|(position, (outcome, _charge))| (position, outcome))
    }

    /// As [`next_within`](Self::next_within), as a task. Dropping the future takes nothing.
    ///
    /// # Errors
    /// [`TakeError::Empty`].
    pub async fn next_async(&self) -> Result<Outcome<L>, TakeError> {
        let taken = Wait::new(self.state(), &mut Next::new()).await;
        taken.map(|(outcome, _charge)| outcome)
    }

    /// As [`next_ended_within`](Self::next_ended_within), as a task. Dropping the future takes nothing.
    ///
    /// # Errors
    /// [`TakeError::Empty`].
    pub async fn next_ended_async(&self) -> Result<(u32, Outcome<L>), TakeError> {
        let taken = Wait::new(self.state(), &mut NextEnded::new()).await;
        taken.map(|(position, (outcome, _charge))| (position, outcome))
    }

    fn state(&self) -> &Shared<Outcomes<L>> {
        &self.ledger().state
    }

    fn subject(&self) -> Subject {
        Subject {
            object: self.ledger().id,
            kind: Kind::Batch,
        }
    }
}

/// The outcomes of all jobs. The charges are given back here, not under the mutex.
fn all<L>(taken: Result<BTreeMap<u32, Slot<L>>, TakeError>) -> Result<Vec<Outcome<L>>, TakeError> {
    let outcome = |slot| match slot {
        Slot::Ended { outcome, .. } => outcome,
        Slot::Running => Outcome::Cancelled(GIVEN_UP.to_owned()),
    };
    Ok(taken?.into_values().map(outcome).collect())
}

impl<L> Clone for Batch<L> {
    fn clone(&self) -> Self {
        Self {
            reference: Arc::clone(&self.reference),
        }
    }
}

impl<L> Drop for BatchReference<L> {
    fn drop(&mut self) {
        let unwanted = self.ledger.state.change(Outcomes::forsake);
        // Not under the mutex.
        drop(unwanted);
    }
}
