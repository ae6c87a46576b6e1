//! The thread that looks at trees at rest, for the deadlock report.
//!
//! A look goes through what a tree's processes wait for and hold, which takes up to some hundred milliseconds where a
//! guest wants it to. The timer's thread, on which all deadlines depend, must not do that. So one thread
//! of the engine does, tree after tree; it lives while there is something to look at. A tree waits here once at
//! most, since it [claims](crate::rest::Rest::claim) its check first.

use crate::bug;
use crate::deadlock;
use crate::logging::Tracing;
use crate::tree::Tree;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The trees that are to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Lookout {
    shared: Arc<Mutex<Pending>>,
    tracing: Tracing,
}

#[derive(Debug, Default)]
struct Pending {
    trees: VecDeque<Weak<Tree>>,
    is_looking: bool,
}

impl Lookout {
    pub(crate) fn new(tracing: Tracing) -> Lookout {
        Lookout {
            shared: Arc::default(),
            tracing,
        }
    }

    /// Has the tree looked at, soon. Does not wait for that. The tree's claim is released at the look.
    pub(crate) fn look_at(&self, tree: &Arc<Tree>) {
        {
            let mut pending = self.pending();
            pending.trees.push_back(Arc::downgrade(tree));
            if std::mem::replace(&mut pending.is_looking, true) {
                return;
            }
        }
        let lookout = self.clone();
        let looking = std::thread::Builder::new()
            .name("isopod-lookout".to_owned())
            .spawn(move || {
                let tracing = lookout.tracing.clone();
                tracing.scope(|| lookout.look());
            });
        if let Err(error) = looking {
            tracing::warn!(%error, "no thread to look for a deadlock");
            let unseen = {
                let mut pending = self.pending();
                pending.is_looking = false;
                std::mem::take(&mut pending.trees)
            };
            for tree in unseen.iter().filter_map(Weak::upgrade) {
                tree.rest.release_claim();
            }
        }
    }

    fn look(&self) {
        while let Some(tree) = self.next() {
            if let Some(tree) = tree.upgrade() {
                bug::contain("look for a deadlock", "a tree", || deadlock::check(&tree));
            }
        }
    }

    /// The next tree; none ends the thread.
    fn next(&self) -> Option<Weak<Tree>> {
        let mut pending = self.pending();
        let next = pending.trees.pop_front();
        pending.is_looking = next.is_some();
        next
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
