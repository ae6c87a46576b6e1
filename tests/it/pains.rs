//! Where CPython's `multiprocessing` hangs, leaks or lies, isopod answers: see `ACCEPTANCE.md`.
//!
//! The guests are in `tests/guests/src/pains.rs`. Nothing here is timed: a hang meets the guard.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use isopod_host::sync::{Bounds, Message, Queue};
use isopod_host::{Engine, ExitStatus};
use isopod_tests::{Bench, Finished, GUARD, run, succeeds};

fn succeeded(finished: Finished) -> Finished {
    finished.assert_success("main");
    finished
}

#[test]
fn pain_01_a_dead_worker_fails_its_job_only() {
    let finished = succeeds("pain 1");
    let lines: Vec<&str> = finished.stdout.lines().collect();
    let expected = [
        "trap: trapped: ",
        "exit-3: exited with code 3",
        "recursion: trapped: ",
        "memory: was ended: memory limit of 16 MiB reached",
        "kill: was killed",
        "deadline: was ended: ",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
}

#[test]
fn pain_02_a_child_is_joined_before_its_items_are_taken() {
    succeeds("pain 2");
}

#[test]
fn pain_03_a_queue_survives_those_who_are_ended_at_it() {
    succeeds("pain 3");
}

#[test]
fn pain_04_a_child_is_never_in_the_middle_of_what_its_parent_does() {
    succeeds("pain 4");
}

#[test]
fn pain_05_children_start_from_the_module() {
    assert_eq!(succeeds("pain 5").stdout, "main runs\n");
}

#[test]
fn pain_06_objects_outlive_their_creator() {
    let finished = succeeds("pain 6");
    let mut lines: Vec<&str> = finished.stdout.lines().collect();
    lines.sort_unstable();
    let expected: Vec<String> = (0..10)
        .map(|number| format!("hello world {number}"))
        .collect();
    assert_eq!(lines, expected);
    succeeds("pain 6-ended");
}

#[test]
fn pain_07_what_cannot_travel_is_an_error_at_the_call() {
    let bench = Bench::new().unwrap();
    let given = Queue::new(Bounds::default());
    for bytes in [vec![1, 200], vec![0]] {
        given.put(Message::from_bytes(bytes)).unwrap();
    }
    let command = bench.command("unfit").handle("given", &given.to_handle());
    let finished = succeeded(run(command).unwrap());
    assert!(finished.stdout.contains("Unfit"), "{}", finished.stdout);
}

#[test]
fn pain_08_each_process_has_its_own_limits() {
    succeeds("pain 8");
}

#[test]
fn pain_08_each_job_of_a_pool_has_limits() {
    succeeds("pain 8-jobs");
}

#[test]
fn pain_09_no_process_outlives_main() {
    let bench = Bench::new().unwrap();
    let main = bench.start("pain 9", 3).unwrap();
    let processes = main.tree();
    assert_eq!(processes.len(), 4, "{processes:?}");
    main.kill();
    assert_eq!(main.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
    assert!(processes.iter().all(|process| !process.is_alive()));
    assert!(bench.engine.processes().is_empty());
}

#[test]
fn pain_09_ended_processes_that_nobody_joins_are_gone() {
    let bench = Bench::new().unwrap();
    let main = bench.start("pain 9-unjoined", 1).unwrap();
    assert_eq!(main.tree().len(), 1);
    assert_eq!(bench.engine.processes().len(), 1);
    main.kill();
    assert_eq!(main.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
}

#[test]
fn pain_10_shared_memory_lives_as_long_as_it_is_held() {
    let bench = Bench::new().unwrap();
    // Names belong to one tree: nothing is left of the first tree, and two trees at once do not meet.
    succeeded(bench.run("pain 10").unwrap());
    succeeded(bench.run("pain 10").unwrap());
}

#[test]
fn pain_11_a_crash_says_where_and_who() {
    let finished = succeeds("pain 11");
    let (status, error) = finished.stdout.trim_end().rsplit_once('\n').unwrap();
    assert!(status.starts_with("trapped: "), "{status}");
    assert!(status.contains("divide"), "no backtrace: {status}");
    assert!(error.contains("process `divider` trapped: "), "{error}");
    assert!(
        finished.stderr.starts_with("Process divider:\n"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("divide"), "{}", finished.stderr);
}

#[test]
fn pain_12_the_number_of_cores_is_what_may_be_used() {
    let all = Engine::new().unwrap().cores().to_vec();
    let told = |bench: Bench| {
        let finished = succeeded(bench.run("pain 12").unwrap());
        finished.stdout.trim().parse::<usize>().unwrap()
    };
    assert_eq!(told(Bench::new().unwrap()), all.len());
    let one = Engine::builder().cores([all[0]]);
    assert_eq!(told(Bench::with(one).unwrap()), 1);
}

#[test]
fn pain_13_large_data_is_shared_not_copied() {
    succeeds("pain 13");
}

#[test]
fn pain_16_a_map_fails_fast_and_callbacks_are_told() {
    succeeds("pain 16");
}
