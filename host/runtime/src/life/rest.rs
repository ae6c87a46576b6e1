//! Whether any process of a tree runs: the deadlock report asks this.
//!
//! A tree is at *rest* while all its processes are parked, and nothing in the host is about to start
//! one. The counts change when a process parks and when it continues, which costs a system call anyway. An
//! operation that does not wait never changes them.
//!
//! # One moment for several looks
//! [`Looking`] shows whether the tree was at rest from the first look to the last. A process that
//! continues first counts as active and then raises the generation, both before it does anything else. So
//! if no process is active after the generation was read, and the generation is the same at the end, no
//! process has run in between.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Counts the active processes of one tree, and the pending events of the host that will start one.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    active: AtomicUsize,
    generation: AtomicU64,
    is_claimed: AtomicBool,
}

/// A look at a tree at rest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looking {
    generation: u64,
}

impl Rest {
    /// A process is about to start or to continue, or an event is pending that will start one.
    pub(crate) fn begin(&self) {
        self.active.fetch_add(1, Ordering::SeqCst);
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// An active process parks or ends, or such an event is over. True if it was the last one: the tree is
    /// at rest.
    pub(crate) fn end(&self) -> bool {
        self.active.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// Begins a look; none if anything is active.
    pub(crate) fn look(&self) -> Option<Looking> {
        let generation = self.generation.load(Ordering::SeqCst);
        (self.active.load(Ordering::SeqCst) == 0).then_some(Looking { generation })
    }

    /// Whether the tree has been at rest since the look began.
    pub(crate) fn has_rested(&self, looking: Looking) -> bool {
        self.generation.load(Ordering::SeqCst) == looking.generation
    }

    /// Claims the next check. True for the one caller that must arrange it.
    pub(crate) fn claim(&self) -> bool {
        // The load comes first: while a check is pending, each rest calls this.
        !self.is_claimed.load(Ordering::Relaxed) && !self.is_claimed.swap(true, Ordering::SeqCst)
    }

    /// The check begins, so later rests need another one.
    pub(crate) fn release_claim(&self) {
        self.is_claimed.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tree_that_has_rested_throughout_was_seen_in_one_moment() {
        let rest = Rest::default();
        rest.begin();
        rest.begin();
        assert!(rest.look().is_none());
        assert!(!rest.end());
        assert!(rest.end());
        let looking = rest.look();
        assert!(looking.is_some_and(|looking| rest.has_rested(looking)));
        rest.begin();
        assert!(rest.end());
        assert!(looking.is_some_and(|looking| !rest.has_rested(looking)));
    }

    #[test]
    fn one_check_at_a_time() {
        let rest = Rest::default();
        assert!(rest.claim());
        assert!(!rest.claim());
        rest.release_claim();
        assert!(rest.claim());
    }
}
