//! The identity of an object: its number, its kind, its holders.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::party::ProcessId;

/// The number of an object, unique in the operating-system process and never reused.
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
    /// A process, or another thing that ends once: a [`Completion`](crate::Completion).
    Process,
    /// The [`Jobs`](crate::Jobs) of a pool. No handle is of this kind.
    Pool,
    /// A [`Batch`](crate::Batch) of jobs. No handle is of this kind.
    Batch,
}

impl Kind {
    /// The name of the kind, as it stands in the WIT.
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

/// The holder of a reference to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A process.
    Process(ProcessId),
    /// A message: one in flight, or one that is stored in a dict or list.
    Message,
    /// The embedder.
    Embedder,
}

/// The number of references to an object, by kind of holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// References of the embedder.
    pub embedder: usize,
    /// References in messages.
    pub messages: usize,
    /// References of each process that has any, in ascending order of the processes.
    pub processes: Vec<(ProcessId, usize)>,
}

impl Holders {
    pub(super) fn add(&mut self, holder: Holder) {
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

    /// Removes a reference. Returns whether it was the last one of a process.
    pub(super) fn remove(&mut self, holder: Holder) -> bool {
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

    /// Whether a party that acts holds the object, not only messages.
    pub(crate) fn is_root(&self) -> bool {
        self.embedder > 0 || !self.processes.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages == 0 && !self.is_root()
    }
}
