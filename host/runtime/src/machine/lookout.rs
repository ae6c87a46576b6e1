//! The thread that examines trees at rest, for the deadlock report.
//!
//! A look walks through everything that a tree's processes wait for and hold. A guest can make this take
//! up to a few hundred milliseconds. The timer's thread must not do it, since all deadlines depend on
//! that thread. So one thread of the engine makes one look after the other, and it lives while any are
//! pending. A tree has at most one look in this queue: it claims its look first.

use crate::bug;
use crate::logging::Tracing;
use crate::mutex::lock;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// A look. If no thread can make it, it is dropped.
type Look = Box<dyn FnOnce() + Send>;

/// The pending looks.
#[derive(Clone)]
pub(crate) struct Lookout {
    shared: Arc<Mutex<Pending>>,
    tracing: Tracing,
}

#[derive(Default)]
struct Pending {
    looks: VecDeque<Look>,
    is_looking: bool,
}

impl Lookout {
    pub(crate) fn new(tracing: Tracing) -> Lookout {
        Lookout {
            shared: Arc::default(),
            tracing,
        }
    }

    /// Queues a look, which is made soon. Does not wait for it.
    pub(crate) fn look(&self, look: impl FnOnce() + Send + 'static) {
        {
            let mut pending = self.pending();
            pending.looks.push_back(Box::new(look));
            if std::mem::replace(&mut pending.is_looking, true) {
                return;
            }
        }
        let lookout = self.clone();
        let looking = std::thread::Builder::new()
            .name("isopod-lookout".to_owned())
            .spawn(move || {
                let tracing = lookout.tracing.clone();
                tracing.scope(|| lookout.look_at_all());
            });
        if let Err(error) = looking {
            tracing::warn!(%error, "no thread to look for a deadlock");
            let unseen = {
                let mut pending = self.pending();
                pending.is_looking = false;
                std::mem::take(&mut pending.looks)
            };
            drop(unseen);
        }
    }

    fn look_at_all(&self) {
        while let Some(look) = self.next() {
            bug::contain("look for a deadlock", "a tree", look);
        }
    }

    /// The next look; `None` ends the thread.
    fn next(&self) -> Option<Look> {
        let mut pending = self.pending();
        let next = pending.looks.pop_front();
        pending.is_looking = next.is_some();
        next
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        lock(&self.shared)
    }
}

impl std::fmt::Debug for Lookout {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Lookout")
            .field("looks", &self.pending().looks.len())
            .finish_non_exhaustive()
    }
}
