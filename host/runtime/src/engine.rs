//! The engine: compiled code, cores, threads and timer that all processes share.

use crate::code_cache::CodeCache;
use crate::config;
use crate::cores;
use crate::error::{Error, ErrorKind, Result};
use crate::extension::{Extension, Extensions};
use crate::host;
use crate::machine::{self, Capacity};
use crate::operations::OperationLimit;
use crate::placement::Placement;
use crate::process::{Process, ProcessState};
use crate::run::State;
use crate::threads::Threads;
use crate::timer::Timer;
use isopod_sync::ProcessId;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wasmtime::component::{Component, Linker};

/// Live processes that an engine takes unless told otherwise.
const MAX_PROCESSES: u32 = 1_000;

/// A thousand of these are still address space that a machine of 64 bits has.
const LONGEST_STACK_BYTES: usize = 1 << 30;

/// Operations of guests on files that have not returned, of all trees. Each takes a thread and cannot
/// be interrupted.
const MAX_FILE_OPERATIONS: u32 = 256;

/// Threads for these, and for reads of standard input, of which there is one for each tree that reads
/// it: an operation that has a slot never waits for a thread.
const MAX_BLOCKING_THREADS: usize = 1_024;

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
    /// Taken only when the engine is dropped.
    io: Option<tokio::runtime::Runtime>,
    file_operations: OperationLimit,
    cache: Option<CodeCache>,
    capacity: Capacity,
    /// The machine's, when the engine was made.
    memory_bytes: u64,
    processes: Mutex<BTreeMap<ProcessId, Arc<ProcessState>>>,
}

/// Settings of an [`Engine`].
#[derive(Debug, Default)]
pub struct EngineBuilder {
    cores: Option<Vec<usize>>,
    max_processes: Option<u32>,
    stack_bytes: Option<usize>,
    cache_directory: Option<PathBuf>,
    extensions: Extensions,
}

impl EngineBuilder {
    /// The cores (logical CPUs, as the kernel numbers them) that processes are pinned to.
    /// Default: those of the affinity mask, cut to the cgroup quota.
    pub fn cores(mut self, cores: impl IntoIterator<Item = usize>) -> Self {
        self.cores = Some(cores.into_iter().collect());
        self
    }

    /// How many processes may live at once: 1,000 unless set, or as many as the machine holds, if
    /// that is less ([`Engine::max_processes`] tells): each takes a thread, and up to 16 mappings of
    /// the kernel's `vm.max_map_count`. Address space is reserved for them at the start.
    pub fn max_processes(mut self, count: u32) -> Self {
        self.max_processes = Some(count);
        self
    }

    /// The stack that the functions of a guest may use, of which each process has its own: 512 KiB
    /// unless set, 1 GiB at most. A process that needs more traps. Address space is reserved for it; it
    /// becomes memory as far as a guest's calls nest, beside what limits of memory count.
    pub fn stack_bytes(mut self, bytes: usize) -> Self {
        self.stack_bytes = Some(bytes);
        self
    }

