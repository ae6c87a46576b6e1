//! A tree of processes: main, its children, theirs, and what they share.

use crate::engine::Engine;
use crate::process::{Process, ProcessState};
use crate::stdio::{Sink, Stdin};
use isopod_sync::{Completion, Handle, ProcessId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What guests may do with a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    ReadOnly,
    /// Read, write, make and remove.
    ReadWrite,
}

/// A directory that the processes of a tree see.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) access: Access,
}

/// What all processes of a tree have in common, as the embedder's command said.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// Arguments, the program's name first.
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) directories: Vec<Directory>,
    /// Of main; the others read nothing.
    pub(crate) stdin: Stdin,
    pub(crate) stdout: Sink,
    pub(crate) stderr: Sink,
}

/// One tree of processes.
#[derive(Debug)]
pub(crate) struct Tree {
    engine: Engine,
    pub(crate) surroundings: Surroundings,
    /// What the processes make; emptied when the last of them has ended.
    pub(crate) objects: isopod_sync::Tree,
    /// The embedder's objects, by the names that guests know. Dropped when the tree ends.
    inherited: Mutex<BTreeMap<String, Handle>>,
    members: Mutex<Members>,
    /// Set when the last process has ended.
    pub(crate) ended: Completion<()>,
}

#[derive(Debug, Default)]
struct Members {
    live: BTreeMap<ProcessId, Arc<ProcessState>>,
    /// No new processes.
    is_closing: bool,
    /// The embedder may start processes in it, so it goes on without any.
    is_held: bool,
}

impl Members {
    /// Whether there is no process any more. Then there will be none: only processes spawn.
    fn is_over(&mut self) -> bool {
        let is_over = self.live.is_empty() && !self.is_held;
        self.is_closing |= is_over;
        is_over
    }
}

/// Why a process cannot join a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The tree is being ended.
    Closing,
    /// So many processes live in the engine already.
    Full(u32),
}

impl Tree {
    pub(crate) fn new(
        engine: Engine,
        surroundings: Surroundings,
        inherited: BTreeMap<String, Handle>,
        queued_bytes_limit: u64,
    ) -> Arc<Tree> {
        Arc::new(Tree {
            engine,
            surroundings,
            objects: isopod_sync::Tree::new(queued_bytes_limit),
            inherited: Mutex::new(inherited),
            members: Mutex::default(),
            ended: Completion::new(),
        })
    }

    /// Makes a process a member of the tree and of the engine's table, all or nothing.
    pub(crate) fn admit(&self, process: &Arc<ProcessState>) -> Result<(), Refused> {
        let mut members = self.members();
        if members.is_closing {
            return Err(Refused::Closing);
        }
        self.engine.admit(process).map_err(Refused::Full)?;
        members.live.insert(process.id(), Arc::clone(process));
        Ok(())
    }

    /// The process has ended. The last one ends the tree.
    pub(crate) fn dismiss(&self, process: ProcessId) {
        self.engine.dismiss(process);
        let is_last = {
            let mut members = self.members();
            members.live.remove(&process);
            members.is_over()
        };
        self.end_if(is_last);
    }

    /// Lets the tree be without processes until it is [released](Self::release).
    pub(crate) fn hold(&self) {
        self.members().is_held = true;
    }

    /// Ends a tree that was held, as soon as it has no process.
    pub(crate) fn release(&self) {
        let is_last = {
            let mut members = self.members();
            std::mem::take(&mut members.is_held) && members.is_over()
        };
        self.end_if(is_last);
    }

    fn end_if(&self, is_last: bool) {
        if is_last {
            let inherited = std::mem::take(
                &mut *self
                    .inherited
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner),
            );
            drop(inherited);
            self.objects.end();
            self.ended.set(());
        }
    }

    /// No new processes from now on; gives those that live.
    pub(crate) fn close(&self) -> Vec<Arc<ProcessState>> {
        let mut members = self.members();
        members.is_closing = true;
        members.live.values().cloned().collect()
    }

    /// The live processes, oldest first: main, if it lives.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let members = self.members();
        members.live.values().cloned().map(Process::new).collect()
    }

    /// A live process of the tree.
    pub(crate) fn live(&self, process: ProcessId) -> Option<Arc<ProcessState>> {
        self.members().live.get(&process).cloned()
    }

    /// The embedder's object of this name, held for this process.
    pub(crate) fn inherited(&self, name: &str) -> Option<Handle> {
        let inherited = self
            .inherited
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        inherited.get(name).cloned()
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
