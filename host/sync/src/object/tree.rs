//! The objects that belong to one tree of processes, the names of shared memories, and the account of
//! the host's memory that the tree takes.
//!
//! # The account
//! The account is two numbers on one cache line. The first number is for *queued* bytes: messages in queues,
//! pipes and pools, contents of dicts and lists, shared memories. It has a limit of its own. The
//! second number is for everything else that the host keeps for the tree: objects, and the charges of the
//! runtime. The limit on host memory is for the sum. A charge raises its number first and reads the other
//! number then. So of two charges at the same moment at least one sees the other, and is taken back if
//! the sum is too large. A message costs one atomic addition, as it would without the account.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crossbeam_utils::CachePadded;

use crate::object::{Object, ObjectId, collect};

/// The objects of one tree of processes. Clones are the same tree.
#[derive(Clone)]
pub struct Tree {
    inner: Arc<Inner>,
}

struct Inner {
    /// The key in the list of all trees.
    number: u64,
    queued_bytes_limit: u64,
    host_bytes_limit: u64,
    /// The tree has no processes any more, or never had any.
    is_over: AtomicBool,
    /// Every put and get of the tree writes these, so they have a cache line of their own.
    counts: CachePadded<Counts>,
    /// The highest sum of both numbers.
    most_host_bytes: AtomicU64,
    objects: Mutex<HashMap<ObjectId, Weak<dyn Object>>>,
    /// The names of shared memories. An object that is gone has no name, even if it still has an entry here.
    names: Mutex<HashMap<Box<str>, ObjectId>>,
}

#[derive(Debug, Default)]
struct Counts {
    queued_bytes: AtomicU64,
    other_bytes: AtomicU64,
}

/// The tree would use more than its limit on queued bytes, or more than that on host memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// The bytes in use, without the refused ones.
    pub queued_bytes: u64,
    /// The refused bytes.
    pub charged_bytes: u64,
    /// The exceeded limit, in bytes: the one on queued bytes, or [`Tree::host_bytes_limit`].
    pub limit_bytes: u64,
}

/// Bytes that are charged to a tree until this is dropped. The default is no charge.
#[derive(Debug, Default)]
pub struct Charge {
    tree: Option<Tree>,
    bytes: u64,
    /// The bytes count in the second number, not as queued.
    is_other: bool,
}

impl Charge {
    /// Splits off a part of the charge, which is then dropped on its own.
    pub(crate) fn split(&mut self, bytes: u64) -> Charge {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Charge {
            tree: self.tree.clone(),
            bytes,
            is_other: self.is_other,
        }
    }

    /// Adds another charge of the same tree and kind.
    pub fn merge(&mut self, mut other: Charge) {
        if self.tree.is_none() {
            *self = other;
        } else {
            self.bytes = self.bytes.saturating_add(std::mem::take(&mut other.bytes));
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        match &self.tree {
            Some(tree) if self.is_other => tree.credit_other(self.bytes),
            Some(tree) => tree.credit(self.bytes),
            None => {}
        }
    }
}

impl Tree {
    /// A tree whose queued messages ([`Message::charged_bytes`](crate::Message::charged_bytes)), those
    /// stored in dicts ([`Dict::charged_bytes`](crate::Dict::charged_bytes)) and lists, and shared
    /// memories (their size, in whole multiples of 8) may cost `queued_bytes_limit` bytes together.
    #[must_use]
    pub fn new(queued_bytes_limit: u64) -> Self {
        Self::with_limits(queued_bytes_limit, u64::MAX)
    }

    /// Like [`new`](Self::new), with a second limit: all bytes that the host keeps for the tree, including
    /// the queued ones, may be at most `host_bytes_limit`.
    #[must_use]
    pub fn with_limits(queued_bytes_limit: u64, host_bytes_limit: u64) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let inner = Arc::new(Inner {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            queued_bytes_limit,
            host_bytes_limit,
            is_over: AtomicBool::new(false),
            counts: CachePadded::default(),
            most_host_bytes: AtomicU64::new(0),
            objects: Mutex::new(HashMap::new()),
            names: Mutex::new(HashMap::new()),
        });
        trees().insert(inner.number, Arc::downgrade(&inner));
        Self { inner }
    }

