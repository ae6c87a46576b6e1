//! The record of a process.

use super::entry::Entry;
use super::machinery::Machinery;
use super::role::Role;
use super::tree::Tree;
use super::vitals::Vitals;
use crate::code::Code;
use crate::events::Refusals;
use crate::exit_status::ExitStatus;
use crate::limits::{ProcessLimit, ProcessLimits};
use crate::machine::Gate;
use crate::mutex::lock;
use crate::reports::Frame;
use crate::rights::Rights;
use isopod_sync::{Charge, Completion, Hooks, OverBudget, Party, ProcessId, Waiter};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The longest text of the numbers in a default name, in bytes. A chain of births can be endless although few
/// of its processes live at a time: each process may start the next one and fail.
const LONGEST_LINEAGE_BYTES: usize = 240;

/// The cost of a live process, in bytes: 85 KiB for an idle one, and 64 KiB at most for the exit text of
/// its starter. The instances of its program come on top.
const PRESENCE_BYTES: u64 = 152 << 10;
/// The cost of the record of a process, in bytes, without its exit text.
const RECORD_BYTES: u64 = 8 << 10;

/// The properties that set a process apart from the others of its tree, unchanged from its start to its end.
#[derive(Debug)]
pub(crate) struct Birth {
    pub(crate) name: String,
    /// The name of its task, for people.
    pub(crate) task: String,
    pub(crate) role: Role,
    pub(crate) is_daemon: bool,
    /// The numbers in its default name, its ancestors' first: [1, 2] for `Process-1:2`.
    pub(crate) lineage: Vec<u64>,
    pub(crate) limits: ProcessLimits,
    pub(crate) rights: Arc<Rights>,
    /// When the host ends it, with the timeout that the message names.
    pub(crate) deadline: Option<(Instant, Duration)>,
}

/// The record of a process, alive or dead.
pub(crate) struct ProcessState {
    pub(crate) id: ProcessId,
    pub(crate) birth: Birth,
    pub(crate) code: Arc<Code>,
    pub(crate) tree: Arc<Tree>,
    pub(crate) waiter: Arc<Waiter>,
    /// The gate at which others pause it.
    pub(crate) gate: Arc<Gate>,
    pub(crate) vitals: Arc<Vitals>,
    children_made: AtomicU64,
    /// `process.entry` returns it once; its arguments are charged until then.
    entry: Mutex<Option<(Entry, Charge)>>,
    pub(crate) has_entered: AtomicBool,
    /// Changes when it is adopted.
    parent: Mutex<Option<ProcessId>>,
    /// The process that started it, even if that one has ended since; none for main.
    pub(crate) starter: Option<Arc<Starter>>,
    children: Mutex<Vec<Arc<ProcessState>>>,
    /// The exit status that it was asked to end with, if it was asked; the first request counts.
    pub(super) requested: Mutex<Option<ExitStatus>>,
    /// Shared with the processes that it started, which may outlive it.
    pub(crate) status: Arc<Completion<ExitStatus>>,
    /// The charge for its thread, its stacks and its tables, while it lives.
    presence: Mutex<Charge>,
    /// The charge for this record, which lives as long as a handle to the process.
    record: Mutex<Charge>,
    /// The counts of its refusals.
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

/// The facts that a process can learn about the process that started it, and the end that it can wait for.
///
/// A process keeps nothing else of a parent that has ended, and nothing in here refers to older ancestors.
/// So a live process does not keep a chain of dead ancestors.
#[derive(Debug)]
pub(crate) struct Starter {
    pub(crate) id: ProcessId,
    pub(crate) name: String,
    pub(crate) is_daemon: bool,
    pub(crate) status: Arc<Completion<ExitStatus>>,
}

/// The place of a process on its thread.
pub(crate) struct Seating {
    /// Called when the process parks and when it continues.
    pub(crate) hooks: Arc<dyn Hooks>,
    /// The gate at which others pause it.
    pub(crate) gate: Arc<Gate>,
}

impl ProcessState {
    pub(crate) fn id(&self) -> ProcessId {
        self.id
    }

