//! A test that needs an operating-system process of its own runs itself again in one.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::process::{Command, Output, Stdio};

/// The command that runs this test of the program, and no other. `module` is the test's `module_path!()`.
///
/// # Panics
/// If this program's own path is not known.
#[must_use]
pub fn rerun(module: &str, test: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    // The first part is the program's own name.
    let name = match module.split_once("::") {
        Some((_, module)) => format!("{module}::{test}"),
        None => test.to_owned(),
    };
    let mut command = Command::new(this);
    command
        .args(["--exact", &name, "--nocapture"])
        .stdout(Stdio::piped());
    command
}

/// Asserts that the test of [`rerun`] ran and passed: a run of no test at all passes too.
///
/// # Panics
/// If the test did not run, or did not pass.
pub fn assert_passed(output: std::io::Result<Output>) {
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{}: {text}",
        output.status
    );
}
