//! How a process ended, derived from the cause that stopped its guest.

use crate::exit_status::ExitStatus;
use crate::guest::{State, Stop};
use crate::inspect::crash_report;
use crate::life::ProcessState;
use crate::limits;
use crate::reports::with_backtrace;
use wasmtime::Trap;
use wasmtime::component::ResourceTableError;
use wasmtime_wasi::I32Exit;

/// Derives how the guest ended from the error that ended it.
pub(crate) fn failed(process: &ProcessState, state: &State, error: &wasmtime::Error) -> ExitStatus {
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        return ExitStatus::Exited(*code);
    }
    if let Some(Stop::Now(status)) = error.downcast_ref::<Stop>() {
        return status.clone();
    }
    process.vitals.stopped_at(crash_report::frames_of(error));
    if process.waiter.is_killed() {
        return requested(process);
    }
    // In our own calls the guest receives a full table as an error, where the call can return one.
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let (limit, text) = state.full_table();
        process.tell_limit_of_end(limit, &text);
        return ExitStatus::Limit(text);
    }
    if let Some(refused) = state.memory.refused() {
        return ExitStatus::MemoryLimit(refused);
    }
    let cause = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    let backtrace = process.vitals.backtrace();
    let text = with_backtrace(&cause, backtrace);
    ExitStatus::Trapped(limits::cut(text, limits::LONGEST_STATUS_BYTES))
}

/// The end for which the request asked.
pub(crate) fn requested(process: &ProcessState) -> ExitStatus {
    // The request is noted before the waiter is killed.
    process.requested().unwrap_or(ExitStatus::Killed)
}
