//! The code that a process runs first.

use isopod_sync::Message;
use std::sync::Arc;

/// The code that a process runs first, and its arguments.
#[derive(Debug)]
pub(crate) enum Entry {
    Main,
    Task(Message),
    /// A worker of a pool, with its initializer.
    Worker(Option<Initializer>),
}

/// The task that each worker of a pool runs first.
#[derive(Clone, Debug)]
pub(crate) struct Initializer {
    /// Its public name, if the embedder asks for it.
    pub(crate) name: Option<Arc<str>>,
    /// Held by the pool's owner, and, for a worker, by the worker.
    pub(crate) message: Message,
}