    /// A new process. It is no member of its tree yet, and no thread runs it.
    ///
    /// # Errors
    /// If the tree's host memory has no room for it.
    pub(crate) fn new(
        id: ProcessId,
        birth: Birth,
        code: &Arc<Code>,
        tree: &Arc<Tree>,
        parent: Option<&Arc<ProcessState>>,
        seating: Seating,
    ) -> Result<Arc<ProcessState>, OverBudget> {
        let presence = PRESENCE_BYTES.saturating_add(code.instance_bytes());
        let presence = tree.objects.hold_host_charge(presence)?;
        let record = tree.objects.hold_host_charge(RECORD_BYTES)?;
        Ok(Arc::new(ProcessState {
            id,
            birth,
            code: Arc::clone(code),
            tree: Arc::clone(tree),
            waiter: Waiter::new(Party::Process(id), seating.hooks),
            gate: seating.gate,
            vitals: Arc::default(),
            children_made: AtomicU64::new(0),
            entry: Mutex::new(None),
            has_entered: AtomicBool::new(false),
            parent: Mutex::new(parent.map(|parent| parent.id)),
            starter: parent.map(|parent| parent.as_starter()),
            children: Mutex::default(),
            requested: Mutex::new(None),
            status: Arc::new(Completion::new()),
            presence: Mutex::new(presence),
            record: Mutex::new(record),
            refusals: Refusals::default(),
        }))
    }

    /// Sets the code that it runs first.
    pub(crate) fn set_entry(&self, entry: Entry, charge: Charge) {
        *lock(&self.entry) = Some((entry, charge));
    }

    /// The code that it runs first; only the first call gets it.
    pub(crate) fn take_entry(&self) -> Option<Entry> {
        let mut entry = lock(&self.entry);
        entry.take().map(|(entry, _charge)| entry)
    }

    /// Replaces the charge for the life of the process with one for its exit text and its backtrace.
    pub(crate) fn charge_end(&self, status: &ExitStatus) {
        let frames = self.vitals.backtrace().iter().map(Frame::bytes);
        let told = status.message().unwrap_or_default().len() + frames.sum::<usize>();
        let told = u64::try_from(told).unwrap_or(u64::MAX);
        let mut told = self.tree.objects.count_host_bytes(told);
        let take = |charge: &Mutex<Charge>| std::mem::take(&mut *lock(charge));
        drop(take(&self.presence));
        told.merge(take(&self.record));
        *lock(&self.record) = told;
    }

    /// An id for a new process.
    pub(crate) fn next_id() -> ProcessId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        ProcessId::new(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Text that says how to raise a limit of this process.
    pub(crate) fn raised(&self, limit: ProcessLimit) -> String {
        self.birth.limits.raised(limit, &self.tree.process_limits)
    }

    pub(crate) fn machinery(&self) -> &Arc<Machinery> {
        self.tree.machinery()
    }

    /// The logical CPU that it is pinned to; none after the process has left it.
    pub(crate) fn core(&self) -> Option<usize> {
        let placement = &self.machinery().placement;
        placement.core_of(placement.slot_of(self.id)?)
    }

    pub(crate) fn waiter(&self) -> &Arc<Waiter> {
        &self.waiter
    }

    /// The number of a new child, after the numbers of its ancestors; only of the nearest, if there are many.
    pub(crate) fn next_lineage(&self) -> Vec<u64> {
        let number = self.children_made.fetch_add(1, Ordering::Relaxed) + 1;
        lineage(&self.birth.lineage, number)
    }

    /// This process, as the processes that it starts see it.
    pub(crate) fn as_starter(&self) -> Arc<Starter> {
        Arc::new(Starter {
            id: self.id,
            name: self.birth.name.clone(),
            is_daemon: self.birth.is_daemon,
            status: Arc::clone(&self.status),
        })
    }

    pub(crate) fn parent(&self) -> Option<ProcessId> {
        *self.parent_mut()
    }

    pub(crate) fn parent_mut(&self) -> MutexGuard<'_, Option<ProcessId>> {
        lock(&self.parent)
    }

    /// The live children that it is responsible for.
    pub(crate) fn children(&self) -> MutexGuard<'_, Vec<Arc<ProcessState>>> {
        lock(&self.children)
    }
}

impl std::fmt::Debug for ProcessState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ProcessState")
            .field("id", &self.id)
            .field("name", &self.birth.name)
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
