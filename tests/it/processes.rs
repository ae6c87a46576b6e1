//! Processes: CPython's own tests under their names. See `tests/guests/src/lifetimes.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_tests::succeeds;

/// Runs a scenario that must succeed and returns its standard output.
fn output(scenario: &str) -> String {
    succeeds(scenario).stdout
}

macro_rules! scenarios {
    ($($test:ident => $scenario:literal,)*) => {
        $(
            #[test]
            fn $test() {
                output($scenario);
            }
        )*
    };
}

scenarios! {
    process_test_daemon_argument => "Process.test_daemon_argument",
    process_test_process => "Process.test_process",
    process_test_parent_process => "Process.test_parent_process",
    process_test_parent_process_attributes => "Process.test_parent_process_attributes",
    process_test_active_children => "Process.test_active_children",
    process_test_recursion => "Process.test_recursion",
    process_test_sentinel => "Process.test_sentinel",
    process_test_many_processes => "Process.test_many_processes",
    subclassing_process_test_subclassing => "SubclassingProcess.test_subclassing",
}

#[test]
fn process_test_current() {
    assert_eq!(
        output("Process.test_current"),
        "<Process name='MainProcess' parent=None started>\n"
    );
}

#[test]
fn process_test_terminate() {
    assert_eq!(output("Process.test_terminate"), "true\n");
}

#[test]
fn process_test_kill() {
    assert_eq!(output("Process.test_kill"), "true\n");
}

#[test]
fn process_test_close() {
    assert_eq!(
        output("Process.test_close"),
        "process `Process-1` has not ended: join it first\nprocess `Process-1` is closed\n"
    );
}

#[test]
fn subclassing_process_test_sys_exit() {
    let finished = succeeds("SubclassingProcess.test_sys_exit");
    let expected: String = [0, 1, 8, 256, -1, 1000]
        .map(|code| format!("leaves with {code}\n"))
        .concat();
    assert_eq!(finished.stdout, expected);
    assert_eq!(finished.stderr, "Process Process-7:\nignore this\n");
}

#[test]
fn subclassing_process_test_stderr_flush() {
    let finished = succeeds("SubclassingProcess.test_stderr_flush");
    assert_eq!(finished.stdout, "unfinished output");
    let text = finished.stderr;
    let (before, after) = text.split_once("Process Process-1:\n").unwrap();
    assert!(before.starts_with("unfinished"), "{text}");
    assert!(
        after.contains("index out of bounds") && after.contains("lifetimes.rs:"),
        "{text}"
    );
}
