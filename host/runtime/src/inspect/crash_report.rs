//! Crash reports: which ends have one, and the frames of a guest that was stopped.

use crate::exit_status::ExitStatus;
use crate::life::ProcessState;
use crate::reports::{CrashReport, Frame};
use isopod_text::function_name;
use std::sync::atomic::Ordering;
use wasmtime::{FrameInfo, WasmBacktrace};

/// The most frames that are kept. The engine's backtrace has no more calls than these.
const MOST_FRAMES: usize = 64;

/// The report on a process that ends, or has ended, with `status`; none if that end needs no report.
pub(crate) fn of(process: &ProcessState, status: &ExitStatus) -> Option<CrashReport> {
    if !is_crash(status) {
        return None;
    }
    let vitals = &process.vitals;
    let message = status.message().unwrap_or_default();
    let cause = match status {
        // In the message, the backtrace follows the kind of the trap.
        ExitStatus::Trapped(_) => message.lines().next().unwrap_or_default(),
        _ => message,
    };
    Some(CrashReport {
        process: process.id,
        name: process.birth.name.clone(),
        task: process.birth.task.clone(),
        job: process.birth.role.worker().and_then(|worker| worker.job()),
        kind: status.kind(),
        cause: cause.to_owned(),
        backtrace: vitals.backtrace().to_vec(),
        core: vitals.core_at_end().or_else(|| process.core()),
        last_host_call: vitals.last_host_call(),
        memory_bytes: vitals.memory_bytes.load(Ordering::Relaxed),
    })
}

/// The frames of the guest that an error came out of; none if it came from elsewhere.
pub(crate) fn frames_of(error: &wasmtime::Error) -> Vec<Frame> {
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    let frames = backtrace.map(WasmBacktrace::frames).unwrap_or_default();
    frames.iter().take(MOST_FRAMES).map(frame_at).collect()
}

fn is_crash(status: &ExitStatus) -> bool {
    match status {
        ExitStatus::Exited(_)
        | ExitStatus::Failed(_)
        | ExitStatus::Terminated
        | ExitStatus::Killed => false,
        ExitStatus::Trapped(_)
        | ExitStatus::MemoryLimit(_)
        | ExitStatus::CpuTimeLimit(_)
        | ExitStatus::Deadline(_)
        | ExitStatus::Limit(_)
        | ExitStatus::Deadlock(_)
        | ExitStatus::Other(_) => true,
    }
}

fn frame_at(frame: &FrameInfo) -> Frame {
    Frame {
        function: match frame.func_name() {
            Some(name) => function_name(name),
            None => format!("function {}", frame.func_index()),
        },
        offset: frame.module_offset(),
    }
}
