//! CPython's `test_concurrent_futures/test_deadlock.py`, under its names: the cases that hang its
//! `multiprocessing.Pool`. See `tests/guests/src/deadlocks.rs`.

use isopod_tests::succeeds;

fn holds(scenario: &str) {
    succeeds(&format!("ExecutorDeadlockTest.{scenario}"));
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
