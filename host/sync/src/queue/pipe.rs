//! Pipes: two counted ends that send whole messages to each other.
//!
//! Each end is an object of its own, with its own holders; the two directions lie between them.
//! When the last reference to an end is gone, the messages that it had sent can still be received, and the
//! messages sent to it are dropped.

use std::sync::Arc;
use std::time::Duration;

use crate::object::methods::object_methods;
use crate::object::{
    Base, Holder, Kind, Message, Object, ObjectId, OverBudget, Reference, Tree, Wakers,
};
use crate::queue::channel::{Capacity, Channel, Drained, Get, Poll, Put, Refusal};
use crate::queue::error::{RecvError, SendError};
use crate::wait::any::Waitable;
use crate::wait::interrupt::Interrupt;
use crate::wait::record::Subject;
use crate::wait::registration::Wait;
use crate::wait::shared::Shared;
use crate::wait::wait::wait;

/// The payload bytes that each direction of a pipe holds, unless one larger message is alone in it.
pub const PIPE_CAPACITY_BYTES: u64 = 64 * 1024;
/// The number of messages that each direction of a pipe holds.
pub const PIPE_CAPACITY_MESSAGES: u64 = 1024;

/// The allocator's share for the alignment of a channel, in bytes.
const CHANNEL_OVERHEAD_BYTES: usize = 160;

/// Makes a pipe of the embedder. If it is not duplex, the first end only receives and the second only sends.
#[must_use]
pub fn pipe(duplex: bool) -> (Connection, Connection) {
    pipe_in(Tree::embedder(), Holder::Embedder, duplex)
}

/// Makes a pipe that belongs to `tree`, with both ends held by `holder`.
#[must_use]
pub fn pipe_in(tree: &Tree, holder: Holder, duplex: bool) -> (Connection, Connection) {
    let backward = direction(tree);
    let forward = duplex.then(|| direction(tree));
    // Each end is charged for the channel that it receives from.
    let size_bytes = size_of::<EndObject>() + size_of::<Shared<Channel>>() + CHANNEL_OVERHEAD_BYTES;
    let first_base = Base::new(tree, holder, size_bytes);
    let second_base = Base::new(tree, holder, size_bytes);
    let (first_id, second_id) = (first_base.id(), second_base.id());
    let first = EndObject {
        base: first_base,
        peer: second_id,
        receives: Some(Arc::clone(&backward)),
        sends: forward.clone(),
    };
    let second = EndObject {
        base: second_base,
        peer: first_id,
        receives: forward,
        sends: Some(backward),
    };
    let connection = |end| Connection {
        reference: Reference::first(Arc::new(end), holder),
    };
    (connection(first), connection(second))
}

fn direction(tree: &Tree) -> Arc<Shared<Channel>> {
    let capacity = Capacity {
        messages: PIPE_CAPACITY_MESSAGES,
        payload_bytes: PIPE_CAPACITY_BYTES,
        one_larger: true,
    };
    Arc::new(Shared::new(Channel::new(tree, capacity)))
}

/// A reference to one end of a pipe, counted for its holder. Clones refer to the same end.
///
/// ```
/// use isopod_sync::{Message, pipe};
/// let (left, right) = pipe(true);
/// left.send(Message::from_bytes("ping"))?;
/// assert_eq!(right.recv()?.bytes, b"ping");
/// drop(left);
/// assert!(right.recv().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    reference: Reference<EndObject>,
}

#[derive(Debug)]
pub(crate) struct EndObject {
    base: Base,
    peer: ObjectId,
    receives: Option<Arc<Shared<Channel>>>,
    sends: Option<Arc<Shared<Channel>>>,
}

object_methods!(Connection, EndObject, Kind::Connection, "end of a pipe");

impl Connection {
    /// The number of the other end.
    #[must_use]
    pub fn peer_id(&self) -> ObjectId {
        self.object().peer
    }

