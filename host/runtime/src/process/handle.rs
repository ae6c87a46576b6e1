//! The embedder's handle to a process: its identity, and how to wait for it and end it.

use super::terminator::{Ending, Terminator};
use crate::events::Requester;
use crate::exit_status::ExitStatus;
use crate::inspect::{crash_report, waits};
use crate::life::{ProcessState, TreeUsage};
use crate::reports::{CrashReport, Deadlock, RunState};
use isopod_sync::ProcessId;
use std::sync::Arc;
use std::time::Duration;

/// A reference to a process. Clones refer to the same process. Dropping all of them neither ends it nor joins
/// it.
///
/// ```no_run
/// use isopod_host::{Command, Engine, Program};
/// use std::time::Duration;
///
/// let engine = Engine::new()?;
/// let program = Program::from_file(&engine, "service.wasm")?;
/// let process = Command::new(&program).spawn()?;
/// if process.join_timeout(Duration::from_secs(1)).is_none() {
///     println!("`{}` {}", process.name(), process.state());
///     process.terminate();
/// }
/// println!("{}", process.join_tree());
/// # Ok::<(), isopod_host::Error>(())
/// ```
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

    /// Its name: `MainProcess`, `Process-1`, or the one that it was given.
    pub fn name(&self) -> &str {
        &self.state.birth.name
    }

    /// The name of its program.
    pub fn program(&self) -> &str {
        self.state.code.name()
    }

    /// A name for its work, for people: a task's name, or `main`.
    pub fn task(&self) -> &str {
        &self.state.birth.task
    }

    /// The process that started it, or has adopted it since; none for main.
    pub fn parent_id(&self) -> Option<ProcessId> {
        self.state.parent()
    }

    /// The number of its tree: unique in this operating-system process, never used twice.
    pub fn tree_id(&self) -> u64 {
        self.state.tree.id
    }

    /// Whether it ends when its parent does.
    pub fn is_daemon(&self) -> bool {
        self.state.birth.is_daemon
    }

    /// Whether it has not ended yet.
    pub fn is_alive(&self) -> bool {
        self.state.status.get().is_none()
    }

    /// The logical CPU to which it is pinned now; none when it has ended.
    pub fn core(&self) -> Option<usize> {
        self.state.core()
    }

    /// Its activity now. Does not block.
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

    /// The CPU time that it has used, in its guest and in the host on the guest's behalf.
    pub fn cpu_time(&self) -> Duration {
        self.state.vitals.cpu_time()
    }

    /// The size of its linear memories, in bytes: now, or at its end if it has ended.
    pub fn memory_bytes(&self) -> u64 {
        self.state.vitals.memory_bytes()
    }

    /// The number of the job that it runs now, counted from 1; none if it is no worker of a pool or runs no
    /// job.
    pub fn job(&self) -> Option<u32> {
        self.state.birth.role.worker()?.job()
    }

    /// The resources that the processes of its tree have used together, and the bytes queued now.
    pub fn tree_usage(&self) -> TreeUsage {
        self.state.tree.usage()
    }

    /// The last deadlock found in its tree, whether its processes still live or not. None if none was found,
    /// or if its command said [`OnDeadlock::Ignore`](crate::inspect::OnDeadlock::Ignore).
    pub fn deadlock(&self) -> Option<Deadlock> {
        self.state.tree.deadlock().deadlock.clone()
    }

    /// How it ended; none while it lives. Does not block.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.state.status.get()
    }

    /// How and where it ended, if a trap, a limit, a deadlock or an error of the host ended it; none while it
    /// lives. Does not block.
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
        crash_report::of(&self.state, &self.state.status.get()?)
    }

    /// Waits until it has ended. Any number of threads may call this, any number of times.
    pub fn join(&self) -> ExitStatus {
        // The threads of an embedder are never killed, so the wait ends with the process.
        self.state.status.wait_within(None).unwrap_or_else(|error| {
            ExitStatus::Other(format!("it could not be waited for: {error}"))
        })
    }

    /// As [`join`](Self::join), but gives up after `timeout` and then returns none.
    pub fn join_timeout(&self, timeout: Duration) -> Option<ExitStatus> {
        self.state.status.wait_within(Some(timeout)).ok()
    }

    /// As [`join`](Self::join), for an asynchronous embedder.
    pub async fn join_async(&self) -> ExitStatus {
        self.state.status.wait_async().await
    }

    /// How it ended, if it has ended: [`exit_status`](Self::exit_status) by another name. Does not block.
    pub fn try_join(&self) -> Option<ExitStatus> {
        self.exit_status()
    }

    /// Returns a terminator, which ends the process or its tree from anywhere: it can be cloned and sent, and
    /// keeps nothing of the process alive.
    ///
    /// ```no_run
    /// # fn example(process: &isopod_host::Process) {
    /// let terminator = process.terminator();
    /// std::thread::spawn(move || terminator.terminate());
    /// println!("{}", process.join());
    /// # }
    /// ```
    pub fn terminator(&self) -> Terminator {
        Terminator::of_process(&self.state)
    }

    /// Asks it to end, whatever it is doing. Returns at once; has no effect if it has ended.
    pub fn terminate(&self) {
        self.state
            .request_end_by(Requester::Embedder, &ExitStatus::Terminated);
    }

    /// As [`terminate`](Self::terminate), with exit status [`ExitStatus::Killed`].
    pub fn kill(&self) {
        self.state
            .request_end_by(Requester::Embedder, &ExitStatus::Killed);
    }

    /// Ends all processes of its tree, itself included. The tree starts no new ones. Returns at once.
    pub fn end_tree(&self, ending: Ending) {
        self.state
            .tree
            .end_all_by(Requester::Embedder, &ending.status());
    }

    /// The live processes of its tree, oldest first.
    pub fn tree(&self) -> Vec<Process> {
        let members = self.state.tree.members_now();
        members.into_iter().map(Process::new).collect()
    }

    /// The live processes of its tree, each with its activity. This examines an object once for all its
    /// waiters, so it is faster than [`state`](Self::state) of each process.
    pub fn tree_states(&self) -> Vec<(Process, RunState)> {
        let states = waits::states_of(&self.state.tree).into_iter();
        states
            .map(|(process, state)| (Process::new(process), state))
            .collect()
    }

    /// Waits until it and every other process of its tree have ended. Returns its own status.
    pub fn join_tree(&self) -> ExitStatus {
        // As in `join`.
        let _ = self.state.tree.ended.wait_within(None);
        self.join()
    }

    /// As [`join_tree`](Self::join_tree), but gives up after `timeout` and then returns none.
    pub fn join_tree_timeout(&self, timeout: Duration) -> Option<ExitStatus> {
        self.state.tree.ended.wait_within(Some(timeout)).ok()?;
        // By now each of them has published its status.
        Some(self.join())
    }

    /// As [`join_tree`](Self::join_tree), but does not wait: none while any process of the tree lives.
    pub fn try_join_tree(&self) -> Option<ExitStatus> {
        self.join_tree_timeout(Duration::ZERO)
    }

    /// As [`join_tree`](Self::join_tree), for an asynchronous embedder.
    pub async fn join_tree_async(&self) -> ExitStatus {
        self.state.tree.ended.wait_async().await;
        self.join_async().await
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
