//! The work of a process's thread: sets a guest up, runs it, takes it down.

use super::report::report;
use super::verdict::{failed, requested};
use super::{cpu_time, ending};
use crate::bug;
use crate::exit_status::ExitStatus;
use crate::guest::{Passes, Program, State, new_store};
use crate::life::{Birth, ProcessState};
use crate::machine::{kernel, threads};
use crate::stdio::Lines;
use isopod_sync::End;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wasmtime::Store;

/// Runs a process from its first instruction to its published end, on the calling thread.
pub(super) fn process(process: &Arc<ProcessState>, program: &Program) {
    let Birth { name, task, .. } = &process.birth;
    threads::name_current(name);
    let span =
        tracing::debug_span!("process", id = %process.id, name, task, tree = process.tree.id);
    let _span = span.enter();
    tracing::debug!(process = %process.id, name, task, "process started");
    let placement = &process.machinery().placement;
    let thread = threads::current_id();
    placement.begin(process.id, thread);
    process.vitals.begin(thread);
    let _waiter = process.waiter.enter();
    let _io = process.machinery().enter_io();
    let cpu_alarm = cpu_time::watch(process);
    let status = bug::contain("run of a guest", name, || {
        let code = process.code.addresses();
        kernel::in_guest(&process.gate, &process.waiter, code, || {
            guest(process, program)
        })
    });
    if let Some(alarm) = cpu_alarm {
        process.machinery().timer.cancel(alarm);
    }
    let status = status.unwrap_or_else(|| after_panic(process));
    process.vitals.end(process.core());
    ending::end(process, status);
}

/// The end of a guest on whose behalf host code panicked. The panic has dropped its store, with its handles
/// and its memory.
fn after_panic(process: &Arc<ProcessState>) -> ExitStatus {
    let status = ExitStatus::Other(bug::TOLD.to_owned());
    bug::contain(
        "release of what a process owned",
        &process.birth.name,
        || {
            process.waiter.end(End::Abandoned);
            drop(process.take_entry());
        },
    );
    bug::contain("report of an end", &process.birth.name, || {
        let surroundings = &process.tree.surroundings;
        let timer = &process.machinery().timer;
        let stdout = Lines::new(surroundings.stdout.clone(), timer);
        let stderr = Lines::new(surroundings.stderr.clone(), timer);
        report(process, &status, &stdout, &stderr);
    });
    status
}

/// Runs the guest and takes it down again. Its locks and handles are gone when this returns.
fn guest(process: &Arc<ProcessState>, program: &Program) -> ExitStatus {
    let mut store = match new_store(process, program, Passes::Charged) {
        Ok(store) => store,
        Err(error) => {
            process.waiter.end(End::Abandoned);
            return ExitStatus::Other(format!("the process could not be set up: {error:#}"));
        }
    };
    let charging = store.data_mut().charge_arguments();
    let status = match process.is_to_end() {
        true => requested(process),
        false => call(process, program, &mut store),
    };
    drop(charging);
    process.vitals.last_called(store.data().last_host_call);
    let (stdout, stderr) = store.data().streams();
    // Locks go first, then the handles (the table), then the guest's memory, which may take long.
    process.waiter.end(match status.is_normal() {
        true => End::Normal,
        false => End::Abandoned,
    });
    let table = store.data_mut().close_all();
    let entry = process.take_entry();
    isopod_sync::drop_together((table, entry));
    report(process, &status, &stdout, &stderr);
    drop(store);
    status
}

fn call(process: &Arc<ProcessState>, program: &Program, store: &mut Store<State>) -> ExitStatus {
    let command = match program.command() {
        Ok(command) => command,
        Err(error) => return ExitStatus::Failed(error.to_string()),
    };
    let ran = process.waiter.block_on(async {
        let command = command.instantiate_async(&mut *store).await?;
        command.wasi_cli_run().call_run(&mut *store).await
    });
    match ran {
        Err(isopod_sync::Killed) => requested(process),
        Ok(Err(error)) => failed(process, store.data(), &error),
        Ok(Ok(result)) => {
            let code = i32::from(result.is_err());
            match process.birth.role.is_main() || process.has_entered.load(Ordering::Relaxed) {
                true => ExitStatus::Exited(code),
                false => ExitStatus::Failed(
                    "the process never asked for its entry, so its task was not run: is `main` marked with `#[isopod::main]`?"
                        .to_owned(),
                ),
            }
        }
    }
}
