//! The instances of a plugin that wait for a call in the thread of any caller.

use super::instance::Instance;
use crate::mutex::lock;
use crossbeam_utils::CachePadded;
use crossbeam_utils::atomic::AtomicCell;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Idle instances, in as many stacks as there are cores. Each thread has its own stack, and shares it with no
/// other while there are no more threads than cores.
#[derive(Debug)]
pub(crate) struct Idle {
    shards: Box<[CachePadded<Shard>]>,
    most_per_shard: usize,
}

/// A stack. Its top can be taken and put back without the mutex, and a thread that makes call after call does
/// nothing else.
#[derive(Default)]
struct Shard {
    top: AtomicCell<Option<Box<Instance>>>,
    rest: Mutex<Vec<Instance>>,
}

impl Idle {
    /// Keeps about `most` instances.
    pub(crate) fn new(shard_count: usize, most: usize) -> Idle {
        let shard_count = shard_count.max(1);
        Idle {
            shards: (0..shard_count).map(|_| CachePadded::default()).collect(),
            most_per_shard: most.div_ceil(shard_count),
        }
    }

    /// The instance of this version that was used last; instances of other versions are dropped.
    pub(crate) fn take(&self, version: u64) -> Option<Box<Instance>> {
        let own = thread_number();
        // The thread's own stack comes first. An instance from another stack is better than a new one, which
        // costs 100 times as much as a look.
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

    /// Keeps an instance for the next call, unless there are enough already.
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
            // A surplus instance is dropped after the mutex is free: that takes microseconds.
            drop(rest);
            drop(below);
        }
    }

    /// Drops all of them.
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

/// A small number of the calling thread; a few threads each have a different one.
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
