//! The parts that all objects have in common: an identity, a tree, and a count of holders.
//!
//! Each reference to an object names its holder, and the object counts the references by kind of holder.
//! The counts decide when an object dies, which parties could still release a lock or feed a queue (for the
//! deadlock report), and which objects are garbage ([`collect`](crate::object::collect)). Operations on an
//! object never touch the counts; only making and dropping references does.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::collect::{self, Suspects};
use super::ids::{Holder, Holders, Kind, ObjectId};
use super::message::Message;
use super::trace::Look;
use super::tree::Tree;
use super::wakers::Wakers;
use crate::party::{Party, ProcessId};

/// The cost of an object besides its own size, in bytes: its place in the tree's table, its counts, the
/// notes of a trace about it, and the allocator's share for its alignment. A test measures it.
const OBJECT_OVERHEAD_BYTES: u64 = 448;

/// The largest combined charge for the objects that one operation makes, in bytes.
pub const LARGEST_OBJECT_BYTES: u64 = 8 << 10;

/// The consequences of a dropped reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Released {
    /// The process that held its last reference to the object.
    pub(crate) process: Option<ProcessId>,
    /// No holder has a reference to the object any more.
    pub(crate) last: bool,
    /// Only messages hold the object: it may be garbage.
    pub(crate) only_in_messages: bool,
}

#[derive(Debug, Default)]
struct Table {
    holders: Holders,
    /// Counts new references and references that left a message.
    moves: u64,
}

/// The part of an object that is the same for all kinds.
#[derive(Debug)]
pub(crate) struct Base {
    id: ObjectId,
    tree: Tree,
    /// The share of the object in the tree's limit on host memory.
    charged_bytes: u64,
    table: Mutex<Table>,
    /// Nobody can reach the object any more, and it is being emptied.
    is_garbage: AtomicBool,
}

impl Base {
    /// For an object with a first reference. `size_bytes` is the size of its type with its parts on the heap.
    pub(crate) fn new(tree: &Tree, holder: Holder, size_bytes: usize) -> Self {
        let charged_bytes = OBJECT_OVERHEAD_BYTES.saturating_add(size_bytes as u64);
        tree.charge_object(charged_bytes);
        let mut table = Table::default();
        table.holders.add(holder);
        Self {
            id: ObjectId::next(),
            tree: tree.clone(),
            charged_bytes,
            table: Mutex::new(table),
            is_garbage: AtomicBool::new(false),
        }
    }

    pub(crate) fn id(&self) -> ObjectId {
        self.id
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn holders(&self) -> Holders {
        self.table().holders.clone()
    }

    /// The collector has found that nobody can reach the object.
    pub(crate) fn mark_garbage(&self) {
        self.is_garbage.store(true, Ordering::Relaxed);
    }

    /// A hint: an object that is already emptied need not become a suspect again.
    pub(crate) fn is_garbage(&self) -> bool {
        self.is_garbage.load(Ordering::Relaxed)
    }

    pub(crate) fn look(&self) -> Look {
        let table = self.table();
        Look {
            is_root: table.holders.is_root(),
            messages: table.holders.messages,
            moves: table.moves,
        }
    }

    pub(crate) fn add(&self, holder: Holder) {
        let mut table = self.table();
        table.holders.add(holder);
        table.moves += 1;
    }

    pub(crate) fn release(&self, holder: Holder) -> Released {
        let mut table = self.table();
        let gone = table.holders.remove(holder);
        if holder == Holder::Message {
            table.moves += 1;
        }
        Released {
            process: match holder {
                Holder::Process(process) if gone => Some(process),
                _ => None,
            },
            last: table.holders.is_empty(),
            only_in_messages: table.holders.messages > 0 && !table.holders.is_root(),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        self.tree.forget(self.id);
        self.tree.credit_other(self.charged_bytes);
    }
}

/// An object of any kind.
pub(crate) trait Object: Any + Send + Sync {
    fn base(&self) -> &Base;

    fn kind(&self) -> Kind;

    /// Called when a process has dropped its last reference.
    fn process_let_go(self: Arc<Self>, _process: ProcessId) {}

    /// Called when nobody can reach the object any more, or only through itself. Closes it and returns its
    /// messages for the caller to drop. May be called more than once.
    fn dismantle(&self) -> Vec<Message>;

    /// The party that owns it, if objects of its kind have owners.
    fn owner(&self) -> Option<Party> {
        None
    }

    /// Adds the parties that could end a wait for it. May over-report, never under-report.
    fn add_wakers(&self, wakers: &mut Wakers) {
        wakers.add_holders(&self.base().holders());
    }

    /// The number of handles in the messages that a holder of this object can receive. Takes constant time.
    fn contained_references(&self) -> u64 {
        0
    }

    /// Calls `visit` with the object of each of these handles, under the mutex of this one.
    fn visit_contents(&self, _visit: &mut dyn FnMut(&Arc<dyn Object>)) {}
}

/// A reference that is counted for its holder. Typed objects hold one of their own kind, handles
/// hold one of any kind.
pub(crate) struct Reference<T: Object + ?Sized> {
    object: Arc<T>,
    holder: Holder,
    /// False once the count was given back before the drop.
    counted: bool,
}

impl<T: Object> Reference<T> {
    /// The first reference to a new object, whose [`Base`] counts it already.
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
            // The new reference comes first: the count must not touch zero, and a reader in between must
            // find the object held.
            let changed = self.hold_as(holder);
            drop(std::mem::replace(self, changed));
        }
    }

    /// Gives the count back. If it was the last one, returns the messages that the object held. Records the
    /// object as a suspect if it may now be garbage.
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
