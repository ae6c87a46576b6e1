//! Reports on processes for the embedder: their data and their text. The modules that use this one make them.

mod crash_report;
mod deadlock;
mod wait;
mod wait_text;

pub(crate) use crash_report::with_backtrace;
pub use crash_report::{CrashReport, Frame};
pub use deadlock::{Deadlock, Deadlocked, OnDeadlock};
pub use wait::{RunState, Wait, WaitedObject};
