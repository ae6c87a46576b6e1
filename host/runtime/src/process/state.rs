//! What the host knows of a process.

use crate::crash_report::Frame;
use crate::engine::Engine;
use crate::events::Refusals;
use crate::exit_status::ExitStatus;
use crate::gate::Gate;
use crate::limits::{ProcessLimit, ProcessLimits};
use crate::pool::{Initializer, WorkerLink};
use crate::program::Program;
use crate::rights::Rights;
use crate::tree::Tree;
use crate::vitals::Vitals;
use isopod_sync::{Charge, Completion, Message, OverBudget, ProcessId, Waiter};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the numbers in a default name may take, in bytes. Births may follow each other without end,
/// though few of them live at a time: each process starts the next one and fails.
const LONGEST_LINEAGE_BYTES: usize = 240;

/// The cost of a live process, in bytes: 85 KiB for an idle one, and 64 KiB at most for the exit text of
/// its starter. The instances of its program come on top.
const PRESENCE_BYTES: u64 = 128 << 10;
/// The cost of the record of a process, in bytes, without its exit text.
const RECORD_BYTES: u64 = 8 << 10;

/// What the host knows of a process.
pub(crate) struct ProcessState {
    pub(crate) id: ProcessId,
    pub(crate) name: String,
    pub(crate) task: String,
    pub(crate) is_daemon: bool,
    pub(crate) is_main: bool,
    pub(crate) is_plugin: bool,
    /// Of an instance of a plugin: whether it serves a call.
    pub(crate) is_called: AtomicBool,
    pub(crate) program: Program,
    pub(crate) tree: Arc<Tree>,
    pub(crate) waiter: Arc<Waiter>,
    /// What can pause it.
    pub(crate) gate: Arc<Gate>,
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
    pub(crate) children: Mutex<Vec<Arc<ProcessState>>>,
    /// Why it is to end, if anybody asked; the first one counts.
    pub(crate) requested: Mutex<Option<ExitStatus>>,
    /// What ties it to its pool, if it is a worker.
    pub(crate) worker: Option<WorkerLink>,
    /// Shared with those that it started, which may outlive it.
    pub(crate) status: Arc<Completion<ExitStatus>>,
    /// For its thread, its stacks and its tables, while it lives.
    pub(crate) presence: Mutex<Charge>,
    /// For this record, which lives as long as a handle to the process.
    pub(crate) record: Mutex<Charge>,
    /// What it was refused.
    pub(crate) refusals: Refusals,
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

    /// The charges of a new process of this tree: for its life, and for its record.
    pub(crate) fn charges(tree: &Tree, program: &Program) -> Result<(Charge, Charge), OverBudget> {
        let presence = PRESENCE_BYTES.saturating_add(program.instance_bytes());
        let presence = tree.objects.hold_host_charge(presence)?;
        let record = tree.objects.hold_host_charge(RECORD_BYTES)?;
        Ok((presence, record))
    }

    /// Replaces the charge for the life of the process by one for its exit text and its backtrace.
    pub(crate) fn charge_end(&self, status: &ExitStatus) {
        let frames = self.vitals.backtrace().iter().map(Frame::bytes);
        let told = status.message().unwrap_or_default().len() + frames.sum::<usize>();
        let told = u64::try_from(told).unwrap_or(u64::MAX);
        let mut told = self.tree.objects.count_host_bytes(told);
        let lock = |charge: &Mutex<Charge>| {
            std::mem::take(&mut *charge.lock().unwrap_or_else(PoisonError::into_inner))
        };
        drop(lock(&self.presence));
        told.merge(lock(&self.record));
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }

    /// A number for a new process.
    pub(crate) fn next_id() -> ProcessId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        ProcessId::new(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// How a limit of this process is raised.
    pub(crate) fn raised(&self, limit: ProcessLimit) -> String {
        self.limits.raised(limit, &self.tree.process_limits)
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
        *self.parent_mut()
    }

    pub(crate) fn parent_mut(&self) -> MutexGuard<'_, Option<ProcessId>> {
        self.parent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The live children that it answers for.
    pub(crate) fn children(&self) -> MutexGuard<'_, Vec<Arc<ProcessState>>> {
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
