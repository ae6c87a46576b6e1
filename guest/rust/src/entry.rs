//! The entry of a process, which decides whether it runs the program's main body, a task, or the jobs of a
//! pool.

use crate::bindings::process::{self, EntryPoint};
use crate::{Error, task, worker};
use std::panic::PanicHookInfo;
use std::process::{ExitCode, Termination};

/// Runs `main` in the main process, and the task or jobs in any other.
///
/// A task that ends normally returns from this function, as main does. With `exit`, the host would unwind
/// this process and capture a backtrace, which costs as much as a third of a start.
pub fn start<T: Termination>(main: fn() -> T) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        worker::flush();
        process::fail(&describe(info));
    }));
    match process::entry() {
        EntryPoint::Main => main().report(),
        EntryPoint::Task(message) => end(task::run_message(message, Vec::new()).map(drop)),
        EntryPoint::Worker(initializer) => end(worker::run(initializer)),
    }
}

/// Ends a process other than main.
fn end(result: Result<(), Error>) -> ExitCode {
    if let Err(error) = result {
        worker::flush();
        process::fail(&error.to_string());
        unreachable!("`fail` does not return")
    }
    ExitCode::SUCCESS
}

/// The text of a panic: `panicked at src/main.rs:10:5: boom`.
pub(crate) fn describe(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("(the panic has no text)");
    match info.location() {
        Some(location) => format!("panicked at {location}: {message}"),
        None => format!("panicked: {message}"),
    }
}
