//! First-in, first-out queues for any number of senders and receivers.

use std::sync::Arc;
use std::time::Duration;

use crate::object::methods::object_methods;
use crate::object::{Base, Holder, Kind, Message, Object, OverBudget, Reference, Tree, Wakers};
use crate::party::{Party, ProcessId};
use crate::queue::channel::{Capacity, Channel, Drained, Get, Put, Refusal};
use crate::queue::error::{GetError, PutError};
use crate::wait::any::Waitable;
use crate::wait::current::with_current;
use crate::wait::interrupt::Interrupt;
use crate::wait::orphans::{self, End, Owned};
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::Shared;
use crate::wait::wait::wait;

/// The largest contents of a queue. `None` means no bound of the queue's own; the limit on queued bytes of
/// the queue's tree always applies. A queue bounded to 0 messages accepts none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The largest number of messages at a time.
    pub max_messages: Option<u32>,
    /// The largest number of payload bytes at a time.
    pub max_bytes: Option<u64>,
}

/// A reference to a queue, counted for its holder. Clones refer to the same queue.
///
/// ```
/// use isopod_sync::{Bounds, GetError, Message, Queue};
/// let queue = Queue::new(Bounds { max_messages: Some(1), max_bytes: None });
/// queue.put(Message::from_bytes("a"))?;
/// assert!(queue.try_put(Message::from_bytes("b")).is_err());
/// assert_eq!(queue.get()?.bytes, b"a");
/// assert!(matches!(queue.try_get(), Err(GetError::Empty)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Queue {
    reference: Reference<QueueObject>,
}

#[derive(Debug)]
pub(crate) struct QueueObject {
    base: Base,
    /// Whether the channel counts tasks. It stands here too, to be read without the mutex.
    joinable: bool,
    channel: Shared<Channel>,
}

object_methods!(Queue, QueueObject, Kind::Queue, "queue");

