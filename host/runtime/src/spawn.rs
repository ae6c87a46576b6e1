//! How a process comes to be: admitted to its tree, seated on a core, dispatched to a thread.

use crate::bug;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{LimitKind, Refusals};
use crate::exit_status::ExitStatus;
use crate::gate::Gate;
use crate::kernel;
use crate::limits::{self, ProcessLimits};
use crate::placement::{Sitter, Slot};
use crate::pool::WorkerLink;
use crate::process::{Entry, ProcessState};
use crate::program::Program;
use crate::rights::Rights;
use crate::run;
use crate::timer::Alarm;
use crate::tree::{Refused, Tree};
use isopod_sync::{Charge, Completion, End, Hooks, Party, ProcessId, Waiter};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What sets a new process apart from the others of its tree.
#[derive(Debug)]
pub(crate) struct Birth {
    pub(crate) name: String,
    pub(crate) task: String,
    pub(crate) parent: Option<Arc<ProcessState>>,
    pub(crate) is_daemon: bool,
    pub(crate) is_main: bool,
    /// An instance of a plugin: it starts no processes.
    pub(crate) is_plugin: bool,
    pub(crate) worker: Option<WorkerLink>,
    pub(crate) lineage: Vec<u64>,
    pub(crate) limits: ProcessLimits,
    pub(crate) rights: Arc<Rights>,
    pub(crate) deadline: Option<(Instant, Duration)>,
    /// What the message with its arguments costs of the tree's limit on queued bytes, until it asks
    /// for it.
    pub(crate) entry_bytes: u64,
}

/// Starts a process. Does not wait for it to run. `entry` is called with its id, so that the
/// handles for it are held in its name from the start.
pub(crate) fn spawn(
    program: &Program,
    tree: &Arc<Tree>,
    birth: Birth,
    entry: impl FnOnce(ProcessId) -> Entry,
) -> Result<Arc<ProcessState>> {
    let charge = tree.objects.hold_charge(birth.entry_bytes);
    let charge = charge.map_err(|over| {
        let (limit, text) = tree.over_budget(over);
        Error::at_limit(limit, text)
    })?;
    let id = ProcessState::next_id();
    let slot = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Gate::new(id));
    let hooks = Arc::new(PlacementHooks::new(id, &slot, tree));
    let parent = birth.parent.clone();
    let process = admitted(program, tree, birth, id, Seating { hooks, gate })?;
    process.set_entry(entry(id), charge);
    dispatch(&process, slot).map_err(|error| {
        // It never ran, so there is nothing to end but its records.
        drop(process.take_entry());
        process.waiter.end(End::Abandoned);
        if let Some(parent) = &parent {
            parent.children().retain(|child| child.id != id);
        }
        const NO_THREAD: &str = "the system refuses another thread for a process (see `ulimit -u` and the pids limit of the cgroup)";
        let departure = tree.dismiss(id);
        let status = ExitStatus::Other(NO_THREAD.to_owned());
        process.charge_end(&status);
        process.status.set(status.clone());
        process.tell_end(&status);
        drop(departure);
        Error::at_limit(LimitKind::Processes, NO_THREAD).with_cause(error)
    })?;
    Ok(process)
}

/// What ties a process to its thread's seat.
pub(crate) struct Seating {
    /// What its waits do to the thread that it runs on.
    pub(crate) hooks: Arc<dyn Hooks>,
    /// What can pause it.
    pub(crate) gate: Arc<Gate>,
}

/// A process that has a place in its tree and its engine, and nothing else yet.
pub(crate) fn admitted(
    program: &Program,
    tree: &Arc<Tree>,
    birth: Birth,
    id: ProcessId,
    seating: Seating,
) -> Result<Arc<ProcessState>> {
    let parent = birth.parent;
    let (presence, record) = ProcessState::charges(tree, program).map_err(|over| {
        let (limit, text) = tree.over_budget(over);
        Error::at_limit(limit, text)
    })?;
    let process = Arc::new(ProcessState {
        id,
        name: birth.name,
        task: birth.task,
        is_daemon: birth.is_daemon,
        is_main: birth.is_main,
        is_plugin: birth.is_plugin,
        is_called: AtomicBool::new(false),
        program: program.clone(),
        tree: Arc::clone(tree),
        waiter: Waiter::new(Party::Process(id), seating.hooks),
        gate: seating.gate,
        vitals: Arc::default(),
        limits: birth.limits,
        rights: birth.rights,
        deadline: birth.deadline,
        lineage: birth.lineage,
        children_made: AtomicU64::new(0),
        entry: Mutex::new(None),
        has_entered: AtomicBool::new(false),
        parent: Mutex::new(parent.as_ref().map(|parent| parent.id)),
        starter: parent.as_ref().map(|parent| parent.as_starter()),
        children: Mutex::default(),
        requested: Mutex::new(None),
        worker: birth.worker,
        status: Arc::new(Completion::new()),
        presence: Mutex::new(presence),
        record: Mutex::new(record),
        refusals: Refusals::default(),
    });
    tree.admit(&process).map_err(refused)?;
    if let Some(parent) = &parent {
        parent.children().push(Arc::clone(&process));
    }
    // Before it runs, so that nothing of it is told before.
    process.tell_start();
    Ok(process)
}

