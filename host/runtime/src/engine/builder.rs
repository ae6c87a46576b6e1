//! How an engine is made.

use super::Engine;
use crate::code::{CodeCache, CompileLimits, Compiler, config};
use crate::error::{Error, ErrorKind, Result};
use crate::guest::{Extension, Extensions};
use crate::inspect::deadlock;
use crate::life::{Machinery, Serving};
use crate::limits::{EngineDescriptors, OperationLimit};
use crate::logging::Tracing;
use crate::machine::{Lookout, Placement, Threads, Timer, capacity, cores, kernel};
use crate::{multiprocessing, stdio};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// The default for the largest number of live processes of an engine.
const MAX_PROCESSES: u32 = 1_000;

/// The address space of a 64-bit machine still has room for a thousand of these.
const LONGEST_STACK_BYTES: usize = 1 << 30;

/// The largest number of operations of guests on files that have not returned, over all trees. Each takes a
/// thread and cannot be interrupted.
const MAX_FILE_OPERATIONS: u32 = 256;

/// Settings of an [`Engine`].
///
/// ```
/// use isopod_host::Engine;
/// let engine = Engine::builder().max_processes(100).stack_bytes(1 << 20).build()?;
/// assert_eq!(engine.max_processes(), 100);
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "an engine is made by `build`"]
pub struct EngineBuilder {
    cores: Option<Vec<usize>>,
    max_processes: Option<u32>,
    max_descriptors: Option<u32>,
    stack_bytes: Option<usize>,
    cache_directory: Option<PathBuf>,
    cache_key_file: Option<PathBuf>,
    compiler: Compiler,
    extensions: Extensions,
    is_pooled: bool,
    tracing: Tracing,
}

impl Default for EngineBuilder {
    fn default() -> EngineBuilder {
        EngineBuilder {
            cores: None,
            max_processes: None,
            max_descriptors: None,
            stack_bytes: None,
            cache_directory: None,
            cache_key_file: None,
            compiler: Compiler::default(),
            extensions: Extensions::default(),
            is_pooled: true,
            tracing: Tracing::default(),
        }
    }
}

impl EngineBuilder {
    /// The cores (logical CPUs, as the kernel numbers them) to which processes are pinned. Default: the cores
    /// of the affinity mask, cut to the cgroup quota.
    pub fn cores(mut self, cores: impl IntoIterator<Item = usize>) -> Self {
        self.cores = Some(cores.into_iter().collect());
        self
    }

    /// The largest number of live processes: 1,000 unless set, or as many as the machine can hold, if that is
    /// less ([`Engine::max_processes`] returns it). Each takes a thread, and up to 16 mappings of the
    /// kernel's `vm.max_map_count`. Address space is reserved for them at the start.
    pub fn max_processes(mut self, count: u32) -> Self {
        self.max_processes = Some(count);
        self
    }

    /// The largest number of open descriptors of the operating system for guests of the engine and for its
    /// programs: files, directories, sockets, and one for each program. Default, and upper bound: the number
    /// that `ulimit -n` allows above those in use and a reserve for the host itself
    /// ([`Engine::max_descriptors`] returns it). An embedder that opens many itself, or has several engines,
    /// gives each engine its part.
    pub fn max_descriptors(mut self, count: u32) -> Self {
        self.max_descriptors = Some(count);
        self
    }

    /// The stack for the functions of a guest; each process has its own. 512 KiB unless set, 1 GiB at most. A
    /// process that needs more traps. Address space is reserved for the stack. It becomes memory as far as a
    /// guest's calls nest, in addition to the memory that limits count.
    pub fn stack_bytes(mut self, bytes: usize) -> Self {
        self.stack_bytes = Some(bytes);
        self
    }

