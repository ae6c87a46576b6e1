//! A process: its identity, how it is waited for and ended. What its thread does is in
//! [`run`](crate::run), how it ends in [`ending`](crate::ending).

use crate::crash_report::CrashReport;
use crate::deadlock::Deadlock;
use crate::engine::Engine;
use crate::exit_status::ExitStatus;
use crate::limits::ProcessLimits;
use crate::pool::{Initializer, WorkerLink};
use crate::program::Program;
use crate::rights::Rights;
use crate::tree::{Tree, TreeUsage};
use crate::vitals::Vitals;
use crate::waits::{self, RunState};
use isopod_sync::{Charge, Completion, Message, ProcessId, Waiter};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The name of a tree's first process, as in Python.
pub(crate) const MAIN_NAME: &str = "MainProcess";

/// What the numbers in a default name may take, in bytes. Births may follow each other without end,
/// though few of them live at a time: each process starts the next one and fails.
const LONGEST_LINEAGE_BYTES: usize = 240;

/// How a process is asked to end from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Exit status [`ExitStatus::Terminated`].
    Terminate,
    /// Exit status [`ExitStatus::Killed`].
    Kill,
}

impl Ending {
    fn status(self) -> ExitStatus {
        match self {
            Ending::Terminate => ExitStatus::Terminated,
            Ending::Kill => ExitStatus::Killed,
        }
    }
}

/// A reference to a process. Clones refer to the same one; dropping them all neither ends nor
/// joins it.
#[derive(Clone)]
pub struct Process {
    state: Arc<ProcessState>,
}

impl Process {
    pub(crate) fn new(state: Arc<ProcessState>) -> Process {
        Process { state }
    }

    /// Its id: unique in this operating-system process, never used twice.
    pub fn id(&self) -> ProcessId {
        self.state.id
    }

    /// Its name: `MainProcess`, `Process-1`, or what it was given.
    pub fn name(&self) -> &str {
        &self.state.name
    }

    /// The name of its program.
    pub fn program(&self) -> &str {
        self.state.program.name()
    }

    /// What it runs, for people: a task's name, or `main`.
    pub fn task(&self) -> &str {
        &self.state.task
    }

    /// Who started it, or has adopted it since; none for main.
    pub fn parent_id(&self) -> Option<ProcessId> {
        self.state.parent()
    }

    /// The number of its tree: unique in this operating-system process, never used twice.
    pub fn tree_id(&self) -> u64 {
        self.state.tree.id
    }

    /// Whether it ends when its parent does.
    pub fn is_daemon(&self) -> bool {
        self.state.is_daemon
    }

    /// Whether it has not ended yet.
    pub fn is_alive(&self) -> bool {
        self.state.status.get().is_none()
    }

    /// The logical CPU that it is pinned to now; none when it has ended.
    pub fn core(&self) -> Option<usize> {
        self.state.core()
    }

    /// What it does now. Does not block.
    ///
    /// ```no_run
    /// # fn tell(engine: &isopod_host::Engine) {
    /// for process in engine.processes() {
    ///     // `Process-1 waits in `get` for queue 7, held by `MainProcess``
    ///     println!("{} {}", process.name(), process.state());
    /// }
    /// # }
    /// ```
    pub fn state(&self) -> RunState {
        waits::state_of(&self.state)
    }

    /// The CPU time that it has used: its guest's and that of the host on its behalf. While it lives the
    /// kernel's number may be some milliseconds old.
    pub fn cpu_time(&self) -> Duration {
        self.state.vitals.cpu_time()
    }

    /// The size of its linear memories, in bytes; at its end, if it has ended.
    pub fn memory_bytes(&self) -> u64 {
        self.state.vitals.memory_bytes()
    }

    /// The number of the job that it has begun, if it is a worker of a pool and has begun one: its
    /// first was 1.
    pub fn job(&self) -> Option<u32> {
        self.state.worker.as_ref()?.job()
    }

    /// What the processes of its tree have used together, with the bytes queued now.
    pub fn tree_usage(&self) -> TreeUsage {
        self.state.tree.usage()
    }