    /// The tree of the embedder's own objects, without a limit on queued bytes.
    #[must_use]
    pub fn embedder() -> &'static Self {
        static EMBEDDER: OnceLock<Tree> = OnceLock::new();
        EMBEDDER.get_or_init(|| {
            let tree = Self::new(u64::MAX);
            tree.inner.is_over.store(true, Ordering::Relaxed);
            tree
        })
    }

    /// The charge for all queued and stored messages and for the shared memories now, in bytes.
    #[must_use]
    pub fn queued_bytes(&self) -> u64 {
        self.inner.counts.queued_bytes.load(Ordering::Relaxed)
    }

    /// The bytes that the host keeps for the tree now: queued bytes, objects, and the
    /// [charges](Self::hold_host_charge) of the embedder.
    #[must_use]
    pub fn host_bytes(&self) -> u64 {
        let other_bytes = self.inner.counts.other_bytes.load(Ordering::Relaxed);
        self.queued_bytes().saturating_add(other_bytes)
    }

    /// The highest value of [`host_bytes`](Self::host_bytes) so far, to within 1 MiB, or 4 KiB for
    /// values below that.
    #[must_use]
    pub fn most_host_bytes(&self) -> u64 {
        self.inner.most_host_bytes.load(Ordering::Relaxed)
    }

    /// The limit on [`host_bytes`](Self::host_bytes).
    #[must_use]
    pub fn host_bytes_limit(&self) -> u64 {
        self.inner.host_bytes_limit
    }

    /// The limit on [`queued_bytes`](Self::queued_bytes), in bytes.
    #[must_use]
    pub fn queued_bytes_limit(&self) -> u64 {
        self.inner.queued_bytes_limit
    }

    /// The number of objects of the tree.
    #[must_use]
    pub fn object_count(&self) -> usize {
        self.objects().len()
    }

    /// Ends the tree: its last process has ended, and its references are dropped. Empties the objects that
    /// nobody can reach any more: neither the embedder nor a process holds them, directly or through
    /// messages in reachable objects. Other objects are emptied once nobody can reach them. Takes time in
    /// proportion to the contents of the tree. Does not block; may be called again.
    pub fn end(&self) {
        // Before the first look at a holder: see `collect`.
        self.inner.is_over.store(true, Ordering::SeqCst);
        collect::end(self);
    }

    /// Whether objects of the tree that only messages hold can already be garbage.
    pub(crate) fn is_over(&self) -> bool {
        self.inner.is_over.load(Ordering::SeqCst)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn find(&self, object: ObjectId) -> Option<Arc<dyn Object>> {
        self.objects().get(&object).and_then(Weak::upgrade)
    }

    /// All objects of the tree.
    pub(crate) fn all(&self) -> Vec<Arc<dyn Object>> {
        self.objects().values().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn remember<T: Object>(&self, object: &Arc<T>) {
        let weak: Weak<dyn Object> = Arc::<T>::downgrade(object);
        self.objects().insert(object.base().id(), weak);
    }

    pub(crate) fn forget(&self, object: ObjectId) {
        let forgotten = self.objects().remove(&object);
        // Memory is freed outside the mutex.
        drop(forgotten);
    }

    /// The object with this name.
    pub(crate) fn find_named(&self, name: &str) -> Option<Arc<dyn Object>> {
        let object = *self.names().get(name)?;
        self.objects().get(&object).and_then(Weak::upgrade)
    }

    /// Gives the name to an object. Returns false if another object has it.
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

    /// Takes the name away from an object. Returns false if the object does not have it.
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
        let counts = &self.inner.counts;
        // Sequentially consistent, because the other number is read after it; it guards no other memory.
        let before = counts
            .queued_bytes
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, add)
            .map_err(|queued_bytes| OverBudget {
                queued_bytes,
                charged_bytes: bytes,
                limit_bytes,
            })?;
        self.check_host_bytes(before, bytes)
            .inspect_err(|_| self.credit(bytes))
    }

    fn charge_other(&self, bytes: u64) -> Result<(), OverBudget> {
        let limit_bytes = self.inner.host_bytes_limit;
        let add = |other: u64| {
            other
                .checked_add(bytes)
                .filter(|total| *total <= limit_bytes)
        };
        let other_bytes = &self.inner.counts.other_bytes;
        let before = other_bytes
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, add)
            .map_err(|_| OverBudget {
                queued_bytes: self.host_bytes(),
                charged_bytes: bytes,
                limit_bytes,
            })?;
        self.check_host_bytes(before, bytes)
            .inspect_err(|_| self.credit_other(bytes))
    }

    /// Counts the bytes of an object that already exists, regardless of the limit.
    pub(crate) fn charge_object(&self, bytes: u64) {
        let other_bytes = &self.inner.counts.other_bytes;
        let before = other_bytes.fetch_add(bytes, Ordering::SeqCst);
        self.note_most(before, bytes, self.host_bytes());
    }

    pub(crate) fn credit_other(&self, bytes: u64) {
        let other_bytes = &self.inner.counts.other_bytes;
        other_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Records the total if the raised number has passed a multiple of 1 MiB, or of 4 KiB below 1 MiB.
    fn note_most(&self, before: u64, bytes: u64, total: u64) {
        let after = before.saturating_add(bytes);
        let is_small = after >> 20 == 0;
        if (before ^ after) >> if is_small { 12 } else { 20 } != 0 {
            let most = &self.inner.most_host_bytes;
            // The load comes first: usually a higher total is already recorded, and an exchange costs more.
            if most.load(Ordering::Relaxed) < total {
                most.fetch_max(total, Ordering::Relaxed);
            }
        }
    }

    /// Checks that both numbers together are within the limit, after `bytes` were added to one of them.
    fn check_host_bytes(&self, before: u64, bytes: u64) -> Result<(), OverBudget> {
        let counts = &self.inner.counts;
        let limit_bytes = self.inner.host_bytes_limit;
        let queued_bytes = counts.queued_bytes.load(Ordering::SeqCst);
        let total = queued_bytes.saturating_add(counts.other_bytes.load(Ordering::SeqCst));
        if total > limit_bytes {
            return Err(OverBudget {
                queued_bytes: total.saturating_sub(bytes),
                charged_bytes: bytes,
                limit_bytes,
            });
        }
        self.note_most(before, bytes, total);
        Ok(())
    }

    /// Checks that this many bytes would fit within the limit on host memory now. Does not block. The
    /// runtime calls this before it makes an object for a process, because making an object charges it
    /// without a check.
    ///
    /// # Errors
    /// [`OverBudget`].
    ///
    /// ```
    /// use isopod_sync::{LARGEST_OBJECT_BYTES, Tree};
    /// let tree = Tree::with_limits(u64::MAX, 100_000);
    /// assert!(tree.check_room(LARGEST_OBJECT_BYTES).is_ok());
    /// assert!(tree.check_room(100_001).is_err());
    /// ```
    pub fn check_room(&self, bytes: u64) -> Result<(), OverBudget> {
        let limit_bytes = self.inner.host_bytes_limit;
        let queued_bytes = self.host_bytes();
        match queued_bytes.saturating_add(bytes) <= limit_bytes {
            true => Ok(()),
            false => Err(OverBudget {
                queued_bytes,
                charged_bytes: bytes,
                limit_bytes,
            }),
        }
    }

    /// Counts bytes that the embedder keeps for the tree against the limit on host memory, until the
    /// charge is dropped. They do not count as queued. Does not block.
    ///
    /// # Errors
    /// [`OverBudget`]; then nothing is counted.
    ///
    /// ```
    /// let tree = isopod_sync::Tree::with_limits(u64::MAX, 100);
    /// let charge = tree.hold_host_charge(60);
    /// assert!(charge.is_ok() && tree.hold_host_charge(60).is_err());
    /// assert_eq!((tree.host_bytes(), tree.queued_bytes()), (60, 0));
    /// ```
    pub fn hold_host_charge(&self, bytes: u64) -> Result<Charge, OverBudget> {
        self.charge_other(bytes)?;
        Ok(Charge {
            tree: Some(self.clone()),
            bytes,
            is_other: true,
        })
    }

    /// Like [`hold_host_charge`](Self::hold_host_charge), but regardless of the limit, for bytes that
    /// already exist, such as a message that was queued until now.
    pub fn count_host_bytes(&self, bytes: u64) -> Charge {
        self.charge_object(bytes);
        Charge {
            tree: Some(self.clone()),
            bytes,
            is_other: true,
        }
    }

    /// Counts bytes against the tree's limit on queued bytes until the returned charge is dropped, for a
    /// message that is kept outside the tree's objects. Does not block.
    ///
    /// # Errors
    /// [`OverBudget`]; then nothing is counted.
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
            is_other: false,
        })
    }

    /// Like [`hold_charge`](Self::hold_charge), but regardless of the limit.
    pub(crate) fn count_queued_bytes(&self, bytes: u64) -> Charge {
        let queued_bytes = &self.inner.counts.queued_bytes;
        queued_bytes.fetch_add(bytes, Ordering::SeqCst);
        Charge {
            tree: Some(self.clone()),
            bytes,
            is_other: false,
        }
    }

    pub(crate) fn credit(&self, bytes: u64) {
        let queued_bytes = &self.inner.counts.queued_bytes;
        queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
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
            .field("host_bytes", &self.host_bytes())
            .field("host_bytes_limit", &self.host_bytes_limit())
            .field("objects", &self.object_count())
            .finish()
    }
}

/// The object with this number in any tree, if it exists.
pub(crate) fn find_object(object: ObjectId) -> Option<Arc<dyn Object>> {
    let inners: Vec<Arc<Inner>> = trees().values().filter_map(Weak::upgrade).collect();
    inners.into_iter().find_map(|inner| {
        let tree = Tree { inner };
        // The mutex is released before the found object can be dropped.
        tree.objects().get(&object).and_then(Weak::upgrade)
    })
}

fn trees() -> MutexGuard<'static, BTreeMap<u64, Weak<Inner>>> {
    static TREES: Mutex<BTreeMap<u64, Weak<Inner>>> = Mutex::new(BTreeMap::new());
    TREES.lock().unwrap_or_else(PoisonError::into_inner)
}
