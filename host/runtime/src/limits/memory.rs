//! The memory limit of a process.

use crate::vitals::Vitals;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wasmtime::ResourceLimiter;

/// Bounds a guest's linear memories together, and remembers if it ever refused.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    limit_bytes: Option<u64>,
    /// Shared with whoever looks at the process from outside.
    vitals: Arc<Vitals>,
    refused_bytes: Option<u64>,
}

impl MemoryLimit {
    pub(crate) fn new(limit_bytes: Option<u64>, vitals: &Arc<Vitals>) -> MemoryLimit {
        MemoryLimit {
            limit_bytes,
            vitals: Arc::clone(vitals),
            refused_bytes: None,
        }
    }

    /// What a guest that failed after a refusal is told; none if nothing was refused.
    pub(crate) fn refused(&self) -> Option<String> {
        let wanted = self.refused_bytes?;
        let limit = self.limit_bytes?;
        Some(format!(
            "memory limit of {} reached: {} were wanted",
            bytes(limit),
            bytes(wanted)
        ))
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX);
        let wanted = self.vitals.memory_bytes().saturating_add(growth);
        if self.limit_bytes.is_some_and(|limit| wanted > limit) {
            self.refused_bytes = Some(wanted);
            return Ok(false);
        }
        // Only the process's own thread writes it.
        self.vitals.memory_bytes.store(wanted, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The pool bounds tables by their slots.
        Ok(true)
    }
}

/// What whoever exceeds a tree's limit on queued bytes is told.
pub(crate) fn over_budget(limit_bytes: u64) -> String {
    format!(
        "the messages queued by this tree of processes would exceed its limit of {}",
        bytes(limit_bytes)
    )
}

/// `16 MiB`, `1.5 MiB`, `100 bytes`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (unit, name) in UNITS {
        if count >= unit {
            let tenths = u128::from(count) * 10 / u128::from(unit);
            return match tenths % 10 {
                0 => format!("{} {name}", tenths / 10),
                tenth => format!("{}.{tenth} {name}", tenths / 10),
            };
        }
    }
    format!("{count} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(bytes(16 << 20), "16 MiB");
        assert_eq!(bytes(3 << 19), "1.5 MiB");
        assert_eq!(bytes(100), "100 bytes");
    }

    #[test]
    fn memories_count_together() {
        let mut limit = MemoryLimit::new(Some(100), &Arc::default());
        assert!(limit.memory_growing(0, 60, None).is_ok_and(|grown| grown));
        assert!(limit.memory_growing(0, 60, None).is_ok_and(|grown| !grown));
        assert!(limit.refused().is_some());
    }
}
