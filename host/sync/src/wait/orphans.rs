//! Objects that a process owns without holding a reference to them, so that its end can give them back.
//!
//! Acquiring and releasing a lock touch nothing but the lock, so a process keeps no list of the objects
//! that it owns. Only when it drops its last reference to an object that it owns does that object become an
//! *orphan*: it is remembered here, or given back at once if the process has ended.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};

use crate::party::ProcessId;
use crate::shim::Mutex;
use crate::wait::waiter::Waiter;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The process came to its own end. Locks that it owns are abandoned. Permits of semaphores that it
    /// took stay taken, because taking one may have been the receipt of a signal.
    Normal,
    /// Something else ended the process. Locks that it owns are abandoned, and permits that it took
    /// are given back.
    Abandoned,
}

/// An object that a process can own, and that must be given back when the process ends.
pub(crate) trait Owned: Send + Sync {
    /// Gives the object back if the process still owns it.
    fn owner_ended(&self, process: ProcessId, how: End);
}

/// The orphans of one process.
#[derive(Default)]
pub(crate) struct Orphans(Mutex<List>);

#[derive(Default)]
struct List {
    ended: Option<End>,
    owned: Vec<Weak<dyn Owned>>,
    /// The length at which dead entries are removed, so that the list stays within twice the number
    /// of live entries.
    prune_at: usize,
}

/// The smallest list that is worth pruning.
const PRUNE_MINIMUM: usize = 16;

impl Orphans {
    /// The process has ended: gives back all orphans, and later ones at once. If it is called more than
    /// once, the first call decides how the process ended.
    pub(crate) fn end(&self, process: ProcessId, how: End) {
        let (owned, how) = {
            let mut list = self.0.lock();
            let how = *list.ended.get_or_insert(how);
            (std::mem::take(&mut list.owned), how)
        };
        for object in owned.iter().filter_map(Weak::upgrade) {
            object.owner_ended(process, how);
        }
    }

    /// Adopts the object, unless the process has ended: then returns how it ended.
    fn adopt(&self, object: Weak<dyn Owned>) -> Option<End> {
        let mut list = self.0.lock();
        if list.ended.is_some() {
            return list.ended;
        }
        if list.owned.len() >= list.prune_at.max(PRUNE_MINIMUM) {
            list.owned.retain(|object| object.strong_count() > 0);
            // A process may acquire and let go of the same object again and again.
            list.owned
                .sort_unstable_by_key(|object| object.as_ptr().addr());
            list.owned.dedup_by_key(|object| object.as_ptr().addr());
            list.prune_at = list.owned.len().saturating_mul(2);
        }
        list.owned.push(object);
        None
    }
}

/// The process owns the object and has no reference to it, so its end gives the object back. If it has
/// already ended, this gives the object back now.
pub(crate) fn adopt<T: Owned + 'static>(process: ProcessId, object: &Arc<T>) {
    let waiter = waiters().get(&process).and_then(Weak::upgrade);
    let weak: Weak<dyn Owned> = Arc::<T>::downgrade(object);
    // Without a waiter the process can act no more, and nothing shows that its end was normal.
    let ended = match waiter {
        Some(waiter) => waiter.orphans().adopt(weak),
        None => Some(End::Abandoned),
    };
    if let Some(how) = ended {
        object.owner_ended(process, how);
    }
}

pub(crate) fn register(process: ProcessId, waiter: &Arc<Waiter>) {
    waiters().insert(process, Arc::downgrade(waiter));
}

pub(crate) fn unregister(process: ProcessId, waiter: &Waiter) {
    let mut waiters = waiters();
    if waiters
        .get(&process)
        .is_some_and(|known| std::ptr::eq(known.as_ptr(), waiter))
    {
        waiters.remove(&process);
    }
}

type Waiters = HashMap<ProcessId, Weak<Waiter>>;

/// The waiters of all processes. It is accessed when a process starts or is gone, and when a process drops
/// its last reference to an object that it owns, but never by an operation.
fn waiters() -> std::sync::MutexGuard<'static, Waiters> {
    static WAITERS: std::sync::LazyLock<std::sync::Mutex<Waiters>> =
        std::sync::LazyLock::new(Default::default);
    WAITERS.lock().unwrap_or_else(PoisonError::into_inner)
}
