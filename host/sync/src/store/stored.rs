//! A message that stays: a value in a dict or an element of a list, read as copies.
//!
//! It is shared. A reader only raises a counter under the container's mutex, and copies bytes and handles
//! after it, however many there are. While the message is stored, and while it is being copied,
//! [`Holder::Message`] holds its handles.

use std::convert::Infallible;
use std::sync::Arc;

use crate::object::{Holder, Message, Object, Tree};
use crate::store::error::{Refusal, StoreError};

/// A message in a dict or a list. Clones are the same message.
#[derive(Clone, Debug)]
pub(crate) struct Stored(Arc<Message>);

impl Stored {
    /// A copy whose handles `holder` holds. Must be made outside the container's mutex.
    pub(crate) fn copy_for(&self, holder: Holder) -> Message {
        Message {
            bytes: self.0.bytes.clone(),
            handles: self
                .0
                .handles
                .iter()
                .map(|handle| handle.hold_as(holder))
                .collect(),
        }
    }

    /// The message itself, taken out of its container, or a copy if another reader is reading it.
    pub(crate) fn take_for(self, holder: Holder) -> Message {
        match Arc::try_unwrap(self.0) {
            Ok(mut message) => {
                message.arrive(holder);
                message
            }
            Err(shared) => Stored(shared).copy_for(holder),
        }
    }

    /// The message to drop, unless another reader is reading it: then that reader drops it.
    pub(crate) fn into_remains(self) -> Option<Message> {
        Arc::into_inner(self.0)
    }

    /// Whether it has the same bytes, and handles to the same objects.
    pub(crate) fn is_same(&self, other: &Message) -> bool {
        let (own, others) = (&self.0.handles, &other.handles);
        self.0.bytes == other.bytes
            && own.len() == others.len()
            && own
                .iter()
                .zip(others)
                .all(|(own, other)| own.object_id() == other.object_id())
    }

    pub(crate) fn charged_bytes(&self) -> u64 {
        self.0.charged_bytes()
    }

    /// The number of its handles.
    pub(crate) fn references(&self) -> u64 {
        self.0.handles.len() as u64
    }

    pub(crate) fn visit_contents(&self, visit: &mut dyn FnMut(&Arc<dyn Object>)) {
        for handle in &self.0.handles {
            visit(handle.object());
        }
    }
}

/// Copies of all messages, if `admit` allows their cost. `holder` holds their handles.
pub(crate) fn copy_all<E>(
    stored: &[Stored],
    holder: Holder,
    admit: impl FnOnce(u64) -> Result<(), E>,
) -> Result<Vec<Message>, E> {
    admit(stored.iter().map(Stored::charged_bytes).sum())?;
    Ok(stored
        .iter()
        .map(|stored| stored.copy_for(holder))
        .collect())
}

/// Admits copies of any size.
pub(crate) fn any_size(_bytes: u64) -> Result<(), Infallible> {
    Ok(())
}

/// Unwraps copies, which `any_size` has not refused.
pub(crate) fn admitted<T>(copied: Result<T, Infallible>) -> T {
    match copied {
        Ok(copied) => copied,
        Err(never) => match never {},
    }
}

/// A message to be stored. Until it is stored, it can be returned unchanged.
#[derive(Debug)]
pub(crate) struct Incoming {
    stored: Stored,
    /// The previous holders of the message's handles.
    holders: Vec<Holder>,
}

impl Incoming {
    /// Takes the mutexes of other objects, so it must run before the container's mutex is taken.
    pub(crate) fn new(mut message: Message) -> Self {
        let holders = message.embark();
        Self {
            stored: Stored(Arc::new(message)),
            holders,
        }
    }

    /// The message for the container to keep.
    pub(crate) fn stored(&self) -> Stored {
        self.stored.clone()
    }

    pub(crate) fn charged_bytes(&self) -> u64 {
        self.stored.charged_bytes()
    }

    pub(crate) fn references(&self) -> u64 {
        self.stored.references()
    }

    /// Gives the message back to the caller with the reason.
    pub(crate) fn reject(self, refusal: Refusal) -> StoreError<Message> {
        refusal.with(self.into_message())
    }

    /// The message that was not stored, with its handles held as before.
    pub(crate) fn into_message(self) -> Message {
        let mut message = self.stored.into_remains().unwrap_or_default();
        message.return_to(&self.holders);
        message
    }
}

/// Changes the tree's charge from `old` to `new` bytes. Only growth can fail, and then nothing is changed.
pub(crate) fn recharge(tree: &Tree, old: u64, new: u64) -> Result<(), Refusal> {
    match new.checked_sub(old) {
        Some(more) => tree.charge(more).map_err(|over| Refusal::BudgetExceeded {
            charged_bytes: new,
            queued_bytes: over.queued_bytes,
            limit_bytes: over.limit_bytes,
        }),
        None => {
            tree.credit(old - new);
            Ok(())
        }
    }
}
