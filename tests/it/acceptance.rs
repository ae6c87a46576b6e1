//! `tests/ACCEPTANCE.md` names each of CPython's tests that are re-created here, and each pain of its
//! users, with our test of it. Every test that it names exists.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use isopod_tests::root;
use std::collections::BTreeSet;
use std::fs;

/// The tests of `Lib/test/_test_multiprocessing.py`, without the underscores of their classes, and those of
/// `Lib/test/test_concurrent_futures/test_deadlock.py`.
const CPYTHON: [&str; 61] = [
    "Process.test_process",
    "Process.test_parent_process",
    "Process.test_terminate",
    "Process.test_kill",
    "Process.test_recursion",
    "Process.test_sentinel",
    "Process.test_close",
    "Process.test_many_processes",
    "SubclassingProcess.test_subclassing",
    "SubclassingProcess.test_sys_exit",
    "Queue.test_put",
    "Queue.test_get",
    "Queue.test_fork",
    "Queue.test_task_done",
    "Queue.test_closed_queue_put_get_exceptions",
    "Lock.test_rlock",
    "Semaphore.test_timeout",
    "Condition.test_notify_n",
    "Condition.test_waitfor_timeout",
    "Event.test_event",
    "Barrier.test_abort_and_reset",
    "Barrier.test_thousand",
    "Value.test_value",
    "Array.test_array",
    "SharedMemory.test_shared_memory_across_processes",
    "Pool.test_async_timeout",
    "Pool.test_imap",
    "Pool.test_imap_unordered_handle_iterable_exception",
    "Pool.test_map_async_callbacks",
    "Pool.test_terminate",
    "Pool.test_traceback",
    "Pool.test_map_no_failfast",
    "PoolWorkerErrors.test_unpickleable_result",
    "PoolWorkerLifetime.test_pool_worker_lifetime_early_close",
    "Connection.test_connection",
    "Connection.test_spawn_close",
    "Containers.test_dict_proxy_nested",
    "Containers.test_namespace",
    "MyManager.test_mymanager",
    "TestWait.test_wait",
    "TestInitializers.test_pool_initializer",
    "TestNoForkBomb.test_noforkbomb",
    "Process.test_current",
    "Process.test_daemon_argument",
    "Process.test_parent_process_attributes",
    "Process.test_active_children",
    "SubclassingProcess.test_stderr_flush",
    "Queue.test_qsize",
    "Lock.test_lock",
    "Semaphore.test_bounded_semaphore",
    "Barrier.test_wait_return",
    "SharedMemory.test_shared_memory_ShareableList_basics",
    "Pool.test_map",
    "Poll.test_boundaries",
    "Containers.test_list",
    "SyncManagerTypes.test_barrier",
    "ExecutorDeadlockTest.test_crash_during_func_exec_on_worker",
    "ExecutorDeadlockTest.test_exit_during_func_exec_on_worker",
    "ExecutorDeadlockTest.test_error_during_result_unpickle_in_result_handler",
    "ExecutorDeadlockTest.test_crash_big_data",
    "ExecutorDeadlockTest.test_shutdown_deadlock",
];

const PAINS: usize = 16;

/// The cells of each row of the table below a heading, without the head of the table.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("tests/ACCEPTANCE.md")).unwrap();
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(|cell| cell.trim().to_owned()))
        .map(Iterator::collect)
        .skip(1)
        .collect()
}

/// The texts between back-quotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Whether a file of tests has a test of this name, as a function or in its table of scenarios.
fn has_test(file: &str, test: &str) -> bool {
    let Ok(text) = fs::read_to_string(root().join(file)) else {
        return false;
    };
    let function = format!("#[test]\nfn {test}() {{\n");
    let scenario = format!("\n    {test} =>");
    text.contains(&function) || text.contains(&scenario)
}

/// The tests that a cell names, each as a pair of its file and its name, after a check that they exist.
fn tests<'a>(row: &str, cell: &'a str) -> Vec<(&'a str, &'a str)> {
    let names = quoted(cell);
    assert!(
        names.len().is_multiple_of(2),
        "{row}: `file` `test`: {cell}"
    );
    let tests: Vec<(&str, &str)> = names.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    for (file, test) in &tests {
        assert!(has_test(file, test), "{row}: there is no {test} in {file}");
    }
    tests
}

#[test]
fn each_test_of_cpython_has_its_state() {
    let scenarios = fs::read_to_string(root().join("tests/guests/src/main.rs")).unwrap();
    let mut listed = BTreeSet::new();
    for row in rows("CPython's tests") {
        let [name, ours, state] = row.as_slice() else {
            panic!("three cells: {row:?}");
        };
        let name = *quoted(name)
            .first()
            .unwrap_or_else(|| panic!("no name: {row:?}"));
        assert!(CPYTHON.contains(&name), "not of the list: {name}");
        assert!(listed.insert(name.to_owned()), "listed twice: {name}");
        let tests = tests(name, ours);
        let (state, reason) = state.split_once(": ").unwrap_or((state, ""));
        match state {
            "same" => {}
            "differs" => assert!(!reason.is_empty(), "{name} differs: how?"),
            "absent" => {
                assert!(!reason.is_empty(), "{name} is absent: why?");
                assert!(tests.is_empty(), "{name} is absent, and has a test");
                continue;
            }
            other => panic!("{name}: no such state: {other}"),
        }
        assert!(!tests.is_empty(), "{name} has no test");
        // Whole commands have no scenario among the guests.
        let is_guest = tests.iter().any(|(file, _)| file.starts_with("tests/it/"));
        let scenario = format!("[\"{name}\"");
        assert!(
            !is_guest || scenarios.contains(&scenario),
            "no guest is called {name}"
        );
    }
    for name in CPYTHON {
        assert!(listed.contains(name), "not listed: {name}");
    }
}

#[test]
fn each_pain_has_its_answer() {
    let rows = rows("The pains of multiprocessing's users");
    let numbers: Vec<usize> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(numbers, (1..=PAINS).collect::<Vec<_>>());
    for row in &rows {
        let [number, pain, answer, ours] = row.as_slice() else {
            panic!("four cells: {row:?}");
        };
        assert!(!pain.is_empty() && !answer.is_empty(), "pain {number}");
        assert!(!tests(number, ours).is_empty(), "pain {number}: no test");
    }
}

#[test]
fn a_missing_test_is_noticed() {
    assert!(has_test(
        "tests/it/acceptance.rs",
        "a_missing_test_is_noticed"
    ));
    assert!(!has_test(
        "tests/it/acceptance.rs",
        "a_test_that_is_not_there"
    ));
    assert!(!has_test(
        "tests/it/no_such_file.rs",
        "a_missing_test_is_noticed"
    ));
    assert_eq!(quoted("`a.rs` `b`, `c`"), ["a.rs", "b", "c"]);
}