impl Queue {
    /// An empty queue of the embedder without bounds of its own.
    ///
    /// ```
    /// use isopod_sync::Queue;
    /// let queue = Queue::unbounded();
    /// queue.put("hello")?;
    /// assert_eq!(queue.get()?.bytes, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn unbounded() -> Self {
        Self::new(Bounds::default())
    }

    /// An empty queue of the embedder that holds `max_messages` messages at most.
    ///
    /// ```
    /// use isopod_sync::{PutError, Queue};
    /// let queue = Queue::bounded(1);
    /// queue.put("first")?;
    /// assert!(matches!(queue.try_put("second"), Err(PutError::Full(_))));
    /// # Ok::<(), isopod_sync::PutError>(())
    /// ```
    #[must_use]
    pub fn bounded(max_messages: u32) -> Self {
        Self::new(Bounds {
            max_messages: Some(max_messages),
            max_bytes: None,
        })
    }

    /// An empty queue of the embedder.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self::new_in(Tree::embedder(), Holder::Embedder, bounds)
    }

    /// An empty queue that belongs to `tree`, held by `holder`.
    #[must_use]
    pub fn new_in(tree: &Tree, holder: Holder, bounds: Bounds) -> Self {
        Self::from_channel(tree, holder, Self::empty_channel(tree, bounds), false)
    }

    /// An empty queue that counts tasks.
    pub(crate) fn new_joinable_in(tree: &Tree, holder: Holder, bounds: Bounds) -> Self {
        let mut channel = Self::empty_channel(tree, bounds);
        channel.make_joinable();
        Self::from_channel(tree, holder, channel, true)
    }

    fn empty_channel(tree: &Tree, bounds: Bounds) -> Channel {
        let capacity = Capacity {
            messages: bounds.max_messages.map_or(u64::MAX, u64::from),
            payload_bytes: bounds.max_bytes.unwrap_or(u64::MAX),
            one_larger: false,
        };
        Channel::new(tree, capacity)
    }

    fn from_channel(tree: &Tree, holder: Holder, channel: Channel, joinable: bool) -> Self {
        let object = Arc::new(QueueObject {
            base: Base::new(tree, holder, size_of::<QueueObject>()),
            joinable,
            channel: Shared::new(channel),
        });
        Self {
            reference: Reference::first(object, holder),
        }
    }

    /// Appends a message, and waits for room.
    ///
    /// # Errors
    /// As [`put_within`](Self::put_within), never `Full`.
    pub fn put(&self, message: impl Into<Message>) -> Result<(), PutError> {
        self.put_within(message, None)
    }

    /// Appends a message if there is room. Does not block.
    ///
    /// # Errors
    /// As [`put_within`](Self::put_within), never `Killed`.
    pub fn try_put(&self, message: impl Into<Message>) -> Result<(), PutError> {
        self.put_within(message, Some(Duration::ZERO))
    }

    /// Appends a message, and waits for room for at most `timeout`.
    ///
    /// # Errors
    /// As [`put_within`](Self::put_within).
    pub fn put_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), PutError> {
        self.put_within(message, Some(timeout))
    }

    /// Appends a message: waits for room for ever without a timeout, not at all if the timeout is zero.
    ///
    /// # Errors
    /// All give the message back with its handles. `Full` when the timeout passes; `Closed`; `TooLarge` at
    /// once if the message could never fit; `BudgetExceeded` at once if there is room but the tree's queued
    /// bytes are used up; `Killed`.
    pub fn put_within(
        &self,
        message: impl Into<Message>,
        timeout: Option<Duration>,
    ) -> Result<(), PutError> {
        let mut put = Put::new(message.into());
        match wait(&self.object().channel, self.subject(), &mut put, timeout) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refusal)) => Err(put_error(refusal, put.into_message())),
            Err(Interrupt::TimedOut) => Err(PutError::Full(put.into_message())),
            Err(Interrupt::Killed) => Err(PutError::Killed(put.into_message())),
        }
    }

    /// Appends a message, and waits for room as a task. Dropping the future drops the message.
    ///
    /// # Errors
    /// As [`put_within`](Self::put_within), never `Full` or `Killed`.
    pub async fn put_async(&self, message: impl Into<Message>) -> Result<(), PutError> {
        let mut put = Put::new(message.into());
        match Wait::new(&self.object().channel, &mut put).await {
            Ok(()) => Ok(()),
            Err(refusal) => Err(put_error(refusal, put.into_message())),
        }
    }

    /// Takes the oldest message, and waits until there is one.
    ///
    /// # Errors
    /// As [`get_within`](Self::get_within), never `Empty`.
    pub fn get(&self) -> Result<Message, GetError> {
        self.get_within(None)
    }

    /// Takes the oldest message if there is one. Does not block.
    ///
    /// # Errors
    /// As [`get_within`](Self::get_within), never `Killed`.
    pub fn try_get(&self) -> Result<Message, GetError> {
        self.get_within(Some(Duration::ZERO))
    }

    /// Takes the oldest message, and waits for one for at most `timeout`.
    ///
    /// # Errors
    /// As [`get_within`](Self::get_within).
    pub fn get_timeout(&self, timeout: Duration) -> Result<Message, GetError> {
        self.get_within(Some(timeout))
    }

    /// Takes the oldest message: waits for one for ever without a timeout, not at all if the timeout is
    /// zero. The holder of this reference becomes the holder of the message's handles.
    ///
    /// # Errors
    /// `Empty` when the timeout passes; `Closed` if the queue is closed and empty; `Killed`.
    pub fn get_within(&self, timeout: Option<Duration>) -> Result<Message, GetError> {
        let mut get = self.start_get();
        match wait(&self.object().channel, self.subject(), &mut get, timeout) {
            Ok(received) => self.received(&get, received),
            Err(Interrupt::TimedOut) => Err(GetError::Empty),
            Err(Interrupt::Killed) => Err(GetError::Killed),
        }
    }

    /// Takes the oldest message, and waits for one as a task. Dropping the future takes no message.
    ///
    /// # Errors
    /// `Closed` if the queue is closed and empty.
    pub async fn get_async(&self) -> Result<Message, GetError> {
        let mut get = self.start_get();
        let received = Wait::new(&self.object().channel, &mut get).await;
        self.received(&get, received)
    }

    /// The number of messages in the queue now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.object().channel.read(Channel::len)
    }

    /// Whether no message is in the queue now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a put of an empty message would wait now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.object().channel.read(Channel::is_full)
    }

    /// The number of payload bytes in the queue now.
    #[must_use]
    pub fn queued_bytes(&self) -> u64 {
        self.object().channel.read(Channel::payload_bytes)
    }

    /// Closes the queue for all parties: later and waiting puts fail with `Closed`; gets take the messages
    /// that are left and then fail with `Closed`. Does not block; closing twice is fine.
    pub fn close(&self) {
        self.object().channel.change(Channel::close);
    }

    /// Whether the queue is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.object().channel.read(Channel::is_closed)
    }

    /// Whether the queue is one of a [`JoinableQueue`](crate::JoinableQueue).
    #[must_use]
    pub fn is_joinable(&self) -> bool {
        self.object().joinable
    }

    pub(crate) fn channel(&self) -> &Shared<Channel> {
        &self.object().channel
    }

    fn start_get(&self) -> Get {
        let joinable = self.object().joinable;
        Get {
            taker: joinable.then(|| with_current(|waiter| waiter.party())),
            first_owed: false,
        }
    }

    fn received(&self, get: &Get, received: Result<Message, Drained>) -> Result<Message, GetError> {
        // A process that took a task through another party's reference may never drop a reference of its
        // own, so its debt is recorded at once.
        if get.first_owed
            && let Some(Party::Process(process)) = get.taker
            && self.reference.holder() != Holder::Process(process)
        {
            orphans::adopt(process, self.reference.object());
        }
        let mut message = received.map_err(|Drained| GetError::Closed)?;
        message.arrive(self.reference.holder());
        Ok(message)
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject {
            object: self.object_id(),
            kind: Kind::Queue,
        }
    }
}

