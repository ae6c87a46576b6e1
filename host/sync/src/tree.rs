//! The objects that belong to one tree of processes, the memory of their queued and stored messages
//! and of shared memories, and the names of these.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crossbeam_utils::CachePadded;

use crate::collect;
use crate::object::{Object, ObjectId};

/// One tree of processes, as far as its objects are concerned. Clones are the same tree.
#[derive(Clone)]
pub struct Tree {
    inner: Arc<Inner>,
}

struct Inner {
    /// The key in the list of all trees.
    number: u64,
    queued_bytes_limit: u64,
    /// Written by every put and get of the tree: on a cache line of its own.
    queued_bytes: CachePadded<AtomicU64>,
    objects: Mutex<HashMap<ObjectId, Weak<dyn Object>>>,
    /// Of shared memories. An object that is gone has none, even if it is still found here.
    names: Mutex<HashMap<Box<str>, ObjectId>>,
}

/// The tree's queued messages would cost more than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// What they cost without the one that was refused, in bytes.
    pub queued_bytes: u64,
    /// The limit, in bytes.
    pub limit_bytes: u64,
}

/// Bytes that are charged to a tree until this is dropped. The default is no charge.
#[derive(Debug, Default)]
pub struct Charge {
    tree: Option<Tree>,
    bytes: u64,
}

impl Charge {
    /// Takes a part of it off, to be dropped by itself.
    pub(crate) fn split(&mut self, bytes: u64) -> Charge {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Charge {
            tree: self.tree.clone(),
            bytes,
        }
    }

    /// Makes the two one. They are of the same tree.
    pub(crate) fn merge(&mut self, mut other: Charge) {
        if self.tree.is_none() {
            *self = other;
        } else {
            self.bytes = self.bytes.saturating_add(std::mem::take(&mut other.bytes));
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some(tree) = &self.tree {
            tree.credit(self.bytes);
        }
    }
}

impl Tree {
    /// A tree whose queued messages ([`Message::charged_bytes`](crate::Message::charged_bytes)), those
    /// stored in dicts ([`Dict::charged_bytes`](crate::Dict::charged_bytes)) and lists, and shared
    /// memories (their size, in whole multiples of 8) may cost `queued_bytes_limit` bytes together.
    #[must_use]
    pub fn new(queued_bytes_limit: u64) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let inner = Arc::new(Inner {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            queued_bytes_limit,
            queued_bytes: CachePadded::new(AtomicU64::new(0)),
            objects: Mutex::new(HashMap::new()),
            names: Mutex::new(HashMap::new()),
        });
        trees().insert(inner.number, Arc::downgrade(&inner));
        Self { inner }
    }

