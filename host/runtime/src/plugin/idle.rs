//! The instances of a plugin that wait for a call in whoever's thread.

use super::instance::Instance;
use crate::mutex::lock;
use crossbeam_utils::CachePadded;
use crossbeam_utils::atomic::AtomicCell;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Idle instances, in as many stacks as there are cores: each thread has one of its own, which is its
/// alone while there are no more threads than cores.
#[derive(Debug)]
pub(crate) struct Idle {
    shards: Box<[CachePadded<Shard>]>,
    most_per_shard: usize,
}

/// A stack. Its top can be taken and put back without the mutex, which is all that happens while a thread
/// calls and calls.
#[derive(Default)]
struct Shard {
    top: AtomicCell<Option<Box<Instance>>>,
    rest: Mutex<Vec<Instance>>,
}

impl Idle {
    /// Keeps this many, about.
    pub(crate) fn new(shard_count: usize, most: usize) -> Idle {
        let shard_count = shard_count.max(1);
        Idle {
            shards: (0..shard_count).map(|_| CachePadded::default()).collect(),
            most_per_shard: most.div_ceil(shard_count),
        }
    }

    /// An instance of this version, the one that was used last; those of others are dropped.
    pub(crate) fn take(&self, version: u64) -> Option<Box<Instance>> {
        let own = thread_number();
        // Its own stack first. What another has is better than a new one, which costs 100 times as
        // much as a look.
        (0..self.shards.len()).find_map(|step| {
            let shard = self.shards.get((own + step) % self.shards.len())?;
            loop {
                let instance = shard.top.take();
                let instance = instance.or_else(|| shard.rest().pop().map(Box::new))?;
                if instance.version().number == version && !instance.is_over() {
                    return Some(instance);
                }
            }
        })
    }

    /// Keeps an instance for the next call, unless there are enough.
    pub(crate) fn put(&self, instance: Box<Instance>) {
        let Some(most_below) = self.most_per_shard.checked_sub(1) else {
            return;
        };
        if let Some(shard) = self.shards.get(thread_number() % self.shards.len())
            && let Some(below) = shard.top.swap(Some(instance))
        {
            let mut rest = shard.rest();
            if rest.len() < most_below {
                rest.push(*below);
                return;
            }
            // One too many is dropped after the mutex: that takes microseconds.
            drop(rest);
            drop(below);
        }
    }

    /// Gives up all of them.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let instances = (shard.top.take(), std::mem::take(&mut *shard.rest()));
            drop(instances);
        }
    }
}

impl Shard {
    fn rest(&self) -> MutexGuard<'_, Vec<Instance>> {
        lock(&self.rest)
    }
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Shard")
            .field("rest", &self.rest)
            .finish_non_exhaustive()
    }
}

/// A number of the calling thread: small, and another one for each of a few threads.
pub(crate) fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: Cell<Option<usize>> = const { Cell::new(None) });
    // A thread that is being torn down shares the first stack.
    let number = NUMBER.try_with(|number| match number.get() {
        Some(known) => known,
        None => {
            let new = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(new));
            new
        }
    });
    number.unwrap_or(0)
}
