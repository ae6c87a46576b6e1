//! Inspection of processes: their states and waits, deadlocks, crash reports.

pub(crate) mod crash_report;
pub(crate) mod deadlock;
pub(crate) mod waits;
