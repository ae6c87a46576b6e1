//! A test that needs an operating-system process of its own runs itself once more.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::process::{Command, Output, Stdio};

/// The command that runs one test of this program, and no other. `module` is the test's `module_path!()`.
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

/// Holds that the test of [`rerun`] was run and has passed: no test at all passes too.
///
/// # Panics
/// If it was not, or has not.
pub fn assert_passed(output: std::io::Result<Output>) {
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{}: {text}",
        output.status
    );
}
