//! A message that stays: what a dict or a list holds, read as copies.
//!
//! It is shared, so that a reader takes no more than a counter under the container's mutex and
//! copies bytes and handles after it, however many they are. While it is stored, and for as long as
//! it is being copied, it holds its handles as [`Holder::Message`].

use std::convert::Infallible;
use std::sync::Arc;

use crate::object::{Holder, Message, Object, Tree};
use crate::store::error::{Refusal, StoreError};

/// A message in a dict or a list. Clones are the same message.
#[derive(Clone, Debug)]
pub(crate) struct Stored(Arc<Message>);

impl Stored {
    /// A copy whose handles `holder` holds. To be made without the container's mutex.
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

    /// The message itself, taken out of its container, or a copy if somebody reads it just now.
    pub(crate) fn take_for(self, holder: Holder) -> Message {
        match Arc::try_unwrap(self.0) {
            Ok(mut message) => {
                message.arrive(holder);
                message
            }
            Err(shared) => Stored(shared).copy_for(holder),
        }
    }

    /// The message to drop, unless somebody reads it just now: then who reads it drops it.
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

    /// How many handles it has.
    pub(crate) fn references(&self) -> u64 {
        self.0.handles.len() as u64
    }

    pub(crate) fn visit_contents(&self, visit: &mut dyn FnMut(&Arc<dyn Object>)) {
        for handle in &self.0.handles {
            visit(handle.object());
        }
    }
}

/// Copies of all, if `admit` allows their cost. `holder` holds their handles.
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

/// The copies, which `any_size` has not refused.
pub(crate) fn admitted<T>(copied: Result<T, Infallible>) -> T {
    match copied {
        Ok(copied) => copied,
        Err(never) => match never {},
    }
}

/// A message that is to be stored. Until it is, it can be had back as it was.
#[derive(Debug)]
pub(crate) struct Incoming {
    stored: Stored,
    /// Who held the message's handles before.
    holders: Vec<Holder>,
}

impl Incoming {
    /// Takes the mutexes of other objects, so it is made before the container's is taken.
    pub(crate) fn new(mut message: Message) -> Self {
        let holders = message.embark();
        Self {
            stored: Stored(Arc::new(message)),
            holders,
        }
    }

    /// What the container keeps.
    pub(crate) fn stored(&self) -> Stored {
        self.stored.clone()
    }

    pub(crate) fn charged_bytes(&self) -> u64 {
        self.stored.charged_bytes()
    }

    pub(crate) fn references(&self) -> u64 {
        self.stored.references()
    }

    /// Who brought the message gets it back with the reason.
    pub(crate) fn reject(self, refusal: Refusal) -> StoreError<Message> {
        refusal.with(self.into_message())
    }

    /// The message that was not stored, as it was.
    pub(crate) fn into_message(self) -> Message {
        let mut message = self.stored.into_remains().unwrap_or_default();
        message.return_to(&self.holders);
        message
    }
}

/// Changes what the tree is charged from `old` to `new` bytes. Only growth can fail, and then
/// nothing is changed.
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