    /// Keeps compiled code in this directory. It is made if missing, and only this user may have the right to
    /// write to it. Without it, programs are compiled each time they are loaded. A program from the cache is
    /// mapped into memory and keeps its file open: an embedder that loads very many raises `ulimit -n` first.
    pub fn cache_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cache_directory = Some(directory.into());
        self
    }

    /// The file with the key of the cache. Compiled code is kept with an authentication code that takes this
    /// key, and entries without it are compiled anew. The file is made if missing, with mode 0600. Default:
    /// [`cache_key_file`](crate::code::cache_key_file). Grant no guest a writable directory that holds the cache,
    /// and no directory that holds the key.
    pub fn cache_key_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.cache_key_file = Some(file.into());
        self
    }

    /// The resources that the loading of a program may use.
    pub fn compile_limits(mut self, limits: CompileLimits) -> Self {
        self.compiler.set_limits(limits);
        self
    }

    /// Compiles in a process of its own, one for each program that the cache does not hold. It is started as
    /// `program` with these arguments, without environment variables, and must call
    /// [`serve_compiler`](crate::code::serve_compiler) of the same version: `program` is the embedder's own
    /// program, or `isopod` with the argument `serve-compiler`. It is killed at the limit of time, takes no
    /// more memory than its limit, and a failure of it breaks nothing in this process. Default: a thread.
    pub fn compiler_process(
        mut self,
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        self.compiler.set_process(program.into(), arguments);
        self
    }

    /// Whether instances come from a pool. Default: yes. With a pool, a process starts in a third of the
    /// time, but address space is reserved for as many processes as may live, some 8 GiB for each, none of it
    /// memory. Where the system gives less (`ulimit -v`, some containers), instances are made on demand
    /// anyway, with a warning. Without a pool nothing is reserved, and each process maps the memory that it
    /// needs. [`Engine::is_pooled`] returns whether there is a pool.
    pub fn pooling(mut self, pooling: bool) -> EngineBuilder {
        self.is_pooled = pooling;
        self
    }

    /// The destination of [`tracing`] events from the engine's own threads: those that run processes, workers
    /// of plugins and alarms. Default: the global subscriber of the program, if it has set one with
    /// `tracing::subscriber::set_global_default`.
    ///
    /// Events of a process are in a span `process` of level `DEBUG` with its `id`, `name`, `task` and `tree`.
    /// So are the events of an [`Extension`]'s functions. Its start and end are events of that level.
    ///
    /// ```
    /// use isopod_host::Engine;
    /// use tracing::{Dispatch, subscriber::NoSubscriber};
    /// // Discards all events.
    /// let engine = Engine::builder().tracing(Dispatch::new(NoSubscriber::new())).build()?;
    /// # Ok::<(), isopod_host::Error>(())
    /// ```
    pub fn tracing(mut self, dispatch: tracing::Dispatch) -> EngineBuilder {
        self.tracing = Tracing::to(dispatch);
        self
    }

    /// Adds the embedder's own host functions.
    pub fn extension(mut self, extension: impl Extension) -> Self {
        self.extensions.add(extension);
        self
    }

    /// Makes the engine.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidCores`] for a core that may not be used, [`ErrorKind::InvalidArgument`] for no
    /// processes at all or a stack of no or too many bytes, [`ErrorKind::Io`] and [`ErrorKind::AccessDenied`]
    /// for the cache's directory, [`ErrorKind::Engine`] if the machine refuses threads or memory, holds no
    /// process, or an extension cannot be linked.
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
        let key_file = self.cache_key_file;
        let cache = self.cache_directory;
        let cache = cache.map(|directory| CodeCache::open(directory, key_file));
        let cache = cache.transpose()?;
        let capacity = capacity::capacity(max_processes)?;
        if capacity.processes < max_processes {
            tracing::warn!(
                wanted = max_processes,
                processes = capacity.processes,
                "the machine holds fewer processes than were asked for"
            );
        }
        let descriptors = EngineDescriptors::new(self.max_descriptors, MAX_FILE_OPERATIONS)?;
        let (wasmtime, is_pooled) =
            config::engine(capacity.processes, stack_bytes, self.is_pooled)?;
        let linker = multiprocessing::linker(&wasmtime, &self.extensions)?;
        stdio::prepare();
        let timer = Arc::new(Timer::new(cores.clone(), self.tracing.clone()));
        kernel::install();
        let machinery = Machinery {
            wasmtime,
            lookout: Lookout::new(self.tracing.clone()),
            on_rest: deadlock::check_soon,
            threads: Arc::new(Threads::new(cores.len(), self.tracing)),
            placement: Placement::new(cores, Some(Arc::clone(&timer))),
            timer,
            serving: Serving::default(),
            file_operations: OperationLimit::new(descriptors.file_operations),
            descriptors,
            cache,
            compiler: self.compiler,
            capacity,
            memory_bytes: capacity::memory_bytes()?,
            processes: Mutex::default(),
            hub: Arc::default(),
        };
        Ok(Engine::from_parts(
            machinery,
            linker,
            self.extensions,
            is_pooled,
        ))
    }
}