impl<'a> From<&'a Queue> for Waitable<'a> {
    fn from(queue: &'a Queue) -> Self {
        Self::new(&queue.object().channel, queue.subject())
    }
}

fn put_error(refusal: Refusal, message: Message) -> PutError {
    match refusal {
        Refusal::Closed => PutError::Closed(message),
        Refusal::TooLarge { limit_bytes } => PutError::TooLarge {
            message,
            limit_bytes,
        },
        Refusal::OverBudget(OverBudget {
            queued_bytes,
            limit_bytes,
            ..
        }) => PutError::BudgetExceeded {
            message,
            queued_bytes,
            limit_bytes,
        },
    }
}

impl Owned for QueueObject {
    /// Finishes the tasks of the process, however it ended: a join must not wait for it.
    fn owner_ended(&self, process: ProcessId, _how: End) {
        self.channel
            .change(|channel| channel.tasks_mut().owner_ended(process));
    }
}

impl Object for QueueObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::Queue
    }

    fn process_let_go(self: Arc<Self>, process: ProcessId) {
        if self.joinable && self.channel.read(|channel| channel.tasks().owes(process)) {
            orphans::adopt(process, &self);
        }
    }

    /// The holders of references, and the parties that took a task without one: their end calls
    /// the task done.
    fn add_wakers(&self, wakers: &mut Wakers) {
        wakers.add_holders(&self.base().holders());
        self.channel
            .read(|channel| channel.tasks().add_debtors(wakers));
    }

    fn dismantle(&self) -> Vec<Message> {
        self.channel.change(|channel| {
            channel.close();
            channel.take_all()
        })
    }

    fn contained_references(&self) -> u64 {
        self.channel.read(Channel::references)
    }

    fn visit_contents(&self, visit: &mut dyn FnMut(&Arc<dyn Object>)) {
        self.channel.read(|channel| channel.visit_contents(visit));
    }
}
