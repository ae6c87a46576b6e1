//! How an engine is made, and what an embedder sees in it.

mod builder;

pub use crate::guest::Engine;
pub use builder::EngineBuilder;

use crate::error::Result;
use crate::events::{Events, EventsBuilder};
use crate::process::Process;
use std::sync::Arc;

impl Engine {
    /// An engine with the default settings and no cache.
    ///
    /// # Errors
    /// [`ErrorKind::Engine`](crate::ErrorKind::Engine) if the machine refuses threads or memory.
    pub fn new() -> Result<Engine> {
        Engine::builder().build()
    }

    /// Starts with the default settings.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// All live processes of all trees, oldest first.
    pub fn processes(&self) -> Vec<Process> {
        let processes = self.machinery().processes();
        processes.into_iter().map(Process::new).collect()
    }

    /// The events from now on: starts and ends of processes and jobs, limits reached, deadlocks. Any number
    /// of listeners may exist, and no process waits for them. [`Events::builder`] has settings.
    ///
    /// ```
    /// let engine = isopod_host::Engine::new()?;
    /// let events = engine.events();
    /// while let Ok(event) = events.try_recv() {
    ///     println!("{event}");
    /// }
    /// # Ok::<(), isopod_host::Error>(())
    /// ```
    pub fn events(&self) -> Events {
        Events::builder(self).listen()
    }
}

impl Events {
    /// Starts with the default settings, which are those of [`Engine::events`].
    pub fn builder(engine: &Engine) -> EventsBuilder {
        EventsBuilder::new(Arc::clone(&engine.machinery().hub))
    }
}
