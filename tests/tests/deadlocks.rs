//! CPython's `test_concurrent_futures/test_deadlock.py`, under its names: what hangs its
//! `multiprocessing.Pool`. See `tests/guests/src/deadlocks.rs`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use isopod_host::ExitStatus;
use isopod_tests::Bench;

fn holds(scenario: &str) {
    let scenario = format!("ExecutorDeadlockTest.{scenario}");
    let finished = Bench::new().unwrap().run(&scenario).unwrap();
    assert_eq!(
        finished.status,
        ExitStatus::Exited(0),
        "{scenario}: {}",
        finished.stderr
    );
}

#[test]
fn crash_during_func_exec_on_worker() {
    holds("test_crash_during_func_exec_on_worker");
}

#[test]
fn exit_during_func_exec_on_worker() {
    holds("test_exit_during_func_exec_on_worker");
}

#[test]
fn error_during_result_unpickle_in_result_handler() {
    holds("test_error_during_result_unpickle_in_result_handler");
}

#[test]
fn crash_big_data() {
    holds("test_crash_big_data");
}

#[test]
fn shutdown_deadlock() {
    holds("test_shutdown_deadlock");
}