    /// The tree of what the embedder makes; without a limit on queued bytes.
    #[must_use]
    pub fn embedder() -> &'static Self {
        static EMBEDDER: OnceLock<Tree> = OnceLock::new();
        EMBEDDER.get_or_init(|| Self::new(u64::MAX))
    }

    /// What the messages queued and stored now and the shared memories cost, in bytes.
    #[must_use]
    pub fn queued_bytes(&self) -> u64 {
        self.inner.queued_bytes.load(Ordering::Relaxed)
    }

    /// What they may cost, in bytes.
    #[must_use]
    pub fn queued_bytes_limit(&self) -> u64 {
        self.inner.queued_bytes_limit
    }

    /// How many objects of the tree exist.
    #[must_use]
    pub fn object_count(&self) -> usize {
        self.objects().len()
    }

    /// The tree's last process has ended, and its references are dropped. Empties the objects that
    /// nobody can reach any more: neither the embedder nor a process holds them, directly or
    /// through messages in objects that can be reached. Those of other trees and of the embedder
    /// are looked at too. Does not block; may be called again.
    pub fn end(&self) {
        collect::collect();
    }

    pub(crate) fn remember<T: Object>(&self, object: &Arc<T>) {
        let weak: Weak<dyn Object> = Arc::<T>::downgrade(object);
        self.objects().insert(object.base().id(), weak);
    }

    pub(crate) fn forget(&self, object: ObjectId) {
        let forgotten = self.objects().remove(&object);
        // Freeing memory is for outside the mutex.
        drop(forgotten);
    }

    /// The object of this name.
    pub(crate) fn find_named(&self, name: &str) -> Option<Arc<dyn Object>> {
        let object = *self.names().get(name)?;
        self.objects().get(&object).and_then(Weak::upgrade)
    }

    /// Gives the name to an object; false if another one has it.
    pub(crate) fn claim_name(&self, name: &str, object: ObjectId) -> bool {
        let mut names = self.names();
        let taken = names.get(name).is_some_and(|other| {
            let objects = self.objects();
            objects
                .get(other)
                .is_some_and(|other| other.strong_count() > 0)
        });
        if !taken {
            names.insert(name.into(), object);
        }
        !taken
    }

    /// Takes the name away from an object; false if it does not have it.
    pub(crate) fn free_name(&self, name: &str, object: ObjectId) -> bool {
        let mut names = self.names();
        let has_it = names.get(name) == Some(&object);
        if has_it {
            names.remove(name);
        }
        has_it
    }

    pub(crate) fn charge(&self, bytes: u64) -> Result<(), OverBudget> {
        let limit_bytes = self.inner.queued_bytes_limit;
        let add = |queued: u64| {
            queued
                .checked_add(bytes)
                .filter(|total| *total <= limit_bytes)
        };
        // Relaxed: the number guards no other memory.
        self.inner
            .queued_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .map(|_| ())
            .map_err(|queued_bytes| OverBudget {
                queued_bytes,
                limit_bytes,
            })
    }

    /// Counts bytes against the tree's limit, until what is handed back is dropped: those of a message
    /// that is kept outside of the tree's objects. Does not block.
    ///
    /// # Errors
    /// [`OverBudget`]; nothing is counted then.
    ///
    /// ```
    /// let tree = isopod_sync::Tree::new(100);
    /// let charge = tree.hold_charge(60);
    /// assert!(charge.is_ok() && tree.hold_charge(60).is_err());
    /// drop(charge);
    /// assert!(tree.hold_charge(60).is_ok());
    /// ```
    pub fn hold_charge(&self, bytes: u64) -> Result<Charge, OverBudget> {
        self.charge(bytes)?;
        Ok(Charge {
            tree: Some(self.clone()),
            bytes,
        })
    }

    pub(crate) fn credit(&self, bytes: u64) {
        self.inner.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn names(&self) -> MutexGuard<'_, HashMap<Box<str>, ObjectId>> {
        self.inner
            .names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn objects(&self) -> MutexGuard<'_, HashMap<ObjectId, Weak<dyn Object>>> {
        self.inner
            .objects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let forgotten = trees().remove(&self.number);
        drop(forgotten);
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tree")
            .field("queued_bytes", &self.queued_bytes())
            .field("queued_bytes_limit", &self.queued_bytes_limit())
            .field("objects", &self.object_count())
            .finish()
    }
}

/// The object of this number, of whatever tree, if it exists.
pub(crate) fn find_object(object: ObjectId) -> Option<Arc<dyn Object>> {
    let inners: Vec<Arc<Inner>> = trees().values().filter_map(Weak::upgrade).collect();
    inners.into_iter().find_map(|inner| {
        let tree = Tree { inner };
        // The mutex is free again before what was found can be dropped.
        tree.objects().get(&object).and_then(Weak::upgrade)
    })
}

/// All objects of all trees.
pub(crate) fn all_objects() -> Vec<Arc<dyn Object>> {
    let inners: Vec<Arc<Inner>> = trees().values().filter_map(Weak::upgrade).collect();
    let mut objects = Vec::new();
    for inner in inners {
        let tree = Tree { inner };
        objects.extend(tree.objects().values().filter_map(Weak::upgrade));
    }
    objects
}

fn trees() -> MutexGuard<'static, BTreeMap<u64, Weak<Inner>>> {
    static TREES: Mutex<BTreeMap<u64, Weak<Inner>>> = Mutex::new(BTreeMap::new());
    TREES.lock().unwrap_or_else(PoisonError::into_inner)
}
