//! A tree of processes: main, its children, their children, and the parts that they share.

mod usage;

pub use usage::TreeUsage;

use super::machinery::Machinery;
use super::process::ProcessState;
use super::rest::Rest;
use crate::limit_kind::LimitKind;
use crate::limits::{
    self, Account, Limits, MOST_HOST_MEMORY_BYTES, OperationLimit, ProcessLimits, Storage,
    TreeDescriptors, TreeLimits,
};
use crate::machine::Reason;
use crate::mutex::lock;
use crate::reports::{Deadlock, OnDeadlock};
use crate::stdio::{Sink, Stdin};
use isopod_sync::{Completion, Handle, OverBudget, ProcessId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The host's reports on a tree's processes, written to their streams, count as output beyond this many
/// bytes. So a few crashes are reported even if the limit on output was reached.
const FREE_REPORT_BYTES: u64 = 1 << 20;

/// The settings that all processes of a tree share, from the embedder's command.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// Arguments, the program's name first.
    pub(crate) args: Vec<String>,
    /// The standard input of main; the others read nothing.
    pub(crate) stdin: Stdin,
    pub(crate) stdout: Sink,
    pub(crate) stderr: Sink,
}

/// One tree of processes.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) id: u64,
    machinery: Arc<Machinery>,
    pub(crate) surroundings: Surroundings,
    /// The objects that the processes make; emptied when the last process has ended.
    pub(crate) objects: isopod_sync::Tree,
    pub(crate) limits: TreeLimits,
    /// The limits that the embedder gave to its first process. A parent may give its children less.
    pub(crate) process_limits: ProcessLimits,
    pub(crate) timeout: Duration,
    /// Bytes of the linear memories of all live processes.
    pub(crate) memory: Arc<Account>,
    /// Bytes that all processes have written.
    pub(crate) output: Arc<Account>,
    /// Bytes of the host's reports about them on their streams, up to [`FREE_REPORT_BYTES`].
    reports: Account,
    /// Whether listeners have received its grants.
    pub(crate) has_told_grants: AtomicBool,
    pub(crate) file_operations: OperationLimit,
    pub(crate) descriptors: TreeDescriptors,
    /// The bytes that its processes have written to files, and the files that they have made.
    pub(crate) storage: Arc<Storage>,
    /// The embedder's objects, by the names that guests know. Dropped when the tree ends.
    inherited: Mutex<BTreeMap<String, Handle>>,
    members: Mutex<Members>,
    /// Held while a process passes its children on.
    adoption: Mutex<()>,
    /// Whether any process of it runs.
    pub(crate) rest: Rest,
    pub(crate) on_deadlock: OnDeadlock,
    deadlock: Mutex<DeadlockRecord>,
    /// Set when the last process has ended and its status can be read.
    pub(crate) ended: Completion<()>,
}

/// The last look for a deadlock in a tree, and the report that came of it.
#[derive(Debug, Default)]
pub(crate) struct DeadlockRecord {
    pub(crate) deadlock: Option<Deadlock>,
    /// How long the last look took.
    pub(crate) look_time: Duration,
    /// Whether a report is being written, perhaps to a stream that nobody reads.
    pub(crate) is_printing: Arc<AtomicBool>,
}

/// A process (or a [hold](Tree::hold)) that has left a tree, and whose end is not published yet. The tree has
/// ended when the last of these is dropped.
#[derive(Debug)]
pub(crate) struct Departure<'a> {
    tree: &'a Tree,
}

#[derive(Debug, Default)]
struct Members {
    live: BTreeMap<ProcessId, Arc<ProcessState>>,
    /// No new processes.
    is_closing: bool,
    /// Its quota of CPU time is used up.
    is_throttled: bool,
    /// All of its CPU time is used up.
    is_used_up: bool,
    /// How many [departures](Departure) there are.
    departing: usize,
    /// The embedder may start processes in it, so it lives on without any.
    is_held: bool,
    /// Counts ended processes as well.
    started: u64,
    most_alive: usize,
    /// The CPU time of ended processes.
    cpu_time: Duration,
    largest_memory_bytes: u64,
}

impl Members {
    /// Whether no process is left. Then there will never be one, because only processes spawn.
    fn is_over(&mut self) -> bool {
        let is_over = self.live.is_empty() && !self.is_held;
        self.is_closing |= is_over;
        is_over
    }
}

/// The reason why a process cannot join a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The tree is being ended.
    Closing,
    /// The engine's limit on live processes is reached.
    EngineFull(String),
    /// The tree's limit on live processes, given here, is reached.
    TreeFull(u32),
    /// The tree's limit on started processes, given here, is reached.
    AllStarted(u64),
    /// The tree has used up its limit on CPU time, given here.
    CpuTimeUsed(Duration),
}

