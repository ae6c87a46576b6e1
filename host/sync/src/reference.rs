//! A counted reference to an object, and what happens when one is dropped.

use std::fmt;
use std::sync::Arc;

use crate::collect::{self, Suspects};
use crate::message::Message;
use crate::object::{Holder, Object};

/// A reference that is counted for its holder. Typed objects hold one of their own kind, handles
/// hold one of any kind.
pub(crate) struct Reference<T: Object + ?Sized> {
    object: Arc<T>,
    holder: Holder,
    /// False once the count was given back without this being dropped.
    counted: bool,
}

impl<T: Object> Reference<T> {
    /// The first reference to a new object, whose [`Base`](crate::object::Base) counts it already.
    pub(crate) fn first(object: Arc<T>, holder: Holder) -> Self {
        object.base().tree().remember(&object);
        Self {
            object,
            holder,
            counted: true,
        }
    }

    pub(crate) fn erase(&self) -> Reference<dyn Object> {
        let object: Arc<dyn Object> = Arc::<T>::clone(&self.object);
        Reference::new(object, self.holder)
    }
}

impl<T: Object + ?Sized> Reference<T> {
    pub(crate) fn new(object: Arc<T>, holder: Holder) -> Self {
        object.base().add(holder);
        Self {
            object,
            holder,
            counted: true,
        }
    }

    pub(crate) fn object(&self) -> &Arc<T> {
        &self.object
    }

    pub(crate) fn holder(&self) -> Holder {
        self.holder
    }

    pub(crate) fn hold_as(&self, holder: Holder) -> Self {
        Self::new(Arc::clone(&self.object), holder)
    }

    /// Changes the holder of this very reference.
    pub(crate) fn change_holder(&mut self, holder: Holder) {
        if holder != self.holder {
            // The new one first: the count must not touch zero, and whoever looks in between must
            // find the object held.
            let changed = self.hold_as(holder);
            drop(std::mem::replace(self, changed));
        }
    }

    /// Gives the count back, and hands over what the object held if that was the last one. Notes the
    /// object as a suspect if it may be garbage now.
    pub(crate) fn release(&mut self, suspects: &mut Suspects) -> Vec<Message> {
        if !std::mem::take(&mut self.counted) {
            return Vec::new();
        }
        let released = self.object.base().release(self.holder);
        if let Some(process) = released.process {
            Arc::clone(&self.object).process_let_go(process);
        }
        if released.last {
            return self.object.dismantle();
        }
        if released.only_in_messages {
            suspects.note(self.object.base());
        }
        Vec::new()
    }
}

impl<T: Object + ?Sized> Clone for Reference<T> {
    fn clone(&self) -> Self {
        self.hold_as(self.holder)
    }
}

impl<T: Object + ?Sized> Drop for Reference<T> {
    fn drop(&mut self) {
        let mut suspects = Suspects::default();
        let messages = self.release(&mut suspects);
        collect::drop_messages(messages, suspects);
    }
}

impl<T: Object + ?Sized> fmt::Debug for Reference<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reference")
            .field("kind", &self.object.kind())
            .field("object", &self.object.base().id())
            .field("holder", &self.holder)
            .finish()
    }
}
