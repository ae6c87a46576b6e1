//! A tree of processes: main, its children, theirs, and what they share.

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

/// What the host tells of a tree's processes on their streams counts as their output from this many bytes on: a few
/// crashes must be told also where a limit of output was reached.
const FREE_REPORT_BYTES: u64 = 1 << 20;

/// What all processes of a tree have in common, as the embedder's command said.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// Arguments, the program's name first.
    pub(crate) args: Vec<String>,
    /// Of main; the others read nothing.
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
    /// What the processes make; emptied when the last of them has ended.
    pub(crate) objects: isopod_sync::Tree,
    pub(crate) limits: TreeLimits,
    /// What the embedder has given its first process. A parent may give its children less.
    pub(crate) process_limits: ProcessLimits,
    pub(crate) timeout: Duration,
    /// Bytes of the linear memories of all live processes.
    pub(crate) memory: Arc<Account>,
    /// Bytes that all processes have written.
    pub(crate) output: Arc<Account>,
    /// Bytes of what the host has told about them on their streams, up to [`FREE_REPORT_BYTES`].
    reports: Account,
    /// Whether those who listen were told what it may do.
    pub(crate) has_told_grants: AtomicBool,
    pub(crate) file_operations: OperationLimit,
    pub(crate) descriptors: TreeDescriptors,
    /// What its processes have written to files and made.
    pub(crate) storage: Arc<Storage>,
    /// The embedder's objects, by the names that guests know. Dropped when the tree ends.
    inherited: Mutex<BTreeMap<String, Handle>>,
    members: Mutex<Members>,
    /// Taken while a process passes its children on.
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

/// What has left a tree and has not told how it ended. The tree has ended when the last of these is
/// dropped.
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
    /// The embedder may start processes in it, so it goes on without any.
    is_held: bool,
    /// Of those that have ended as well.
    started: u64,
    most_alive: usize,
    /// Of those that have ended.
    cpu_time: Duration,
    largest_memory_bytes: u64,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The tree is being ended.
    Closing,
    /// As many processes live in the engine as may.
    EngineFull(String),
    /// So many processes live in the tree, which is its limit.
    TreeFull(u32),
    /// So many processes were started in the tree, which is its limit.
    AllStarted(u64),
    /// The tree has used so much CPU time, which is its limit.
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
        // A hung file system of one tree leaves the others room.
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

    /// Whether the CPU time of all that its processes do is counted, of each call of a plugin too.
    pub(crate) fn is_metered(&self) -> bool {
        self.limits.cpu_time.is_some() || self.limits.cpus.is_some()
    }

    /// Pauses its processes, or lets them go on, as its quota says. Whether all of them that would run are
    /// paused.
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

    /// The CPU time of all processes, living and ended, with their operations, and the processes whose clocks cannot be read.
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
        // The gate may be that of a worker, and have served another version.
        match members.is_throttled {
            true => process.gate.close(Reason::Quota),
            false => process.gate.open(Reason::Quota),
        };
        members.started += 1;
        members.live.insert(process.id(), Arc::clone(process));
        members.most_alive = members.most_alive.max(members.live.len());
        Ok(())
    }

    /// The process has ended. The last one empties the tree; the tree has ended when that one's
    /// departure is dropped, and those of all others.
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

    /// Lets the tree be without processes until it is [released](Self::release).
    pub(crate) fn hold(&self) {
        self.members().is_held = true;
    }

    /// Ends a tree that was held, as soon as it has no process.
    pub(crate) fn release(&self) {
        drop(self.depart(|members| std::mem::take(&mut members.is_held)));
    }

    /// Takes something out of the members; `leave` says whether it was there.
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

    /// All of its CPU time is used up: whoever is refused a process from now on is told so.
    pub(crate) fn use_up(&self) {
        self.members().is_used_up = true;
    }

    /// No new processes from now on; gives those that live.
    pub(crate) fn close(&self) -> Vec<Arc<ProcessState>> {
        let mut members = self.members();
        members.is_closing = true;
        members.live.values().cloned().collect()
    }

    /// The live processes, oldest first: main, if it lives.
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

    /// The kind and the text of the limit that leaves no room ever for a message in a queue or a pipe.
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

    /// One more process, or something that will start one, is active.
    pub(crate) fn begin_activity(&self) {
        if self.on_deadlock != OnDeadlock::Ignore {
            self.rest.begin();
        }
    }

    /// One that was active is so no more.
    pub(crate) fn end_activity(self: &Arc<Self>) {
        if self.on_deadlock != OnDeadlock::Ignore && self.rest.end() {
            (self.machinery.on_rest)(self);
        }
    }

    /// What the host is about to tell of the tree's processes on their streams, cut where their limit of output ends it:
    /// processes can crash without end, and each report has names of their choice.
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

    /// Only one process of the tree passes its children on at a time. Before the lists of children.
    pub(crate) fn one_adoption(&self) -> MutexGuard<'_, ()> {
        lock(&self.adoption)
    }

    /// A live process of the tree.
    pub(crate) fn live(&self, process: ProcessId) -> Option<Arc<ProcessState>> {
        self.members().live.get(&process).cloned()
    }

    /// The embedder's object of this name, held for this process.
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