impl Tree {
    pub(crate) fn new(
        machinery: &Arc<Machinery>,
        surroundings: Surroundings,
        inherited: BTreeMap<String, Handle>,
        limits: &Limits,
        on_deadlock: OnDeadlock,
    ) -> Arc<Tree> {
        let (process_limits, timeout, limits) = (limits.process, limits.timeout, limits.tree);
        let memory_bytes = limits.memory_bytes;
        let memory_bytes = memory_bytes.unwrap_or_else(|| machinery.memory_bytes / 2);
        let host_memory_bytes = limits
            .host_memory_bytes
            .unwrap_or_else(|| MOST_HOST_MEMORY_BYTES.min(machinery.memory_bytes / 4));
        // At most half of the engine's operations, so that a hung file system of one tree leaves room for the
        // others.
        let file_operations = machinery.descriptors.file_operations.div_ceil(2);
        let file_operations = limits.file_operations.min(file_operations);
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Tree {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            limits,
            process_limits,
            timeout,
            memory: Arc::new(Account::new(memory_bytes)),
            output: Arc::new(Account::new(limits.output_bytes)),
            reports: Account::new(FREE_REPORT_BYTES),
            has_told_grants: AtomicBool::new(false),
            file_operations: OperationLimit::new(file_operations),
            descriptors: TreeDescriptors::new(limits.descriptors, &machinery.descriptors),
            storage: Arc::new(Storage::new(&limits)),
            surroundings,
            objects: isopod_sync::Tree::with_limits(limits.queued_bytes, host_memory_bytes),
            inherited: Mutex::new(inherited),
            members: Mutex::default(),
            adoption: Mutex::default(),
            rest: Rest::default(),
            on_deadlock,
            deadlock: Mutex::default(),
            ended: Completion::new(),
            machinery: Arc::clone(machinery),
        })
    }

    /// Whether all CPU time of its processes is counted, that of each call of a plugin included.
    pub(crate) fn is_metered(&self) -> bool {
        self.limits.cpu_time.is_some() || self.limits.cpus.is_some()
    }

    /// Pauses its processes or lets them continue, as its quota requires. Returns whether all processes that
    /// would run are paused.
    pub(crate) fn throttle(&self, is_throttled: bool) -> bool {
        let members = {
            let mut members = self.members();
            if !is_throttled && !members.is_throttled {
                return true;
            }
            members.is_throttled = is_throttled;
            members.live.values().cloned().collect::<Vec<_>>()
        };
        let mut are_paused = true;
        for process in members {
            let gate = &process.gate;
            if !is_throttled {
                self.machinery.placement.throttle(gate.seat(), false);
                gate.open(Reason::Quota);
                continue;
            }
            gate.close(Reason::Quota);
            self.machinery.placement.throttle(gate.seat(), true);
            let would_run = gate.is_running() && !process.waiter.is_parked();
            if would_run && !gate.is_paused() {
                gate.call();
                are_paused = false;
            }
        }
        are_paused
    }

    /// The CPU time of all processes, live and ended, with their operations; and the processes whose clocks
    /// cannot be read.
    pub(crate) fn cpu_time(&self) -> (Duration, Vec<Arc<ProcessState>>) {
        let members = self.members();
        let mut used = members.cpu_time + self.file_operations.cpu_time();
        let mut unreadable = Vec::new();
        for process in members.live.values() {
            match process.vitals.read_thread_time() {
                Some(time) => used += time,
                None => unreadable.push(Arc::clone(process)),
            }
        }
        (used, unreadable)
    }

    /// Makes a process a member of the tree and of the engine's table, all or nothing.
    pub(crate) fn admit(&self, process: &Arc<ProcessState>) -> Result<(), Refused> {
        let mut members = self.members();
        if members.is_closing {
            return Err(match self.limits.cpu_time {
                Some(limit) if members.is_used_up => Refused::CpuTimeUsed(limit),
                _ => Refused::Closing,
            });
        }
        if members.live.len() >= usize::try_from(self.limits.live_processes).unwrap_or(usize::MAX) {
            return Err(Refused::TreeFull(self.limits.live_processes));
        }
        if members.started >= self.limits.started_processes {
            return Err(Refused::AllStarted(self.limits.started_processes));
        }
        self.machinery.admit(process).map_err(Refused::EngineFull)?;
        // The gate may be that of a plugin's worker, and may have served another version before.
        match members.is_throttled {
            true => process.gate.close(Reason::Quota),
            false => process.gate.open(Reason::Quota),
        };
        members.started += 1;
        members.live.insert(process.id(), Arc::clone(process));
        members.most_alive = members.most_alive.max(members.live.len());
        Ok(())
    }

    /// Removes a process that has ended. The last one empties the tree. The tree has ended when its
    /// departure and all others are dropped.
    pub(crate) fn dismiss(&self, process: ProcessId) -> Departure<'_> {
        self.machinery.dismiss(process);
        self.depart(|members| {
            if let Some(process) = members.live.remove(&process) {
                members.cpu_time += process.vitals.read_thread_time().unwrap_or_default();
                let largest = members.largest_memory_bytes;
                members.largest_memory_bytes = largest.max(process.vitals.memory_bytes());
            }
            true
        })
    }

    /// Lets the tree exist without processes until it is [released](Self::release).
    pub(crate) fn hold(&self) {
        self.members().is_held = true;
    }

    /// Ends a tree that was held, as soon as it has no process.
    pub(crate) fn release(&self) {
        drop(self.depart(|members| std::mem::take(&mut members.is_held)));
    }

    /// Removes something from the members; `leave` returns whether it was there.
    fn depart(&self, leave: impl FnOnce(&mut Members) -> bool) -> Departure<'_> {
        let is_last = {
            let mut members = self.members();
            members.departing += 1;
            leave(&mut members) && members.is_over()
        };
        let departure = Departure { tree: self };
        if is_last {
            let inherited = std::mem::take(&mut *lock(&self.inherited));
            drop(inherited);
            self.objects.end();
        }
        departure
    }

    /// All of its CPU time is used up: from now on this is the reason for refusing a new process.
    pub(crate) fn use_up(&self) {
        self.members().is_used_up = true;
    }

    /// Allows no new processes from now on; returns the live ones.
    pub(crate) fn close(&self) -> Vec<Arc<ProcessState>> {
        let mut members = self.members();
        members.is_closing = true;
        members.live.values().cloned().collect()
    }

    /// The live processes, oldest first: main comes first, if it lives.
    pub(crate) fn members_now(&self) -> Vec<Arc<ProcessState>> {
        self.members().live.values().cloned().collect()
    }

    /// Main, if it lives.
    pub(crate) fn oldest(&self) -> Option<Arc<ProcessState>> {
        self.members().live.values().next().cloned()
    }

    /// The kind and the text of this limit, which is on queued bytes or on host memory.
    pub(crate) fn over_budget(&self, over: OverBudget) -> (LimitKind, String) {
        // Queued bytes are part of the host's memory, so of two equal limits this one is reached first.
        match over.limit_bytes == self.objects.host_bytes_limit() {
            true => (LimitKind::HostMemory, limits::over_host_memory(over)),
            false => (LimitKind::QueuedBytes, limits::over_budget(over)),
        }
    }

    /// The kind and the text of the limit because of which a message will never fit into a queue or a pipe.
    pub(crate) fn too_large(&self, size_bytes: u64, limit_bytes: u64) -> (LimitKind, String) {
        let (limit, raised) = if limit_bytes == self.objects.queued_bytes_limit() {
            let raised = "raise it with `Limits::queued_bytes` or `--max-queued`";
            (LimitKind::QueuedBytes, raised)
        } else if limit_bytes == self.objects.host_bytes_limit() {
            let raised = "raise it with `Limits::tree_host_memory` or `--tree-host-memory`";
            (LimitKind::HostMemory, raised)
        } else {
            (
                LimitKind::MessageSize,
                "the queue or pipe was made with that",
            )
        };
        (limit, limits::never_fits(size_bytes, limit_bytes, raised))
    }

    /// One more process, or a pending event that will start one, is active.
    pub(crate) fn begin_activity(&self) {
        if self.on_deadlock != OnDeadlock::Ignore {
            self.rest.begin();
        }
    }

    /// An active process or event is no longer active.
    pub(crate) fn end_activity(self: &Arc<Self>) {
        if self.on_deadlock != OnDeadlock::Ignore && self.rest.end() {
            (self.machinery.on_rest)(self);
        }
    }

    /// Cuts a report on the tree's processes, which the host is about to write to their streams, to their
    /// limit on output. Processes can crash without end, and each report has names of their choice.
    pub(crate) fn report_within_limits(&self, text: String) -> String {
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let free = self.reports.charge_up_to(bytes);
        let allowed = free + self.output.charge_up_to(bytes - free);
        match usize::try_from(allowed).unwrap_or(usize::MAX) {
            0 => String::new(),
            allowed if allowed < text.len() => {
                limits::cut(text, allowed.saturating_sub("...\n".len())) + "\n"
            }
            _ => text,
        }
    }

    /// The last look for a deadlock.
    pub(crate) fn deadlock(&self) -> MutexGuard<'_, DeadlockRecord> {
        lock(&self.deadlock)
    }

    pub(crate) fn machinery(&self) -> &Arc<Machinery> {
        &self.machinery
    }

    /// Lets only one process of the tree at a time pass its children on. Taken before the lists of children.
    pub(crate) fn one_adoption(&self) -> MutexGuard<'_, ()> {
        lock(&self.adoption)
    }

    /// A live process of the tree.
    pub(crate) fn live(&self, process: ProcessId) -> Option<Arc<ProcessState>> {
        self.members().live.get(&process).cloned()
    }

    /// The embedder's object of this name, as a new handle.
    pub(crate) fn inherited(&self, name: &str) -> Option<Handle> {
        let inherited = lock(&self.inherited);
        inherited.get(name).cloned()
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        lock(&self.members)
    }
}

impl Drop for Departure<'_> {
    fn drop(&mut self) {
        let has_ended = {
            let mut members = self.tree.members();
            members.departing -= 1;
            members.departing == 0 && members.is_over()
        };
        if has_ended {
            self.tree.ended.set(());
        }
    }
}
