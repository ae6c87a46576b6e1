//! The memory limit of a process: its linear memories, and its tables.

use crate::life::{ProcessState, Vitals};
use crate::limit_kind::LimitKind;
use crate::limits::{Account, ProcessLimit, ProcessLimits, bytes};
use crate::machine::per_process::{
    CORE_INSTANCES_PER_PROCESS, MEMORIES_PER_PROCESS, TABLES_PER_PROCESS,
};
use isopod_sync::Charge;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wasmtime::ResourceLimiter;

/// An element of a table: the address of a function.
const ELEMENT_BYTES: u64 = 8;

/// Bounds a guest's linear memories together and its tables together, and remembers whether it ever
/// refused. The bytes of the memories are charged to the tree until this is dropped.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    limits: ProcessLimits,
    tree: Arc<Account>,
    used_bytes: u64,
    /// Makes `used_bytes` visible from outside.
    vitals: Arc<Vitals>,
    used_elements: u64,
    /// The charge for the tables' cost to the host.
    tables: Charge,
    refused: Option<String>,
    /// The process that reports a refusal.
    process: Option<Arc<ProcessState>>,
}

impl MemoryLimit {
    pub(crate) fn new(
        limits: ProcessLimits,
        tree: &Arc<Account>,
        vitals: &Arc<Vitals>,
    ) -> MemoryLimit {
        MemoryLimit {
            limits,
            tree: Arc::clone(tree),
            used_bytes: 0,
            vitals: Arc::clone(vitals),
            used_elements: 0,
            tables: Charge::default(),
            refused: None,
            process: None,
        }
    }

    /// The same, with refusals reported by this process.
    pub(crate) fn told_by(mut self, process: &Arc<ProcessState>) -> MemoryLimit {
        self.process = Some(Arc::clone(process));
        self
    }

    /// The text for a guest that failed after a refusal; none if nothing was refused.
    pub(crate) fn refused(&self) -> Option<String> {
        self.refused.clone()
    }

    /// Forgets the refusal: a later failure has another reason.
    pub(crate) fn forget_refusal(&mut self) {
        self.refused = None;
    }

    /// Text that says how to raise the limit of the process.
    fn raised(&self) -> String {
        let given = self.process.as_ref();
        let given = given.map_or(self.limits, |process| process.tree.process_limits);
        self.limits.raised(ProcessLimit::Memory, &given)
    }

    fn refuse(&mut self, limit: LimitKind, text: String) -> wasmtime::Result<bool> {
        if let Some(process) = &self.process {
            process.tell_refusal(limit, &text);
        }
        self.refused = Some(text);
        Ok(false)
    }
}

impl ResourceLimiter for MemoryLimit {
    // A growth that is allowed here and fails later stays charged until the process ends. wasmtime also
    // reports failures of growths that it never asked about here, so a guest could get a refund for
    // nothing.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = growth(current, desired);
        let wanted = self.used_bytes.saturating_add(growth);
        let limit = self.limits.memory_bytes;
        if wanted > limit {
            return self.refuse(
                LimitKind::Memory,
                format!(
                    "memory limit of {} reached: {} were wanted; {}",
                    bytes(limit),
                    bytes(wanted),
                    self.raised()
                ),
            );
        }
        if let Err(wanted) = self.tree.charge(growth) {
            return self.refuse(LimitKind::Memory, format!(
                "memory limit of {} for the whole tree of processes reached: {} were wanted; raise it with `Limits::tree_memory` or `--tree-memory`",
                bytes(self.tree.limit()),
                bytes(wanted)
            ));
        }
        self.used_bytes = wanted;
        // Only the process's own thread writes it.
        self.vitals.memory_bytes.store(wanted, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The pool bounds each table by its slot; this bounds them together, and without a pool too.
        let wanted = self.used_elements.saturating_add(growth(current, desired));
        let limit = self.limits.table_elements;
        if wanted > limit {
            return self.refuse(LimitKind::Memory, format!(
                "table limit of {limit} elements reached: {wanted} were wanted; raise it with `Limits::table_elements`"
            ));
        }
        if let Some(process) = &self.process {
            let objects = &process.tree.objects;
            match objects.hold_host_charge(growth(current, desired).saturating_mul(ELEMENT_BYTES)) {
                Ok(charge) => self.tables.merge(charge),
                Err(over) => {
                    let (limit, text) = process.tree.over_budget(over);
                    return self.refuse(limit, text);
                }
            }
        }
        self.used_elements = wanted;
        Ok(true)
    }

    // The bounds of the pool of instances. Without a pool, there are no others.

    fn instances(&self) -> usize {
        CORE_INSTANCES_PER_PROCESS as usize
    }

    fn tables(&self) -> usize {
        TABLES_PER_PROCESS as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_PER_PROCESS as usize
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        self.tree.credit(self.used_bytes);
    }
}

fn growth(current: usize, desired: usize) -> u64 {
    u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(memory_bytes: u64, tree: &Arc<Account>) -> MemoryLimit {
        let limits = ProcessLimits {
            memory_bytes,
            table_elements: 100,
            ..ProcessLimits::default()
        };
        MemoryLimit::new(limits, tree, &Arc::default())
    }

    fn grows(limit: &mut MemoryLimit, current: usize, desired: usize) -> bool {
        limit
            .memory_growing(current, desired, None)
            .is_ok_and(|grown| grown)
    }

    #[test]
    fn memories_count_together() {
        let tree = Arc::new(Account::new(1_000));
        let mut limit = limit(100, &tree);
        assert!(grows(&mut limit, 0, 60));
        assert!(!grows(&mut limit, 0, 60));
        assert!(limit.refused().is_some());
    }

    #[test]
    fn processes_of_a_tree_count_together_while_they_live() {
        let tree = Arc::new(Account::new(100));
        let (mut first, mut second) = (limit(100, &tree), limit(100, &tree));
        assert!(grows(&mut first, 10, 70));
        assert!(!grows(&mut second, 0, 60));
        let refused = second.refused().unwrap_or_default();
        assert!(
            refused.contains("tree of processes reached: 120 bytes were wanted"),
            "{refused}"
        );
        drop(first);
        assert!(grows(&mut second, 0, 60));
    }

    #[test]
    fn tables_count_together() {
        let tree = Arc::new(Account::new(0));
        let mut limit = limit(0, &tree);
        assert!(limit.table_growing(0, 60, None).is_ok_and(|grown| grown));
        assert!(limit.table_growing(60, 90, None).is_ok_and(|grown| grown));
        assert!(limit.table_growing(0, 11, None).is_ok_and(|grown| !grown));
        let refused = limit.refused().unwrap_or_default();
        assert!(refused.starts_with("table limit of 100 elements reached: 101 were wanted"));
    }
}
