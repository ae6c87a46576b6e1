//! Queues that count unfinished tasks: a message is a task, unfinished from its `put` until a
//! party calls `task_done`.
//!
//! A queue is made joinable or not, because a queue that no party joins should not pay for the counts.
//! Otherwise it is a [`Queue`], even for a holder that opens a handle to it as a [`Queue`]: its puts and
//! gets are counted too.
//!
//! # When a taker ends
//! The queue counts for each party the tasks that it has taken and not called done. A process that ends, in
//! any way, no longer owes them. They count as finished, but *abandoned*, and parties that join learn of it
//! ([`Joined`]). So no end of a process leaves a `join` waiting. `task_done` is for any task, as in Python:
//! if the caller owes none, it settles a task of another party. A process that passes a task on to another
//! process should therefore live until the task is done.
//!
//! # Rounds
//! A round ends when the last task is finished. A `join` ends with the round, even if the next task comes
//! before the thread runs: it waits for no later round.

use std::ops::Deref;
use std::time::Duration;

use super::tasks::Joined;
use crate::object::{Handle, Holder, Tree};
use crate::queue::channel::Channel;
use crate::queue::error::TooManyTasksDone;
use crate::queue::queue::{Bounds, Queue};
use crate::wait::current::with_current;
use crate::wait::error::WaitError;
use crate::wait::list::{Place, WaitList};
use crate::wait::registration::Wait;
use crate::wait::shared::Operation;
use crate::wait::wait::wait;

/// A reference to a [`Queue`] that counts unfinished tasks, counted for its holder. Clones refer to
/// the same queue.
///
/// ```
/// use isopod_sync::{Bounds, JoinableQueue, Message};
/// let tasks = JoinableQueue::new(Bounds::default());
/// tasks.put(Message::from_bytes("task"))?;
/// tasks.get()?;
/// assert!(tasks.try_join().is_err());
/// tasks.task_done()?;
/// assert_eq!(tasks.join()?.abandoned_tasks, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JoinableQueue {
    queue: Queue,
}

impl JoinableQueue {
    /// An empty queue of the embedder.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder, bounds)
    }

    /// An empty queue that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder, bounds: Bounds) -> Self {
        Self {
            queue: Queue::new_joinable_in(tree, holder, bounds),
        }
    }

    /// The queue behind a handle, held by the same holder; `None` if the handle is of another kind, or if
    /// the queue is not joinable.
    #[must_use]
    pub fn open(handle: &Handle) -> Option<Self> {
        let queue = Queue::open(handle).filter(Queue::is_joinable)?;
        Some(Self { queue })
    }

    /// Another reference to this queue, held by `holder`.
    #[must_use]
    pub fn hold_as(&self, holder: Holder) -> Self {
        Self {
            queue: self.queue.hold_as(holder),
        }
    }

    /// The number of tasks that were put and are not finished.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.queue.channel().read(|state| state.tasks().unfinished)
    }

    /// Calls one task done: one that the current party has taken, if there is one. Does not block.
    ///
    /// # Errors
    /// [`TooManyTasksDone`] if no task is unfinished.
    pub fn task_done(&self) -> Result<(), TooManyTasksDone> {
        let party = with_current(|waiter| waiter.party());
        self.queue
            .channel()
            .change(|state| state.tasks_mut().done(party))
    }

    /// Waits until no task is unfinished.
    ///
    /// # Errors
    /// [`WaitError::Killed`].
    pub fn join(&self) -> Result<Joined, WaitError> {
        self.join_within(None)
    }

    /// Returns at once, with success if all tasks are finished. Does not block.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] if any is not.
    pub fn try_join(&self) -> Result<Joined, WaitError> {
        self.join_within(Some(Duration::ZERO))
    }

    /// Waits for at most `timeout` until no task is unfinished.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Killed`].
    pub fn join_timeout(&self, timeout: Duration) -> Result<Joined, WaitError> {
        self.join_within(Some(timeout))
    }

    /// Waits until no task is unfinished: for ever without a timeout, not at all if the timeout is zero.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Killed`].
    pub fn join_within(&self, timeout: Option<Duration>) -> Result<Joined, WaitError> {
        let (channel, subject) = (self.queue.channel(), self.queue.subject());
        wait(channel, subject, &mut Join::default(), timeout).map_err(Into::into)
    }

    /// Waits as a task until no task is unfinished. Dropping the future ends the wait.
    pub async fn join_async(&self) -> Joined {
        Wait::new(self.queue.channel(), &mut Join::default()).await
    }
}

/// All methods of a queue.
impl Deref for JoinableQueue {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.queue
    }
}

#[derive(Debug, Default)]
struct Join {
    /// The round in which the wait began.
    round: Option<u64>,
}

impl Operation for Join {
    type State = Channel;
    type Output = Joined;

    const NAME: &'static str = "join";

    fn list(state: &mut Channel) -> &mut WaitList {
        &mut state.tasks_mut().joiners
    }

    fn attempt(&mut self, state: &mut Channel, _place: Place) -> Option<Joined> {
        let tasks = state.tasks();
        let began = *self.round.get_or_insert(tasks.rounds);
        let nothing = Joined { abandoned_tasks: 0 };
        (tasks.unfinished == 0 || tasks.rounds != began).then(|| tasks.last.unwrap_or(nothing))
    }
}
