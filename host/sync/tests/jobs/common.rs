//! Code that the tests of jobs share with the fuzz target.

use std::sync::Arc;

use isopod_sync::{Holder, Hooks, Outcome, Party, ProcessId, Waiter};

pub(crate) type Jobs = isopod_sync::Jobs<&'static str>;

pub(crate) struct NoHooks;
impl Hooks for NoHooks {}

pub(crate) const OWNER: Holder = Holder::Process(ProcessId::new(9));

/// The charge for a job apart from the payload of its message.
pub(crate) const JOB_BYTES: u64 = 512;

pub(crate) fn waiter(process: ProcessId) -> Arc<Waiter> {
    Waiter::new(Party::Process(process), Arc::new(NoHooks))
}

/// An outcome in short.
pub(crate) fn text(outcome: &Outcome<&'static str>) -> String {
    match outcome {
        Outcome::Value(message) => format!("value {}", message.bytes[0]),
        Outcome::Failed(text) => format!("failed: {text}"),
        Outcome::Panicked(text) => format!("panicked: {text}"),
        Outcome::WorkerLost(how) => format!("lost: {how}"),
        Outcome::Cancelled(reason) => format!("cancelled: {reason}"),
        Outcome::PoolBroken(reason) => format!("broken: {reason}"),
    }
}

pub(crate) const TERMINATED: &str = "cancelled: the pool was terminated before the job was begun";

pub(crate) const GIVEN_UP: &str = "cancelled: another job of a batch that fails fast has failed";