    /// Whether this end can receive.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.object().receives.is_some()
    }

    /// Whether this end can send.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.object().sends.is_some()
    }

    /// Sends a message, and waits for room.
    ///
    /// # Errors
    /// As [`send_within`](Self::send_within), never `TimedOut`.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.send_within(message, None)
    }

    /// Sends a message if there is room. Does not block.
    ///
    /// # Errors
    /// As [`send_within`](Self::send_within), never `Killed`.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.send_within(message, Some(Duration::ZERO))
    }

    /// Sends a message, and waits for room for at most `timeout`.
    ///
    /// # Errors
    /// As [`send_within`](Self::send_within).
    pub fn send_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), SendError> {
        self.send_within(message, Some(timeout))
    }

    /// Sends a message: waits for room for ever without a timeout, not at all if the timeout is zero.
    ///
    /// # Errors
    /// All give the message back with its handles. `TimedOut`; `BrokenPipe` if the other end is gone;
    /// `ReadOnly`; `TooLarge` at once if the tree's queued bytes could never hold it; `BudgetExceeded` at
    /// once if they are used up; `Killed`.
    pub fn send_within(
        &self,
        message: impl Into<Message>,
        timeout: Option<Duration>,
    ) -> Result<(), SendError> {
        let message = message.into();
        let Some(channel) = &self.object().sends else {
            return Err(SendError::ReadOnly(message));
        };
        let mut put = Put::new(message);
        match wait(channel, self.subject(), &mut put, timeout) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refusal)) => Err(send_error(refusal, put.into_message())),
            Err(Interrupt::TimedOut) => Err(SendError::TimedOut(put.into_message())),
            Err(Interrupt::Killed) => Err(SendError::Killed(put.into_message())),
        }
    }

    /// Sends a message, and waits for room as a task. Dropping the future drops the message.
    ///
    /// # Errors
    /// As [`send_within`](Self::send_within), never `TimedOut` or `Killed`.
    pub async fn send_async(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        let Some(channel) = &self.object().sends else {
            return Err(SendError::ReadOnly(message));
        };
        let mut put = Put::new(message);
        match Wait::new(channel, &mut put).await {
            Ok(()) => Ok(()),
            Err(refusal) => Err(send_error(refusal, put.into_message())),
        }
    }

    /// Takes the next message, and waits until there is one.
    ///
    /// # Errors
    /// As [`recv_within`](Self::recv_within), never `TimedOut`.
    pub fn recv(&self) -> Result<Message, RecvError> {
        self.recv_within(None)
    }

    /// Takes the next message if there is one. Does not block.
    ///
    /// # Errors
    /// As [`recv_within`](Self::recv_within), never `Killed`.
    pub fn try_recv(&self) -> Result<Message, RecvError> {
        self.recv_within(Some(Duration::ZERO))
    }

    /// Takes the next message, and waits for one for at most `timeout`.
    ///
    /// # Errors
    /// As [`recv_within`](Self::recv_within).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Message, RecvError> {
        self.recv_within(Some(timeout))
    }

    /// Takes the next message: waits for one for ever without a timeout, not at all if the timeout is zero.
    /// The holder of this reference becomes the holder of the message's handles.
    ///
    /// # Errors
    /// `TimedOut`; `EndOfFile` if the other end is gone and all its messages were
    /// received; `WriteOnly`; `Killed`.
    pub fn recv_within(&self, timeout: Option<Duration>) -> Result<Message, RecvError> {
        let channel = self
            .object()
            .receives
            .as_ref()
            .ok_or(RecvError::WriteOnly)?;
        match wait(channel, self.subject(), &mut Get::default(), timeout) {
            Ok(received) => self.received(received),
            Err(interrupt) => Err(recv_error(interrupt)),
        }
    }

    /// Takes the next message, and waits for one as a task. Dropping the future takes no message.
    ///
    /// # Errors
    /// As [`recv_within`](Self::recv_within), never `TimedOut` or `Killed`.
    pub async fn recv_async(&self) -> Result<Message, RecvError> {
        let channel = self
            .object()
            .receives
            .as_ref()
            .ok_or(RecvError::WriteOnly)?;
        let received = Wait::new(channel, &mut Get::default()).await;
        self.received(received)
    }

    /// Waits until `recv` would not wait, for at most `timeout`. Returns true for a message or the end of
    /// the file, false when the timeout passes.
    ///
    /// # Errors
    /// `WriteOnly`; `Killed`.
    pub fn poll(&self, timeout: Option<Duration>) -> Result<bool, RecvError> {
        let channel = self
            .object()
            .receives
            .as_ref()
            .ok_or(RecvError::WriteOnly)?;
        match wait(channel, self.subject(), &mut Poll, timeout) {
            Ok(()) => Ok(true),
            Err(Interrupt::TimedOut) => Ok(false),
            Err(Interrupt::Killed) => Err(RecvError::Killed),
        }
    }

    /// Waits as a task until `recv` would not wait.
    ///
    /// # Errors
    /// `WriteOnly`.
    pub async fn poll_async(&self) -> Result<(), RecvError> {
        let channel = self
            .object()
            .receives
            .as_ref()
            .ok_or(RecvError::WriteOnly)?;
        Wait::new(channel, &mut Poll).await;
        Ok(())
    }

    fn received(&self, received: Result<Message, Drained>) -> Result<Message, RecvError> {
        let mut message = received.map_err(|Drained| RecvError::EndOfFile)?;
        message.arrive(self.reference.holder());
        Ok(message)
    }

    fn subject(&self) -> Subject {
        Subject {
            object: self.object_id(),
            kind: Kind::Connection,
        }
    }
}

