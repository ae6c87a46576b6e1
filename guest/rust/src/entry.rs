//! The one door of a process: is it to run the program's main body, or a task?

use crate::bindings::process::{self, EntryPoint};
use crate::task;
use std::panic::PanicHookInfo;
use std::process::{ExitCode, Termination};

/// Runs `main` in the main process, and in any other its task.
///
/// A task that ends in order returns from here, as main does: `exit` would have the host unwind
/// this process and capture a backtrace, which costs as much as a third of a start.
pub fn start<T: Termination>(main: fn() -> T) -> ExitCode {
    std::panic::set_hook(Box::new(|info| process::fail(&describe(info))));
    match process::entry() {
        EntryPoint::Main => main().report(),
        EntryPoint::Task(message) => match task::run_message(message) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                flush();
                process::fail(&error.to_string());
                unreachable!("`fail` does not return")
            }
        },
    }
}

/// The text of a panic: `panicked at src/main.rs:10:5: boom`.
fn describe(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("(the panic has no text)");
    match info.location() {
        Some(location) => format!("panicked at {location}: {message}"),
        None => format!("panicked: {message}"),
    }
}

/// Writes what standard output still holds. A failure to do so has no one left to be told to.
fn flush() {
    use std::io::Write;
    let _ = std::io::stdout().flush();
}
