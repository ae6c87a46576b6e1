//! Handles and messages: the values that can travel.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::object::{Holder, Holders, Kind, Object, ObjectId, Reference};

/// A reference to an object of any kind, counted for its holder. Cloning keeps the holder.
///
/// ```
/// use isopod_sync::{Bounds, Lock, Queue};
/// let handle = Queue::new(Bounds::default()).to_handle();
/// assert!(Queue::open(&handle).is_some());
/// assert!(Lock::open(&handle).is_none());
/// ```
#[derive(Clone)]
pub struct Handle {
    reference: Reference<dyn Object>,
}

impl Handle {
    pub(crate) fn new(reference: Reference<dyn Object>) -> Self {
        Self { reference }
    }

    /// Another handle to the same object, held by `holder`.
    #[must_use]
    pub fn hold_as(&self, holder: Holder) -> Self {
        Self::new(self.reference.hold_as(holder))
    }

    /// The holder of this handle.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.reference.holder()
    }

    /// The kind of the object.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.reference.object().kind()
    }

    /// The number of the object.
    #[must_use]
    pub fn object_id(&self) -> ObjectId {
        self.reference.object().base().id()
    }

    /// The current holders of the object, including this handle's.
    #[must_use]
    pub fn holders(&self) -> Holders {
        self.reference.object().base().holders()
    }

    /// The object as one of type `T`, with a reference for the same holder.
    pub(crate) fn open<T: Object>(&self) -> Option<Reference<T>> {
        let object: Arc<dyn Any + Send + Sync> = Arc::<dyn Object>::clone(self.reference.object());
        let object = object.downcast::<T>().ok()?;
        Some(Reference::new(object, self.reference.holder()))
    }

    pub(crate) fn object(&self) -> &Arc<dyn Object> {
        self.reference.object()
    }

    pub(crate) fn reference_mut(&mut self) -> &mut Reference<dyn Object> {
        &mut self.reference
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Handle")
            .field("kind", &self.kind())
            .field("object", &self.object_id())
            .field("holder", &self.holder())
            .finish()
    }
}

/// A message that travels through queues and pipes, and is stored in dicts and lists.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The payload.
    pub bytes: Vec<u8>,
    /// The objects that come with it. While the message travels, [`Holder::Message`] holds them, regardless
    /// of their previous holders. On arrival, the holder of the receiving queue or connection becomes their
    /// holder.
    pub handles: Vec<Handle>,
}

/// The charge for a queued or stored message besides its payload, in bytes: its place in a line that has
/// grown for twice as many messages, and the allocator's share of a payload of one byte. A test measures it.
pub(crate) const MESSAGE_OVERHEAD_BYTES: u64 = 160;
/// The charge for a handle in a queued message, in bytes, including the trace's notes about it.
const HANDLE_OVERHEAD_BYTES: u64 = 96;

impl Message {
    /// A message without handles.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            handles: Vec::new(),
        }
    }

    /// The length of the payload in bytes.
    #[must_use]
    pub fn payload_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The charge for the message to its tree's limit on queued bytes: its payload, 160 bytes, and 96
    /// bytes per handle.
    #[must_use]
    pub fn charged_bytes(&self) -> u64 {
        let handles = (self.handles.len() as u64).saturating_mul(HANDLE_OVERHEAD_BYTES);
        self.payload_bytes()
            .saturating_add(MESSAGE_OVERHEAD_BYTES)
            .saturating_add(handles)
    }

    /// A copy whose handles are held by `holder`.
    #[must_use]
    pub fn hold_as(&self, holder: Holder) -> Self {
        Self {
            bytes: self.bytes.clone(),
            handles: self
                .handles
                .iter()
                .map(|handle| handle.hold_as(holder))
                .collect(),
        }
    }

    /// Makes the message the holder of its handles and returns the previous holders. Must run before the
    /// object's mutex is taken, because it takes the mutexes of other objects.
    pub(crate) fn embark(&mut self) -> Vec<Holder> {
        let change = |handle: &mut Handle| {
            let holder = handle.holder();
            handle.reference.change_holder(Holder::Message);
            holder
        };
        self.handles.iter_mut().map(change).collect()
    }

    /// Undoes [`embark`](Self::embark).
    pub(crate) fn return_to(&mut self, holders: &[Holder]) {
        for (handle, holder) in self.handles.iter_mut().zip(holders) {
            handle.reference.change_holder(*holder);
        }
    }

    /// Makes the receiver the holder of the handles.
    pub fn arrive(&mut self, holder: Holder) {
        for handle in &mut self.handles {
            handle.reference.change_holder(holder);
        }
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Message {
        Message::from_bytes(bytes)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Message {
        Message::from_bytes(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(bytes: &[u8; N]) -> Message {
        Message::from_bytes(*bytes)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Message {
        Message::from_bytes(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Message {
        Message::from_bytes(text)
    }
}
