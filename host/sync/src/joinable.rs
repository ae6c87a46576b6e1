//! Queues that count what is still to be done: a message is a task, unfinished from its `put` until
//! somebody calls `task_done`.
//!
//! A queue is made joinable or not, since a queue that nobody joins should not pay for the counts.
//! It is a [`Queue`] in all else, also to whoever opens a handle to it as one: such puts and gets
//! count as well.
//!
//! # When a taker ends
//! The queue counts for each party the tasks it has taken and not called done. A process that ends,
//! in whatever way, owes them no longer: they count as finished, but *abandoned*, which whoever
//! joins is told ([`Joined`]). So no end of a process leaves a `join` waiting. `task_done` is for any
//! task, as in Python; a party that owes none pays for another one. A process that passes a task on
//! to another should therefore live until it is done.
//!
//! # Rounds
//! A round ends when the last task is finished. A `join` ends with the round, even if the next task
//! comes before the thread runs: it waits for no later round.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use crate::channel::Channel;
use crate::current::with_current;
use crate::error::{TooManyTasksDone, WaitError};
use crate::message::Handle;
use crate::object::Holder;
use crate::party::{Party, ProcessId};
use crate::queue::{Bounds, Queue};
use crate::registration::Wait;
use crate::tree::Tree;
use crate::wait::{Operation, wait};
use crate::wait_list::{Place, WaitList, Wakes};
use crate::wakers::Wakers;

/// How the tasks that were waited for ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// How many tasks of the round were taken by a process that ended without calling them done. All
    /// who join are told, until the next round ends.
    pub abandoned_tasks: u64,
}

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
    /// An empty queue of the embedder's.
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

    /// The queue behind a handle, held by the same holder; `None` if it is of another kind, or a
    /// queue that is not joinable.
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

    /// How many tasks were put and are not finished.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.queue.channel().read(|state| state.tasks().unfinished)
    }

    /// Calls one task done: one that the current party has taken, if it has. Does not block.
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

    /// Says whether all tasks are finished. Does not block.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] if one is not.
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

    /// Waits until no task is unfinished: without a time-out for ever, with zero not at all.
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

/// All that a queue can do.
impl Deref for JoinableQueue {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.queue
    }
}

/// The tasks of a queue, inside its state.
///
/// `unfinished + early` is the number of messages in the queue plus all that is owed.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    unfinished: u64,
    /// Called done before they were taken.
    early: u64,
    /// What each party has taken and not called done; the embedder is `None`. No zeroes.
    owed: BTreeMap<Option<ProcessId>, u64>,
    /// Of the present round.
    abandoned: u64,
    rounds: u64,
    /// How the round before the present one ended.
    last: Option<Joined>,
    joiners: WaitList,
}

fn account(party: Party) -> Option<ProcessId> {
    match party {
        Party::Process(process) => Some(process),
        Party::Embedder => None,
    }
}

impl Tasks {
    pub(crate) fn put(&mut self) {
        self.unfinished += 1;
    }

    /// Whether it is the only one that the party owes.
    pub(crate) fn taken(&mut self, party: Party) -> bool {
        if self.early > 0 {
            self.early -= 1;
            return false;
        }
        let owed = self.owed.entry(account(party)).or_default();
        *owed += 1;
        *owed == 1
    }

    pub(crate) fn owes(&self, process: ProcessId) -> bool {
        self.owed.contains_key(&Some(process))
    }

    /// Adds those who owe tasks.
    pub(crate) fn add_debtors(&self, wakers: &mut Wakers) {
        for debtor in self.owed.keys() {
            wakers.add_party(Some(debtor.map_or(Party::Embedder, Party::Process)));
        }
    }

    pub(crate) fn owner_ended(&mut self, process: ProcessId) {
        if let Some(owed) = self.owed.remove(&Some(process)) {
            self.abandoned += owed;
            self.finish(owed);
        }
    }

    pub(crate) fn settle(&mut self, wakes: &mut Wakes) {
        if self.unfinished == 0 {
            self.joiners.wake_all(wakes);
        }
    }

    fn done(&mut self, party: Party) -> Result<(), TooManyTasksDone> {
        if self.unfinished == 0 {
            return Err(TooManyTasksDone);
        }
        let own = account(party);
        let payer = if self.owed.contains_key(&own) {
            Some(own)
        } else {
            self.owed.first_key_value().map(|(other, _)| *other)
        };
        match payer {
            Some(payer) => {
                let left = self.owed.remove(&payer).map_or(0, |owed| owed - 1);
                if left > 0 {
                    self.owed.insert(payer, left);
                }
            }
            None => self.early += 1,
        }
        self.finish(1);
        Ok(())
    }

    fn finish(&mut self, tasks: u64) {
        self.unfinished = self.unfinished.saturating_sub(tasks);
        if self.unfinished == 0 {
            self.rounds += 1;
            self.last = Some(Joined {
                abandoned_tasks: std::mem::take(&mut self.abandoned),
            });
        }
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
