//! What all objects have in common: an identity, a tree, and a count of who holds them.
//!
//! Each reference to an object says who holds it, and the object counts them by kind. From the
//! counts follow when an object dies, who could still release a lock or feed a queue (for the
//! deadlock report), and what is garbage ([`collect`](crate::collect)). Operations on an object
//! never touch the counts; making and dropping references does.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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
            Holder::Message => {
                self.messages += 1;
                IN_MESSAGES.fetch_add(1, Ordering::Relaxed);
            }
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
            Holder::Message => {
                self.messages = self.messages.saturating_sub(1);
                IN_MESSAGES.fetch_sub(1, Ordering::Relaxed);
            }
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

/// References in messages, of all objects together. While it is zero nothing can be garbage.
static IN_MESSAGES: AtomicUsize = AtomicUsize::new(0);

/// How many references to any object are in messages now.
pub(crate) fn references_in_messages() -> usize {
    IN_MESSAGES.load(Ordering::SeqCst)
}

/// What follows from a dropped reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Released {
    /// The process that holds no more of the object.
    pub(crate) process: Option<ProcessId>,
    /// Nobody holds any more of the object.
    pub(crate) last: bool,
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
    table: Mutex<Table>,
}

impl Base {
    /// For an object with a first reference.
    pub(crate) fn new(tree: &Tree, holder: Holder) -> Self {
        let mut table = Table::default();
        table.holders.add(holder);
        Self {
            id: ObjectId::next(),
            tree: tree.clone(),
            table: Mutex::new(table),
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

    /// The counts, and a number that differs whenever references went to or from messages. Any new
    /// reference may come from a message, by copying what a dict or list holds.
    pub(crate) fn holders_and_moves(&self) -> (Holders, u64) {
        let table = self.table();
        (table.holders.clone(), table.moves)
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
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        self.tree.forget(self.id);
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

    /// Calls `visit` for each handle in the messages that whoever holds this object can receive.
    fn visit_contents(&self, visit: &mut dyn FnMut(ObjectId));
}