    /// The last deadlock found in its tree, whether its processes live or not; none while none was
    /// found, or if its command said [`OnDeadlock::Ignore`](crate::OnDeadlock::Ignore).
    pub fn deadlock(&self) -> Option<Deadlock> {
        self.state.tree.said().deadlock.clone()
    }

    /// How it ended; none while it lives. Does not block.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.state.status.get()
    }

    /// How and where it ended, if that was by a trap, at a limit, by a deadlock or by an error of the
    /// host; none while it lives. Does not block.
    ///
    /// ```no_run
    /// # fn tell(process: &isopod_host::Process) {
    /// process.join();
    /// if let Some(report) = process.crash_report() {
    ///     eprintln!("{} in {:?}", report.cause, report.backtrace.first());
    /// }
    /// # }
    /// ```
    pub fn crash_report(&self) -> Option<CrashReport> {
        CrashReport::new(&self.state, &self.state.status.get()?)
    }

    /// Waits until it has ended. May be called by any number of threads, any number of times.
    pub fn join(&self) -> ExitStatus {
        // The threads of an embedder are never killed, so the wait ends with the process.
        self.state.status.wait_within(None).unwrap_or_else(|error| {
            ExitStatus::Other(format!("it could not be waited for: {error}"))
        })
    }

    /// As [`join`](Self::join), but gives up after `timeout`: none then.
    pub fn join_timeout(&self, timeout: Duration) -> Option<ExitStatus> {
        self.state.status.wait_within(Some(timeout)).ok()
    }

    /// As [`join`](Self::join), for an asynchronous embedder.
    pub async fn join_async(&self) -> ExitStatus {
        self.state.status.wait_async().await
    }

    /// Asks for its end, whatever it does. Returns at once; no effect if it has ended.
    pub fn terminate(&self) {
        self.state.request_end(ExitStatus::Terminated);
    }

    /// As [`terminate`](Self::terminate), with exit status [`ExitStatus::Killed`].
    pub fn kill(&self) {
        self.state.request_end(ExitStatus::Killed);
    }

    /// Ends all processes of its tree, itself included, and lets it start no new ones. Returns at
    /// once.
    pub fn end_tree(&self, ending: Ending) {
        self.state.tree.end_all(&ending.status());
    }

    /// The live processes of its tree, oldest first.
    pub fn tree(&self) -> Vec<Process> {
        self.state.tree.processes()
    }

    /// The same, with what each of them does. What many of them wait for is looked at once, so this is
    /// faster than [`state`](Self::state) of each.
    pub fn tree_states(&self) -> Vec<(Process, RunState)> {
        let states = waits::states_of(&self.state.tree).into_iter();
        states
            .map(|(process, state)| (Process::new(process), state))
            .collect()
    }

    /// Waits until it and every other process of its tree have ended; gives its own status.
    pub fn join_tree(&self) -> ExitStatus {
        // As in `join`.
        let _ = self.state.tree.ended.wait_within(None);
        self.join()
    }

    /// As [`join_tree`](Self::join_tree), but gives up after `timeout`: none then.
    pub fn join_tree_timeout(&self, timeout: Duration) -> Option<ExitStatus> {
        self.state.tree.ended.wait_within(Some(timeout)).ok()?;
        // By then each of them has published its status.
        Some(self.join())
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Process")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("status", &self.exit_status())
            .finish_non_exhaustive()
    }
}

