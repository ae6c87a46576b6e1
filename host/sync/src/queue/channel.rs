//! A bounded first-in, first-out store of messages: the state of a queue, and of each direction of
//! a pipe, with its two operations.
//!
//! Room is counted in messages and in bytes of payload. Puts wait in order: a small put does not overtake a
//! big one that waits for room, so a big one is not starved. An unbounded channel is bounded by its tree's
//! limit on queued bytes; reaching it is an error and not a wait.

use std::collections::VecDeque;
use std::sync::Arc;

use super::tasks::Tasks;
use crate::object::{Holder, Message, Object, OverBudget, Tree};
use crate::party::Party;
use crate::wait::any::{Readiness, wake_watchers};
use crate::wait::list::{Load, Place, WaitList, Wakes};
use crate::wait::shared::{Operation, State};

/// The largest contents of a channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    pub(crate) messages: u64,
    pub(crate) payload_bytes: u64,
    /// Whether a message larger than `payload_bytes` fits when it is alone.
    pub(crate) one_larger: bool,
}

#[derive(Debug)]
pub(crate) struct Channel {
    messages: VecDeque<Message>,
    payload_bytes: u64,
    /// The number of handles in the messages.
    references: u64,
    capacity: Capacity,
    closed: bool,
    tree: Tree,
    putters: WaitList,
    getters: WaitList,
    /// Waits to see a message, or the end, that take nothing.
    watchers: WaitList,
    /// Whether `tasks` are counted.
    joinable: bool,
    tasks: Tasks,
}

impl Channel {
    pub(crate) fn new(tree: &Tree, capacity: Capacity) -> Self {
        Self {
            messages: VecDeque::new(),
            payload_bytes: 0,
            references: 0,
            capacity,
            closed: false,
            tree: tree.clone(),
            putters: WaitList::default(),
            getters: WaitList::default(),
            watchers: WaitList::default(),
            joinable: false,
            tasks: Tasks::default(),
        }
    }

    /// Counts tasks from now on. Called before the first message.
    pub(crate) fn make_joinable(&mut self) {
        self.joinable = true;
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub(crate) fn tasks_mut(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a put of an empty message would wait.
    pub(crate) fn is_full(&self) -> bool {
        !self.closed && !self.fits(self.putters.reserved_against(Place::Newcomer), 0)
    }

    /// Refuses further puts; gets still take the messages that are left.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Returns all messages, for the caller to drop outside the mutex.
    pub(crate) fn take_all(&mut self) -> Vec<Message> {
        let charged_bytes: u64 = self.messages.iter().map(Message::charged_bytes).sum();
        self.tree.credit(charged_bytes);
        self.payload_bytes = 0;
        self.references = 0;
        std::mem::take(&mut self.messages).into()
    }

    pub(crate) fn references(&self) -> u64 {
        self.references
    }

    pub(crate) fn visit_contents(&self, visit: &mut dyn FnMut(&Arc<dyn Object>)) {
        for handle in self.messages.iter().flat_map(|message| &message.handles) {
            visit(handle.object());
        }
    }

    /// Whether a message fits beside the contents and the room that is reserved for others.
    fn fits(&self, reserved: Load, payload_bytes: u64) -> bool {
        let count = (self.messages.len() as u64).saturating_add(reserved.count);
        let bytes = self
            .payload_bytes
            .saturating_add(reserved.bytes)
            .saturating_add(payload_bytes);
        let alone = self.capacity.one_larger && count == 0;
        count < self.capacity.messages && (alone || bytes <= self.capacity.payload_bytes)
    }

    /// The largest payload that can ever fit.
    fn largest_payload_bytes(&self) -> u64 {
        let own = if self.capacity.one_larger {
            u64::MAX
        } else {
            self.capacity.payload_bytes
        };
        own.min(self.tree.queued_bytes_limit())
            .min(self.tree.host_bytes_limit())
    }
}

impl State for Channel {
    fn settle(&mut self, wakes: &mut Wakes) {
        if self.joinable {
            self.tasks.settle(wakes);
        }
        if self.closed {
            self.getters.wake_all(wakes);
            self.putters.wake_all(wakes);
            self.watchers.wake_all(wakes);
            return;
        }
        while self.getters.woken_load().count < self.messages.len() as u64
            && self.getters.wake_front(wakes)
        {}
        while let Some(payload_bytes) = self.putters.front_bytes()
            && self.fits(self.putters.woken_load(), payload_bytes)
        {
            self.putters.wake_front(wakes);
        }
        wake_watchers(self, wakes);
    }
}

impl Readiness for Channel {
    /// Whether a newcomer would find something: an item that is reserved for a starved get is not
    /// there for others.
    fn is_ready(&self) -> bool {
        is_readable(self, Place::Newcomer)
    }

    fn watchers(&mut self) -> &mut WaitList {
        &mut self.watchers
    }
}

/// Why a put can never succeed, or not now without exceeding a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Closed,
    TooLarge { limit_bytes: u64 },
    OverBudget(OverBudget),
}

/// Appends a message. The operation owns the message until that has succeeded.
#[derive(Debug)]
pub(crate) struct Put {
    message: Option<Message>,
    /// The previous holders of the message's handles.
    holders: Vec<Holder>,
    payload_bytes: u64,
}

impl Put {
    pub(crate) fn new(mut message: Message) -> Self {
        Self {
            holders: message.embark(),
            payload_bytes: message.payload_bytes(),
            message: Some(message),
        }
    }

