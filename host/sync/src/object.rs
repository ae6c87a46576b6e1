//! What all objects have in common: an identity, a tree, and a count of who holds them.
//!
//! Each reference to an object says who holds it, and the object counts them by kind. From the
//! counts follow when an object dies, who could still release a lock or feed a queue (for the
//! deadlock report), and what is garbage ([`collect`](crate::collect)). Operations on an object
//! never touch the counts; making and dropping references does.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::message::Message;
use crate::party::{Party, ProcessId};
use crate::tree::Tree;
use crate::wakers::{Wakers, holders_are_wakers};

/// The number of an object, unique in the operating-system process and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(u64);

impl ObjectId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A [`Queue`](crate::Queue).
    Queue,
    /// One end of a pipe, a [`Connection`](crate::Connection).
    Connection,
    /// A [`Lock`](crate::Lock).
    Lock,
    /// An [`RLock`](crate::RLock).
    RLock,
    /// A [`Condition`](crate::Condition).
    Condition,
    /// A [`Barrier`](crate::Barrier).
    Barrier,
    /// A [`Semaphore`](crate::Semaphore).
    Semaphore,
    /// An [`Event`](crate::Event).
    Event,
    /// A [`SharedMemory`](crate::SharedMemory).
    SharedMemory,
    /// A [`Dict`](crate::Dict).
    Dict,
    /// A [`List`](crate::List).
    List,
    /// A process, or something else that ends once: a [`Completion`](crate::Completion).
    Process,
    /// The [`Jobs`](crate::Jobs) of a pool. No handle is of this kind.
    Pool,
    /// A [`Batch`](crate::Batch) of jobs. No handle is of this kind.
    Batch,
}

impl Kind {
    /// The name of the kind, as in the WIT.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Connection => "connection",
            Self::Lock => "lock",
            Self::RLock => "rlock",
            Self::Condition => "condition",
            Self::Barrier => "barrier",
            Self::Semaphore => "semaphore",
            Self::Event => "event",
            Self::SharedMemory => "shared-memory",
            Self::Dict => "dict",
            Self::List => "list",
            Self::Process => "process",
            Self::Pool => "pool",
            Self::Batch => "batch",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Who holds a reference to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A process.
    Process(ProcessId),
    /// A message: one in flight, or one that is stored in a dict or list.
    Message,
    /// The embedder.
    Embedder,
}

/// How many references each kind of holder has to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// References of the embedder.
    pub embedder: usize,
    /// References in messages.
    pub messages: usize,
    /// References of each process that has any, by ascending process.
    pub processes: Vec<(ProcessId, usize)>,
}

impl Holders {
    fn add(&mut self, holder: Holder) {
        match holder {
            Holder::Embedder => self.embedder += 1,
            Holder::Message => self.messages += 1,
            Holder::Process(process) => {
                match self
                    .processes
                    .binary_search_by_key(&process, |entry| entry.0)
                {
                    Ok(index) => {
                        if let Some(entry) = self.processes.get_mut(index) {
                            entry.1 += 1;
                        }
                    }
                    Err(index) => self.processes.insert(index, (process, 1)),
                }
            }
        }
    }

    /// Whether this was the last reference of a process.
    fn remove(&mut self, holder: Holder) -> bool {
        match holder {
            Holder::Embedder => self.embedder = self.embedder.saturating_sub(1),
            Holder::Message => self.messages = self.messages.saturating_sub(1),
            Holder::Process(process) => {
                let found = self
                    .processes
                    .binary_search_by_key(&process, |entry| entry.0);
                if let Ok(index) = found
                    && let Some(entry) = self.processes.get_mut(index)
                {
                    entry.1 = entry.1.saturating_sub(1);
                    if entry.1 == 0 {
                        self.processes.remove(index);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Whether somebody who acts holds the object, not only messages.
    pub(crate) fn is_root(&self) -> bool {
        self.embedder > 0 || !self.processes.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.messages == 0 && !self.is_root()
    }
}

/// The cost of an object besides its own size, in bytes: its place in the tree's table, its counts, the
/// notes of a trace about it, and the allocator's share for its alignment. A test measures it.
const OBJECT_OVERHEAD_BYTES: u64 = 448;

/// No operation makes objects that cost more than this together, in bytes.
pub const LARGEST_OBJECT_BYTES: u64 = 8 << 10;

/// What follows from a dropped reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Released {
    /// The process that holds no more of the object.
    pub(crate) process: Option<ProcessId>,
    /// Nobody holds any more of the object.
    pub(crate) last: bool,
    /// Only messages hold the object: it may be garbage.
    pub(crate) only_in_messages: bool,
}

/// The holders of an object as the collector sees them at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// A process or the embedder holds the object.
    pub(crate) is_root: bool,
    /// How many references to it are in messages.
    pub(crate) messages: usize,
    /// A number that differs whenever references went to or from messages. Any new reference may
    /// come from a message, by copying what a dict or list holds.
    pub(crate) moves: u64,
}

#[derive(Debug, Default)]
struct Table {
    holders: Holders,
    /// Counts the new references, and those that messages let go of.
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
    /// Nobody can reach it any more, and it is being emptied.
    is_garbage: AtomicBool,
}

impl Base {
    /// For an object with a first reference. Its type, with its parts on the heap, has `size_bytes` bytes.
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

    /// A hint: an object that is emptied already need not be suspected again.
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

    /// A process has dropped its last reference.
    fn process_let_go(self: Arc<Self>, _process: ProcessId) {}

    /// Nobody can reach the object any more, or only through itself: closes it, and gives what it
    /// held to the caller to drop. May be called more than once.
    fn dismantle(&self) -> Vec<Message>;

    /// Who owns it, if it is of a kind that is owned.
    fn owner(&self) -> Option<Party> {
        None
    }

    /// Adds who could end a wait for it; all of them, and rather too many than too few.
    fn add_wakers(&self, wakers: &mut Wakers) {
        holders_are_wakers(self, wakers);
    }

    /// The number of handles in the messages that a holder of this object can receive. Takes the same time
    /// however many there are.
    fn contained_references(&self) -> u64 {
        0
    }

    /// Calls `visit` with the object of each of these handles, under the mutex of this one.
    fn visit_contents(&self, _visit: &mut dyn FnMut(&Arc<dyn Object>)) {}
}
