//! The parts that all processes of an engine share: compiled code, cores, threads, timer, and the table of
//! live processes.

use super::process::ProcessState;
use super::serving::Serving;
use super::tree::Tree;
use crate::code::{CodeCache, Compiler};
use crate::error::Result;
use crate::events::Hub;
use crate::limits::{EngineDescriptors, OperationLimit};
use crate::machine::{Capacity, Lookout, Placement, Threads, Timer};
use crate::mutex::lock;
use isopod_sync::ProcessId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::runtime::EnterGuard;
use wasmtime::component::Component;

/// The shared part of an engine that processes and trees need. It names no program and no function of the
/// host.
pub(crate) struct Machinery {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) placement: Arc<Placement>,
    pub(crate) threads: Arc<Threads>,
    pub(crate) timer: Arc<Timer>,
    pub(crate) lookout: Lookout,
    /// Called when a tree comes to rest, to look for a deadlock. A function pointer, because the code of the
    /// look uses this module.
    pub(crate) on_rest: fn(&Arc<Tree>),
    pub(crate) serving: Serving,
    /// The operations of all trees together.
    pub(crate) file_operations: OperationLimit,
    /// The descriptors of all trees together.
    pub(crate) descriptors: EngineDescriptors,
    pub(crate) compiler: Compiler,
    pub(crate) hub: Arc<Hub>,
    /// The memory of the machine or of the control group, in bytes, when the engine was made.
    pub(crate) memory_bytes: u64,
    pub(crate) capacity: Capacity,
    pub(crate) cache: Option<CodeCache>,
    /// The live processes of all trees.
    pub(crate) processes: Mutex<BTreeMap<ProcessId, Arc<ProcessState>>>,
}

impl Machinery {
    /// The cores that processes are pinned to, in rising order.
    pub(crate) fn cores(&self) -> &[usize] {
        self.placement.cores()
    }

    /// All live processes of all trees, oldest first.
    pub(crate) fn processes(&self) -> Vec<Arc<ProcessState>> {
        self.lock_processes().values().cloned().collect()
    }

    /// Starts the threads that serve all processes, unless they have been started. Every tree is made after
    /// this call.
    ///
    /// # Errors
    /// If the system refuses one.
    pub(crate) fn start_serving(&self) -> Result<()> {
        self.serving.start(&self.timer, self.cores())
    }

    /// Makes the shared runtime for WASI's timers and I/O the current one of the calling thread.
    pub(crate) fn enter_io(&self) -> Option<EnterGuard<'_>> {
        self.serving.enter()
    }

    /// The code of a program: compiled, or from the cache. Errors call the program `shown`.
    ///
    /// # Errors
    /// Those of [`Compiler::component`].
    pub(crate) fn compile(&self, bytes: &[u8], shown: &str) -> Result<Component> {
        let wasmtime = &self.wasmtime;
        let compile = || self.compiler.component(wasmtime, bytes, shown);
        match &self.cache {
            Some(cache) => cache.component(wasmtime, bytes, compile),
            None => compile(),
        }
    }

    /// The compiled form of a file's program and the bytes of its instances, if [`note`](Self::note) recorded
    /// them.
    pub(crate) fn compiled(&self, identity: &str) -> Option<(Component, u64)> {
        let cache = self.cache.as_ref()?;
        cache.component_of_file(&self.wasmtime, identity)
    }

    /// Records that the file of this identity holds this program, for [`compiled`](Self::compiled).
    pub(crate) fn note(&self, identity: &str, bytes: &[u8], instance_bytes: u64) {
        if let Some(cache) = &self.cache {
            cache.note(&self.wasmtime, identity, bytes, instance_bytes);
        }
    }

    /// Puts a new process into the table.
    ///
    /// # Errors
    /// The limit and how to raise it, if the limit on live processes is reached.
    pub(crate) fn admit(&self, process: &Arc<ProcessState>) -> Result<(), String> {
        let mut processes = self.lock_processes();
        let capacity = &self.capacity;
        if processes.len() >= usize::try_from(capacity.processes).unwrap_or(usize::MAX) {
            return Err(capacity.refusal());
        }
        processes.insert(process.id(), Arc::clone(process));
        Ok(())
    }

    /// Takes a process out of the table.
    pub(crate) fn dismiss(&self, process: ProcessId) {
        let state = self.lock_processes().remove(&process);
        drop(state);
    }

    /// Balances the load of the cores after a moment, unless it has balanced out by itself.
    pub(crate) fn rebalance_soon(&self) {
        /// Longer than the usual short wait for a message.
        const MOMENT: Duration = Duration::from_millis(1);
        let placement = Arc::clone(&self.placement);
        if placement.claim_rebalance() {
            self.timer.after(MOMENT, move || {
                placement.rebalance();
                None
            });
        }
    }

    fn lock_processes(&self) -> MutexGuard<'_, BTreeMap<ProcessId, Arc<ProcessState>>> {
        lock(&self.processes)
    }
}

impl Drop for Machinery {
    fn drop(&mut self) {
        self.threads.close();
        self.serving.end();
    }
}

impl std::fmt::Debug for Machinery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Machinery")
            .field("cores", &self.cores())
            .field("max_processes", &self.capacity.processes)
            .finish_non_exhaustive()
    }
}