/// Fails with [`RecvError::WriteOnly`] for an end that only sends.
impl<'a> TryFrom<&'a Connection> for Waitable<'a> {
    type Error = RecvError;

    fn try_from(connection: &'a Connection) -> Result<Self, RecvError> {
        let receives = connection.object().receives.as_deref();
        let channel = receives.ok_or(RecvError::WriteOnly)?;
        Ok(Self::new(channel, connection.subject()))
    }
}

fn send_error(refusal: Refusal, message: Message) -> SendError {
    match refusal {
        Refusal::Closed => SendError::BrokenPipe(message),
        Refusal::TooLarge { limit_bytes } => SendError::TooLarge {
            message,
            limit_bytes,
        },
        Refusal::OverBudget(OverBudget {
            queued_bytes,
            limit_bytes,
            ..
        }) => SendError::BudgetExceeded {
            message,
            queued_bytes,
            limit_bytes,
        },
    }
}

fn recv_error(interrupt: Interrupt) -> RecvError {
    match interrupt {
        Interrupt::TimedOut => RecvError::TimedOut,
        Interrupt::Killed => RecvError::Killed,
    }
}

impl Object for EndObject {
    fn base(&self) -> &Base {
        &self.base
    }

    fn kind(&self) -> Kind {
        Kind::Connection
    }

    /// The holders of the other end: this end's other holders cannot end a wait at it.
    fn add_wakers(&self, wakers: &mut Wakers) {
        wakers.add_holders_of(self.peer);
    }

    fn dismantle(&self) -> Vec<Message> {
        // The channel that this end receives from is closed first: if the peer has read to the end of the
        // file, its writes then fail too.
        let unread = self.receives.as_ref().map_or_else(Vec::new, |receives| {
            receives.change(|channel| {
                channel.close();
                channel.take_all()
            })
        });
        if let Some(sends) = &self.sends {
            sends.change(Channel::close);
        }
        unread
    }

    fn contained_references(&self) -> u64 {
        let receives = self.receives.as_ref();
        receives.map_or(0, |receives| receives.read(Channel::references))
    }

    fn visit_contents(&self, visit: &mut dyn FnMut(&Arc<dyn Object>)) {
        if let Some(receives) = &self.receives {
            receives.read(|channel| channel.visit_contents(visit));
        }
    }
}
