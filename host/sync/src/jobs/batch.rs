//! Jobs that were submitted together, and their outcomes.
//!
//! Each job has a position, and an outcome once it has ended. Outcomes are taken once: all together, one
//! after the other in the order of the jobs, or in the order in which they end. The owner of the pool
//! holds the outcomes that a batch keeps, and the pool's tree is charged for them until they are taken.

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

/// A reference to a batch. Clones refer to the same batch. Dropping the last one also drops the outcomes
/// that are not taken; the jobs run all the same.
#[derive(Debug)]
pub struct Batch<L> {
    reference: Arc<BatchReference<L>>,
}

/// The part that all references share. Dropping it means that nobody can take the outcomes any more.
#[derive(Debug)]
struct BatchReference<L> {
    ledger: Arc<Ledger<L>>,
}

/// The batch as seen by its jobs.
#[derive(Debug)]
pub(crate) struct Ledger<L> {
    id: ObjectId,
    state: Shared<Outcomes<L>>,
    /// The party to notify when the batch is done.
    notified: Option<Arc<Waiter>>,
}

impl<L> Ledger<L> {
    /// Adds this many jobs, if `submit` accepts them; `submit` receives the position of the first.
    /// Either all jobs are added or none, and no other thread sees a state in between.
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

    /// Ends a job. A second end of the same job changes nothing.
    pub(crate) fn end(&self, position: u32, outcome: Outcome<L>, charge: Charge) {
        let mut ended = Some((outcome, charge));
        let is_done = self.state.change(|state| {
            let was_done = state.is_done();
            state.end(position, &mut ended);
            !was_done && state.is_done()
        });
        // An outcome that nobody can take is dropped here, not under the mutex.
        drop(ended);
        if is_done {
            self.notify();
        }
    }

    /// Notifies the party that asked for it that the batch is done.
    fn notify(&self) {
        if let Some(waiter) = &self.notified {
            waiter.notify();
        }
    }

    /// Whether the batch has failed fast, so that its jobs that are not begun need not run.
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

    /// Notifies for a batch without jobs: it is done although none of its jobs has ended.
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

    /// Whether any of its jobs has ended without a value. Does not block.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state().read(Outcomes::has_failed)
    }

    /// Waits until it is [done](Self::is_done): for ever without a timeout, not at all if it is zero.
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

    /// Waits until it is done, and takes all outcomes in the order of the jobs. If the batch has failed
    /// fast, a job that has not ended counts as `Cancelled`.
    ///
    /// # Errors
    /// [`TakeError::TimedOut`]; [`TakeError::Killed`]; [`TakeError::Empty`] if any outcome was taken before.
    pub fn take_all_within(&self, timeout: Option<Duration>) -> Result<Vec<Outcome<L>>, TakeError> {
        let mut take_all = TakeAll::new();
        all(wait(self.state(), self.subject(), &mut take_all, timeout)?)
    }

    /// Like [`take_all_within`](Self::take_all_within), as a task.
    ///
    /// # Errors
    /// [`TakeError::Empty`] if any outcome was taken before.
    pub async fn take_all_async(&self) -> Result<Vec<Outcome<L>>, TakeError> {
        all(Wait::new(self.state(), &mut TakeAll::new()).await)
    }

    /// Waits for the next job in the order of the jobs, and takes its outcome.
    ///
    /// # Errors
    /// [`TakeError::Empty`] if the outcomes of all jobs are taken; [`TakeError::TimedOut`];
    /// [`TakeError::Killed`].
    pub fn next_within(&self, timeout: Option<Duration>) -> Result<Outcome<L>, TakeError> {
        let mut next = Next::new();
        let taken = wait(self.state(), self.subject(), &mut next, timeout)?;
        taken.map(|(outcome, _charge)| outcome)
    }

    /// Waits for any job to end, and takes its position and outcome. Jobs are returned in the order in
    /// which they ended.
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

    /// Like [`next_within`](Self::next_within), as a task. Dropping the future takes nothing.
    ///
    /// # Errors
    /// [`TakeError::Empty`].
    pub async fn next_async(&self) -> Result<Outcome<L>, TakeError> {
        let taken = Wait::new(self.state(), &mut Next::new()).await;
        taken.map(|(outcome, _charge)| outcome)
    }

    /// Like [`next_ended_within`](Self::next_ended_within), as a task. Dropping the future takes nothing.
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

/// The outcomes of all jobs. This drops the charges, outside the mutex, and so gives them back.
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
        // Dropped outside the mutex.
        drop(unwanted);
    }
}