    /// The message that was not put, with its handles held as before.
    pub(crate) fn into_message(self) -> Message {
        let mut message = self.message.unwrap_or_default();
        message.return_to(&self.holders);
        message
    }
}

impl Operation for Put {
    type State = Channel;
    type Output = Result<(), Refusal>;

    const NAME: &'static str = "put";

    fn list(state: &mut Channel) -> &mut WaitList {
        &mut state.putters
    }

    fn bytes(&self) -> u64 {
        self.payload_bytes
    }

    fn attempt(&mut self, state: &mut Channel, place: Place) -> Option<Self::Output> {
        if state.closed {
            return Some(Err(Refusal::Closed));
        }
        let limit_bytes = state.largest_payload_bytes();
        if self.payload_bytes > limit_bytes {
            return Some(Err(Refusal::TooLarge { limit_bytes }));
        }
        if !state.fits(state.putters.reserved_against(place), self.payload_bytes) {
            return None;
        }
        let message = self.message.take()?;
        if let Err(over_budget) = state.tree.charge(message.charged_bytes()) {
            self.message = Some(message);
            return Some(Err(Refusal::OverBudget(over_budget)));
        }
        state.payload_bytes += self.payload_bytes;
        state.references += message.handles.len() as u64;
        state.messages.push_back(message);
        if state.joinable {
            state.tasks.put();
        }
        Some(Ok(()))
    }
}

/// Frees the room of taken messages, because the tree is no longer charged for it.
fn shrink(messages: &mut VecDeque<Message>) {
    /// The capacity below which shrinking is not worth it.
    const KEPT: usize = 1_024;
    if messages.capacity() > KEPT && messages.len() < messages.capacity() / 4 {
        messages.shrink_to(messages.capacity() / 2);
    }
}

/// The channel is closed and empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drained;

/// Takes the oldest message.
#[derive(Debug, Default)]
pub(crate) struct Get {
    /// The party that then owes a task, if the channel is joinable.
    pub(crate) taker: Option<Party>,
    /// Set if the taker owed none before.
    pub(crate) first_owed: bool,
}

impl Operation for Get {
    type State = Channel;
    type Output = Result<Message, Drained>;

    const NAME: &'static str = "get";

    fn list(state: &mut Channel) -> &mut WaitList {
        &mut state.getters
    }

    fn attempt(&mut self, state: &mut Channel, place: Place) -> Option<Self::Output> {
        if !is_readable(state, place) {
            return None;
        }
        let Some(message) = state.messages.pop_front() else {
            return Some(Err(Drained));
        };
        state.payload_bytes -= message.payload_bytes();
        state.references -= message.handles.len() as u64;
        state.tree.credit(message.charged_bytes());
        shrink(&mut state.messages);
        if let Some(taker) = self.taker {
            self.first_owed = state.tasks.taken(taker);
        }
        Some(Ok(message))
    }
}

/// Waits until [`Get`] would not wait. It waits in the same list, and wakes the next wait there
/// when it leaves.
#[derive(Debug)]
pub(crate) struct Poll;

impl Operation for Poll {
    type State = Channel;
    type Output = ();

    const NAME: &'static str = "poll";

    fn list(state: &mut Channel) -> &mut WaitList {
        &mut state.getters
    }

    fn attempt(&mut self, state: &mut Channel, place: Place) -> Option<()> {
        is_readable(state, place).then_some(())
    }
}

/// Whether a get at this place finds a message or the end.
fn is_readable(state: &Channel, place: Place) -> bool {
    state.closed || state.messages.len() as u64 > state.getters.reserved_against(place).count
}