/// `Process-1` below main, `Process-1:2` below that, as in Python.
pub(crate) fn default_name(kind: &str, lineage: &[u64]) -> String {
    let numbers: Vec<String> = lineage.iter().map(u64::to_string).collect();
    format!("{kind}-{}", numbers.join(":"))
}

fn dispatch(process: &Arc<ProcessState>, shared_slot: Arc<AtomicUsize>) -> std::io::Result<()> {
    let engine = process.engine();
    let placement = engine.placement();
    let slot = placement.seat(Sitter {
        slot: shared_slot,
        tree: process.tree.id,
        gate: Arc::clone(&process.gate),
    });
    process.tree.begin_activity();
    let alarm = set_deadline(process);
    let of_thread = Arc::clone(process);
    let job = Box::new(move || run_and_leave(of_thread, alarm));
    let dispatched = engine.threads().run(placement, slot, job);
    if dispatched.is_err() {
        placement.leave(process.id);
        process.tree.end_activity();
        if let Some(alarm) = alarm {
            engine.timer().cancel(alarm);
        }
    }
    dispatched
}

/// All that a thread does for one process; gives the slot it is pinned to at the end.
fn run_and_leave(process: Arc<ProcessState>, alarm: Option<Alarm>) -> Option<Slot> {
    // The seat is given back whatever happened on it.
    bug::contain("life of a process", &process.name, || {
        run::process(&process)
    });
    let engine = process.engine();
    if let Some(alarm) = alarm {
        engine.timer().cancel(alarm);
    }
    process.tree.end_activity();
    engine.placement().leave(process.id)
}

fn set_deadline(process: &Arc<ProcessState>) -> Option<Alarm> {
    let (deadline, timeout) = process.deadline?;
    let weak = Arc::downgrade(process);
    let delay = deadline.saturating_duration_since(Instant::now());
    let alarm = process.engine().timer().after(delay, move || {
        if let Some(process) = weak.upgrade() {
            let raised = match timeout == process.tree.timeout {
                true => limits::OF_TIMEOUT,
                false => limits::OF_CHILD_TIMEOUT,
            };
            process.request_end(ExitStatus::Deadline(limits::deadline(timeout, raised)));
        }
        None
    });
    Some(alarm)
}

fn refused(refused: Refused) -> Error {
    match refused {
        Refused::Closing => Error::new(
            ErrorKind::AccessDenied,
            "the tree of processes is being ended, so it starts no new ones",
        ),
        Refused::CpuTimeUsed(limit) => {
            Error::at_limit(LimitKind::CpuTime, limits::tree_used_up(limit))
        }
        Refused::EngineFull(text) => Error::at_limit(LimitKind::Processes, text),
        Refused::TreeFull(limit) => Error::at_limit(
            LimitKind::Processes,
            format!(
                "{limit} processes live in this tree, which is its limit; raise it with `Limits::live_processes`"
            ),
        ),
        Refused::AllStarted(limit) => Error::at_limit(
            LimitKind::Processes,
            format!(
                "this tree has started {limit} processes, which is its limit; raise it with `Limits::started_processes` or `--max-started`"
            ),
        ),
    }
}

/// Tells placement when a process rests and when it goes on.
#[derive(Debug)]
pub(crate) struct PlacementHooks {
    process: ProcessId,
    slot: Arc<AtomicUsize>,
    tree: Arc<Tree>,
}

impl PlacementHooks {
    /// For whoever has the seat of this process, whose slot is `slot`.
    pub(crate) fn new(
        process: ProcessId,
        slot: &Arc<AtomicUsize>,
        tree: &Arc<Tree>,
    ) -> PlacementHooks {
        PlacementHooks {
            process,
            slot: Arc::clone(slot),
            tree: Arc::clone(tree),
        }
    }
}

impl Hooks for PlacementHooks {
    fn may_spin(&self) -> bool {
        let slot = self.slot.load(Ordering::Relaxed);
        self.tree.engine().placement().may_spin(slot)
    }

    fn parking(&self) {
        if self.tree.engine().placement().parking(self.process) {
            self.tree.engine().rebalance_soon();
        }
        // The wait is recorded: whoever looks from now on sees it.
        self.tree.end_activity();
    }

    fn unparked(&self) {
        self.tree.begin_activity();
        self.tree.engine().placement().unparked(self.process);
        // It may be another one's turn. No lock of the host is held where a thread parks.
        kernel::pass();
    }
}

impl ProcessState {
    fn set_entry(&self, entry: Entry, charge: Charge) {
        *self
            .entry
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some((entry, charge));
    }
}

#[cfg(test)]
mod tests {
    use super::default_name;

    #[test]
    fn names_are_those_of_python() {
        assert_eq!(default_name("Process", &[3]), "Process-3");
        assert_eq!(default_name("Process", &[1, 2]), "Process-1:2");
    }
}