    /// Keeps compiled code in this directory; it is made if missing, and must be writable by this
    /// user alone. Without it programs are compiled each time they are loaded. A program from there is mapped
    /// into memory and keeps its file open: who loads very many raises `ulimit -n` first.
    pub fn cache_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cache_directory = Some(directory.into());
        self
    }

    /// Adds host functions of the embedder's own.
    pub fn extension(mut self, extension: impl Extension) -> Self {
        self.extensions.add(extension);
        self
    }

    /// Makes the engine.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidCores`] for a core that may not be used,
    /// [`ErrorKind::InvalidArgument`] for no processes at all or a stack of no or too many bytes, [`ErrorKind::Io`] and
    /// [`ErrorKind::AccessDenied`] for the cache's directory, [`ErrorKind::Engine`] if the machine
    /// refuses threads or memory, holds no process, or an extension cannot be linked.
    pub fn build(self) -> Result<Engine> {
        let cores = match self.cores {
            Some(wanted) => cores::checked(wanted)?,
            None => cores::available()?,
        };
        let max_processes = self.max_processes.unwrap_or(MAX_PROCESSES);
        if max_processes == 0 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the largest number of processes is 0; it must be at least 1",
            ));
        }
        let stack_bytes = self.stack_bytes.unwrap_or(config::STACK_BYTES);
        if stack_bytes == 0 || stack_bytes > LONGEST_STACK_BYTES {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("a stack of {stack_bytes} bytes; it must have 1 to {LONGEST_STACK_BYTES}"),
            ));
        }
        let cache = self.cache_directory.map(CodeCache::open).transpose()?;
        let capacity = machine::capacity(max_processes)?;
        if capacity.processes < max_processes {
            tracing::warn!(
                wanted = max_processes,
                processes = capacity.processes,
                "the machine holds fewer processes than were asked for"
            );
        }
        let wasmtime = config::engine(capacity.processes, stack_bytes)?;
        let linker = host::linker(&wasmtime, &self.extensions)?;
        let timer = Timer::start(cores.clone()).map_err(no_thread)?;
        let io = io_runtime(cores.clone()).map_err(no_thread)?;
        Ok(Engine {
            inner: Arc::new(Inner {
                wasmtime,
                linker,
                extensions: self.extensions,
                threads: Arc::new(Threads::new(cores.len())),
                placement: Arc::new(Placement::new(cores)),
                timer: Arc::new(timer),
                io: Some(io),
                file_operations: OperationLimit::new(MAX_FILE_OPERATIONS),
                cache,
                capacity,
                memory_bytes: machine::memory_bytes(),
                processes: Mutex::default(),
            }),
        })
    }
}

impl Engine {
    /// An engine with the default settings and no cache.
    ///
    /// # Errors
    /// [`ErrorKind::Engine`] if the machine refuses threads or memory.
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

    /// All live processes of all trees, oldest first.
    pub fn processes(&self) -> Vec<Process> {
        let processes = self.lock_processes();
        processes
            .values()
            .map(|state| Process::new(Arc::clone(state)))
            .collect()
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

    /// Makes the shared runtime for WASI's timers and I/O the calling thread's.
    pub(crate) fn enter_io(&self) -> Option<tokio::runtime::EnterGuard<'_>> {
        self.inner.io.as_ref().map(tokio::runtime::Runtime::enter)
    }

    /// What all trees together may have outstanding.
    pub(crate) fn file_operations(&self) -> &OperationLimit {
        &self.inner.file_operations
    }

    pub(crate) fn compile(&self, component: &[u8]) -> wasmtime::Result<Component> {
        match &self.inner.cache {
            Some(cache) => cache.component(&self.inner.wasmtime, component),
            None => Component::from_binary(&self.inner.wasmtime, component),
        }
    }

    /// The compiled form of a file's component, if it was noted by [`note`](Self::note).
    pub(crate) fn compiled(&self, identity: &str) -> Option<Component> {
        let cache = self.inner.cache.as_ref()?;
        cache.component_of_file(&self.inner.wasmtime, identity)
    }

    /// Notes that the file of this identity holds this component, for [`compiled`](Self::compiled).
    pub(crate) fn note(&self, identity: &str, component: &[u8]) {
        if let Some(cache) = &self.inner.cache {
            cache.note(&self.inner.wasmtime, identity, component);
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

/// One runtime for WASI's timers and I/O of all processes. A runtime per process would cost 8 us
/// and three file descriptors each.
fn io_runtime(cores: Vec<usize>) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .thread_name("isopod-io")
        // Blocking threads are made by whoever needs one, and inherit its pinning.
        .on_thread_start(move || cores::pin(None, &cores))
        .enable_all()
        .build()
}

fn no_thread(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Engine, "the system refuses another thread").with_cause(error)
}