/// What the host knows of a process.
pub(crate) struct ProcessState {
    pub(crate) id: ProcessId,
    pub(crate) name: String,
    pub(crate) task: String,
    pub(crate) is_daemon: bool,
    pub(crate) is_main: bool,
    pub(crate) is_plugin: bool,
    pub(crate) program: Program,
    pub(crate) tree: Arc<Tree>,
    pub(crate) waiter: Arc<Waiter>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) limits: ProcessLimits,
    pub(crate) rights: Arc<Rights>,
    /// When it is ended, with the time it was given for the message.
    pub(crate) deadline: Option<(Instant, Duration)>,
    /// The numbers in the names of its line: [1, 2] for `Process-1:2`.
    pub(crate) lineage: Vec<u64>,
    pub(crate) children_made: AtomicU64,
    /// What `process.entry` gives, once, and what it costs until then.
    pub(crate) entry: Mutex<Option<(Entry, Charge)>>,
    pub(crate) has_entered: AtomicBool,
    /// Changes when it is adopted.
    pub(crate) parent: Mutex<Option<ProcessId>>,
    /// Who started it, whatever has become of that one since; none for main.
    pub(crate) starter: Option<Arc<Starter>>,
    pub(crate) children: Mutex<Children>,
    /// Why it is to end, if anybody asked; the first one counts.
    pub(crate) requested: Mutex<Option<ExitStatus>>,
    /// What ties it to its pool, if it is a worker.
    pub(crate) worker: Option<WorkerLink>,
    /// Shared with those that it started, which may outlive it.
    pub(crate) status: Arc<Completion<ExitStatus>>,
    /// The kinds of limits that listeners were told of, one bit each.
    pub(crate) told_limits: AtomicU32,
}

fn lineage(ancestors: &[u64], number: u64) -> Vec<u64> {
    let mut bytes = 0;
    let mut nearest_first: Vec<u64> = std::iter::once(&number)
        .chain(ancestors.iter().rev())
        .copied()
        .take_while(|number| {
            let digits = number.checked_ilog10().unwrap_or(0) + 1;
            // With the colon before it.
            bytes += usize::try_from(digits).unwrap_or(usize::MAX) + 1;
            bytes <= LONGEST_LINEAGE_BYTES
        })
        .collect();
    nearest_first.reverse();
    nearest_first
}

/// What a process can know of the one that started it, and can wait for.
///
/// It is all that a process keeps of a parent that has ended, and nothing in it leads further up:
/// a chain of dead ancestors is not kept by the one that lives on.
#[derive(Debug)]
pub(crate) struct Starter {
    pub(crate) id: ProcessId,
    pub(crate) name: String,
    pub(crate) is_daemon: bool,
    pub(crate) status: Arc<Completion<ExitStatus>>,
}

/// The live children that a process answers for.
#[derive(Debug, Default)]
pub(crate) struct Children {
    pub(crate) live: Vec<Arc<ProcessState>>,
    /// It has passed them on and takes no more.
    pub(crate) is_closed: bool,
}

/// What a process is to run, and with what.
#[derive(Debug)]
pub(crate) enum Entry {
    Main,
    Task(Message),
    /// A worker of a pool, with its initializer.
    Worker(Option<Initializer>),
}

impl ProcessState {
    pub(crate) fn id(&self) -> ProcessId {
        self.id
    }

    /// A number for a new process.
    pub(crate) fn next_id() -> ProcessId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        ProcessId::new(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.program.engine()
    }

    /// The logical CPU that it is pinned to; none once it has left it.
    pub(crate) fn core(&self) -> Option<usize> {
        let placement = self.engine().placement();
        placement.core_of(placement.slot_of(self.id)?)
    }

    pub(crate) fn waiter(&self) -> &Arc<Waiter> {
        &self.waiter
    }

    /// The number of a new child, after those of its ancestors: of the nearest, if there are many.
    pub(crate) fn next_lineage(&self) -> Vec<u64> {
        let number = self.children_made.fetch_add(1, Ordering::Relaxed) + 1;
        lineage(&self.lineage, number)
    }

    /// This process, as those that it starts know it.
    pub(crate) fn as_starter(&self) -> Arc<Starter> {
        Arc::new(Starter {
            id: self.id,
            name: self.name.clone(),
            is_daemon: self.is_daemon,
            status: Arc::clone(&self.status),
        })
    }

    pub(crate) fn parent(&self) -> Option<ProcessId> {
        *self.parent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn children(&self) -> MutexGuard<'_, Children> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ProcessState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ProcessState")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_is_bounded() {
        assert_eq!(lineage(&[], 1), [1]);
        assert_eq!(lineage(&[3, 1], 2), [3, 1, 2]);
        assert_eq!(lineage(&[7; 1_000], 10).len(), 119);
        assert_eq!(lineage(&[u64::MAX; 1_000], u64::MAX).len(), 11);
    }
}
