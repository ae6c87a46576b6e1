//! What can be seen of processes: what each does and waits for, deadlocks, crash reports.

pub(crate) mod crash_report;
pub(crate) mod deadlock;
pub(crate) mod waits;
