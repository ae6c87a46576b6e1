//! Pinning of the benchmark's own threads.

use anyhow::Result;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Pins the calling thread for good.
pub(crate) fn pin(core: usize) -> Result<()> {
    pin_to_any(&[core])
}

/// Pins the calling thread to all of these cores for good; without cores it may run on all.
pub(crate) fn pin_to_any(cores: &[usize]) -> Result<()> {
    if cores.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// Pins the calling thread until this is dropped.
pub(crate) struct Pinned {
    before: CpuSet,
}

impl Pinned {
    pub(crate) fn to(core: usize) -> Result<Pinned> {
        let before = sched_getaffinity(None)?;
        pin(core)?;
        Ok(Pinned { before })
    }

    /// Pins to the first of the cores, where measured loops run; does not pin without cores.
    pub(crate) fn to_first(cores: &[usize]) -> Result<Option<Pinned>> {
        cores.first().map(|core| Pinned::to(*core)).transpose()
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // These cores were allowed before.
        let _ = sched_setaffinity(None, &self.before);
    }
}
