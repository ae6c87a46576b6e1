//! The start of a process: admitted to its tree, seated on a core, dispatched to a thread.

use super::{cpu_time, run};
use crate::error::{Error, ErrorKind, Result};
use crate::exit_status::ExitStatus;
use crate::guest::Program;
use crate::life::{Birth, Entry, ProcessState, Refused, Seating, Tree};
use crate::limit_kind::LimitKind;
use crate::machine::{Alarm, Gate, Sitter, Slot, kernel};
use crate::{bug, limits};
use isopod_sync::{End, Hooks, ProcessId};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Starts a process. Does not wait for it to run. `entry` is called with the id of the process, so that the
/// process holds the handles in the entry from the start. The message of the entry counts as `entry_bytes`
/// against the tree's limit on queued bytes until the process asks for it.
pub(crate) fn spawn(
    program: &Program,
    tree: &Arc<Tree>,
    parent: Option<&Arc<ProcessState>>,
    birth: Birth,
    entry_bytes: u64,
    entry: impl FnOnce(ProcessId) -> Entry,
) -> Result<Arc<ProcessState>> {
    let charge = tree.objects.hold_charge(entry_bytes);
    let charge = charge.map_err(|over| {
        let (limit, text) = tree.over_budget(over);
        Error::at_limit(limit, text)
    })?;
    let id = ProcessState::next_id();
    let slot = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Gate::new(id));
    let hooks = Arc::new(PlacementHooks::new(id, &slot, tree));
    let seating = Seating { hooks, gate };
    let process = admitted(program, tree, parent, birth, id, seating)?;
    process.set_entry(entry(id), charge);
    dispatch(&process, program, slot).map_err(|error| {
        // It never ran, so there is nothing to end but its records.
        drop(process.take_entry());
        process.waiter.end(End::Abandoned);
        if let Some(parent) = parent {
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

/// A process that has a place in its tree and its engine, and nothing more yet.
pub(crate) fn admitted(
    program: &Program,
    tree: &Arc<Tree>,
    parent: Option<&Arc<ProcessState>>,
    birth: Birth,
    id: ProcessId,
    seating: Seating,
) -> Result<Arc<ProcessState>> {
    let process = ProcessState::new(id, birth, program.code(), tree, parent, seating);
    let process = process.map_err(|over| {
        let (limit, text) = tree.over_budget(over);
        Error::at_limit(limit, text)
    })?;
    tree.admit(&process).map_err(refused)?;
    if let Some(parent) = parent {
        parent.children().push(Arc::clone(&process));
    }
    // This comes before it runs, so that its start is the first event of it.
    process.tell_start();
    Ok(process)
}

/// `Process-1` below main, `Process-1:2` below that, as in Python.
pub(crate) fn default_name(kind: &str, lineage: &[u64]) -> String {
    let numbers: Vec<String> = lineage.iter().map(u64::to_string).collect();
    format!("{kind}-{}", numbers.join(":"))
}

fn dispatch(
    process: &Arc<ProcessState>,
    program: &Program,
    shared_slot: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let machinery = process.machinery();
    let placement = &machinery.placement;
    let slot = placement.seat(Sitter {
        slot: shared_slot,
        tree: process.tree.id,
        gate: Arc::clone(&process.gate),
    });
    process.tree.begin_activity();
    let alarm = set_deadline(process);
    let (of_thread, program) = (Arc::clone(process), program.clone());
    let job = Box::new(move || run_and_leave(of_thread, &program, alarm));
    let dispatched = machinery.threads.run(placement, slot, job);
    if dispatched.is_err() {
        placement.leave(process.id);
        process.tree.end_activity();
        if let Some(alarm) = alarm {
            machinery.timer.cancel(alarm);
        }
    }
    dispatched
}

/// All work of a thread for one process. Returns the slot to which the thread is pinned at the end.
fn run_and_leave(
    process: Arc<ProcessState>,
    program: &Program,
    alarm: Option<Alarm>,
) -> Option<Slot> {
    // The seat is given back even if the run panicked.
    bug::contain("life of a process", &process.birth.name, || {
        run::process(&process, program)
    });
    let machinery = process.machinery();
    if let Some(alarm) = alarm {
        machinery.timer.cancel(alarm);
    }
    process.tree.end_activity();
    machinery.placement.leave(process.id)
}

fn set_deadline(process: &Arc<ProcessState>) -> Option<Alarm> {
    let (deadline, timeout) = process.birth.deadline?;
    let weak = Arc::downgrade(process);
    let delay = deadline.saturating_duration_since(Instant::now());
    let alarm = process.machinery().timer.after(delay, move || {
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
            Error::at_limit(LimitKind::CpuTime, cpu_time::tree_used_up(limit))
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

/// Tells placement when a process parks and when it goes on.
#[derive(Debug)]
pub(crate) struct PlacementHooks {
    process: ProcessId,
    slot: Arc<AtomicUsize>,
    tree: Arc<Tree>,
}

impl PlacementHooks {
    /// Hooks for the holder of this process's seat, whose slot is `slot`.
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
        self.tree.machinery().placement.may_spin(slot)
    }

    fn parking(&self) {
        if self.tree.machinery().placement.parking(self.process) {
            self.tree.machinery().rebalance_soon();
        }
        // The wait is recorded: any reader sees it from now on.
        self.tree.end_activity();
    }

    fn unparked(&self) {
        self.tree.begin_activity();
        self.tree.machinery().placement.unparked(self.process);
        // Another process may have the turn. No lock of the host is held where a thread parks.
        kernel::pass();
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
