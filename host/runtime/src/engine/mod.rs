//! The engine: compiled code, cores, threads and timer that all processes share. How one is made is in
//! [`builder`].

mod builder;
mod serving;

pub use builder::EngineBuilder;

use crate::code_cache::CodeCache;
use crate::compiler::Compiler;
use crate::descriptors::EngineDescriptors;
use crate::error::Result;
use crate::events::{Events, Hub};
use crate::extension::Extensions;
use crate::lookout::Lookout;
use crate::machine::Capacity;
use crate::operations::OperationLimit;
use crate::placement::Placement;
use crate::process::{Process, ProcessState};
use crate::run::State;
use crate::threads::Threads;
use crate::timer::Timer;
use isopod_sync::ProcessId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use wasmtime::component::{Component, Linker};

/// What all processes share: one per operating-system process is enough. Clones are the same
/// engine; it goes when the last clone, program and process are gone.
///
/// ```
/// let engine = isopod_host::Engine::new()?;
/// assert!(!engine.cores().is_empty());
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    wasmtime: wasmtime::Engine,
    linker: Linker<State>,
    extensions: Extensions,
    placement: Arc<Placement>,
    threads: Arc<Threads>,
    timer: Arc<Timer>,
    lookout: Lookout,
    /// Set with the first tree, and taken only when the engine is dropped.
    io: OnceLock<tokio::runtime::Runtime>,
    /// Held while the threads that serve all processes are started.
    starting: Mutex<()>,
    file_operations: OperationLimit,
    descriptors: EngineDescriptors,
    cache: Option<CodeCache>,
    compiler: Compiler,
    capacity: Capacity,
    /// The machine's, when the engine was made.
    memory_bytes: u64,
    processes: Mutex<BTreeMap<ProcessId, Arc<ProcessState>>>,
    hub: Arc<Hub>,
    is_pooled: bool,
}

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

    /// The cores that processes are pinned to, in rising order.
    pub fn cores(&self) -> &[usize] {
        self.inner.placement.cores()
    }

    /// How many processes may live at once: what was asked for, or what the machine holds, if that
    /// is less.
    pub fn max_processes(&self) -> u32 {
        self.inner.capacity.processes
    }

    /// How many descriptors of the operating system may be open for its guests and programs: what was asked
    /// for, or what `ulimit -n` allows, if that is less.
    ///
    /// ```
    /// let engine = isopod_host::Engine::builder().max_descriptors(100).build()?;
    /// assert!(engine.max_descriptors() <= 100);
    /// # Ok::<(), isopod_host::Error>(())
    /// ```
    pub fn max_descriptors(&self) -> u64 {
        self.inner.descriptors.limit()
    }

    /// Whether instances come from a pool: see [`EngineBuilder::pooling`].
    ///
    /// ```
    /// let engine = isopod_host::Engine::builder().pooling(false).build()?;
    /// assert!(!engine.is_pooled());
    /// # Ok::<(), isopod_host::Error>(())
    /// ```
    pub fn is_pooled(&self) -> bool {
        self.inner.is_pooled
    }

    /// All live processes of all trees, oldest first.
    pub fn processes(&self) -> Vec<Process> {
        let processes = self.lock_processes();
        processes
            .values()
            .map(|state| Process::new(Arc::clone(state)))
            .collect()
    }

    /// What happens from now on: processes and jobs that start and end, limits that are reached,
    /// deadlocks. Any number may listen, and no process waits for them. [`Events::builder`] has settings.
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

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.inner.hub
    }

    pub(crate) fn is_same(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The machine's memory, or that of its control group.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.inner.memory_bytes
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner.wasmtime
    }

    pub(crate) fn linker(&self) -> &Linker<State> {
        &self.inner.linker
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.inner.extensions
    }

    pub(crate) fn placement(&self) -> &Arc<Placement> {
        &self.inner.placement
    }

    pub(crate) fn threads(&self) -> &Arc<Threads> {
        &self.inner.threads
    }

    pub(crate) fn timer(&self) -> &Arc<Timer> {
        &self.inner.timer
    }

    pub(crate) fn lookout(&self) -> &Lookout {
        &self.inner.lookout
    }

    /// Makes the shared runtime for WASI's timers and I/O the calling thread's.
    pub(crate) fn enter_io(&self) -> Option<tokio::runtime::EnterGuard<'_>> {
        self.inner.io.get().map(tokio::runtime::Runtime::enter)
    }

    /// What all trees together may have outstanding.
    pub(crate) fn file_operations(&self) -> &OperationLimit {
        &self.inner.file_operations
    }

    /// What all trees together may hold.
    pub(crate) fn descriptors(&self) -> &EngineDescriptors {
        &self.inner.descriptors
    }

    pub(crate) fn compiler(&self) -> &Compiler {
        &self.inner.compiler
    }

    /// The code of a program, which errors call `shown`: compiled, or from the cache.
    ///
    /// # Errors
    /// Those of [`Compiler::component`].
    pub(crate) fn compile(&self, bytes: &[u8], shown: &str) -> Result<Component> {
        let wasmtime = &self.inner.wasmtime;
        let compile = || self.inner.compiler.component(wasmtime, bytes, shown);
        match &self.inner.cache {
            Some(cache) => cache.component(wasmtime, bytes, compile),
            None => compile(),
        }
    }

    /// The compiled form of a file's program and the bytes of its instances, if they were noted by [`note`](Self::note).
    pub(crate) fn compiled(&self, identity: &str) -> Option<(Component, u64)> {
        let cache = self.inner.cache.as_ref()?;
        cache.component_of_file(&self.inner.wasmtime, identity)
    }

    /// Notes that the file of this identity holds this program, for [`compiled`](Self::compiled).
    pub(crate) fn note(&self, identity: &str, bytes: &[u8], instance_bytes: u64) {
        if let Some(cache) = &self.inner.cache {
            cache.note(&self.inner.wasmtime, identity, bytes, instance_bytes);
        }
    }

    /// Puts a new process into the table.
    ///
    /// # Errors
    /// The limit and how to raise it, if as many live as may.
    pub(crate) fn admit(&self, process: &Arc<ProcessState>) -> Result<(), String> {
        let mut processes = self.lock_processes();
        let capacity = &self.inner.capacity;
        if processes.len() >= usize::try_from(capacity.processes).unwrap_or(usize::MAX) {
            return Err(capacity.refusal());
        }
        processes.insert(process.id(), Arc::clone(process));
        Ok(())
    }

    pub(crate) fn dismiss(&self, process: ProcessId) {
        let state = self.lock_processes().remove(&process);
        drop(state);
    }

    /// Makes every process that runs guest code look at its own flag soon, and goes on until
    /// these have seen theirs: wasmtime sets a store's deadline to the epoch *after* its callback
    /// has returned, so an increment that lands in between is lost.
    pub(crate) fn interrupt(&self, processes: Vec<Arc<ProcessState>>) {
        /// Growing pauses between increments, so that a thread that is slow to come to an end
        /// does not cost the others much.
        const FIRST_PAUSE: Duration = Duration::from_micros(100);
        const LONGEST_PAUSE: Duration = Duration::from_millis(5);

        self.inner.wasmtime.increment_epoch();
        let weak = self.inner.wasmtime.weak();
        let mut waiting = processes;
        let mut pause = FIRST_PAUSE;
        self.inner.timer.after(FIRST_PAUSE, move || {
            waiting.retain(|process| !process.has_seen_its_end());
            let wasmtime = weak.upgrade().filter(|_| !waiting.is_empty())?;
            for process in &waiting {
                process.waiter().kill();
                process.gate.release_killed();
            }
            wasmtime.increment_epoch();
            pause = (pause * 2).min(LONGEST_PAUSE);
            Some(pause)
        });
    }

    /// Evens the cores out after a moment, unless they have evened out by themselves.
    pub(crate) fn rebalance_soon(&self) {
        /// Longer than the usual short wait for a message.
        const MOMENT: Duration = Duration::from_millis(1);
        let placement = Arc::clone(&self.inner.placement);
        if placement.claim_rebalance() {
            self.inner.timer.after(MOMENT, move || {
                placement.rebalance();
                None
            });
        }
    }

    fn lock_processes(&self) -> MutexGuard<'_, BTreeMap<ProcessId, Arc<ProcessState>>> {
        self.inner
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.threads.close();
        if let Some(io) = self.io.take() {
            // Does not wait: the engine may be dropped from an asynchronous context.
            io.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Engine")
            .field("cores", &self.cores())
            .field("max_processes", &self.max_processes())
            .finish_non_exhaustive()
    }
}
