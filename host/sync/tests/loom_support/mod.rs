//! The parts that the models share.

use std::sync::Arc;

use isopod_sync::{Hooks, Party, ProcessId, Waiter};

struct NoHooks;
impl Hooks for NoHooks {}

/// The waiter of the process with this number, which never spins.
#[allow(dead_code, reason = "not every model has processes")]
pub(crate) fn waiter(number: u64) -> Arc<Waiter> {
    Waiter::new(Party::Process(ProcessId::new(number)), Arc::new(NoHooks))
}

/// Explores a model, with at most this many preemptions. One model at a time: they use the same few
/// processes.
pub(crate) fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}
