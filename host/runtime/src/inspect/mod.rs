//! Inspection of processes: their states and waits, deadlocks, crash reports, and what a tree has used.

pub(crate) mod crash_report;
pub(crate) mod deadlock;
pub(crate) mod waits;

pub use crate::life::TreeUsage;
pub use crate::reports::{
    CrashReport, Deadlock, Deadlocked, Frame, OnDeadlock, RunState, Wait, WaitedObject,
};
