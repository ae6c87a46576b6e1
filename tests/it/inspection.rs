//! The reports of the host on processes: what they wait for, how they crashed, and which of them are in a
//! deadlock. See `tests/guests/src/stuck.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::inspect::{OnDeadlock, RunState};
use isopod_host::{ExitStatus, Process};
use isopod_tests::{Bench, GUARD, eventually, run};
use std::time::{Duration, Instant};

/// Several times as long as a tree rests before the host looks at it.
const LONG_ENOUGH: Duration = Duration::from_millis(250);

/// Runs a stuck scenario until the host ends it for that; returns main's message and the standard error.
fn ended_for(way: &str) -> (String, String) {
    let bench = Bench::new().unwrap();
    let command = bench.command(&format!("stuck {way}"));
    let finished = run(command.on_deadlock(OnDeadlock::End)).unwrap();
    match finished.status {
        ExitStatus::Deadlock(text) => (text, finished.stderr),
        other => panic!("{way}: {other}: {}", finished.stderr),
    }
}

#[test]
fn a_process_that_waits_for_itself() {
    let (text, _) = ended_for("itself");
    assert!(text.contains("a process waits for itself"), "{text}");
    assert!(text.contains("`MainProcess` (id "), "{text}");
    assert!(text.contains("waits in `get` for queue "), "{text}");
    assert!(text.contains(", held by `MainProcess`"), "{text}");
}

#[test]
fn two_that_want_each_others_lock() {
    let (text, stderr) = ended_for("locks");
    assert!(text.contains("3 processes wait for each other"), "{text}");
    assert!(text.contains("waits in `join` for process `a`"), "{text}");
    for (name, owner) in [("a", "b"), ("b", "a")] {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("  `{name}`")));
        let line = line.unwrap();
        assert!(line.contains("waits in `acquire` for lock "), "{line}");
        assert!(line.ends_with(&format!(", owned by `{owner}`")), "{line}");
        // The place where it waits.
        assert!(
            stderr.contains(&format!("Process {name}:\ndeadlock: it waits")),
            "{stderr}"
        );
    }
    assert!(stderr.contains("stuck::crossed"), "{stderr}");
}

/// The size of a report on thousands of processes must not grow with their square.
#[test]
fn many_that_wait_for_what_all_of_them_hold() {
    let (text, _) = ended_for("many");
    assert!(text.contains("501 processes wait for each other"), "{text}");
    assert!(
        text.contains(", held by `Process-1`, `Process-2`, `Process-3`, `Process-4`, 496 more\n"),
        "{text}"
    );
    assert!(text.ends_with("\n  and 481 more"), "{text}");
    assert!(text.len() < 5_000, "{} bytes", text.len());
}

/// A report is a few kilobytes, whatever the processes wait for and however they are called.
#[test]
fn a_few_that_wait_for_thousands_with_long_names() {
    let (text, stderr) = ended_for("thousands");
    assert!(text.contains("5 processes wait for each other"), "{text}");
    assert!(text.contains(", or for 4996 more objects"), "{text}");
    assert!(text.len() < 20_000, "{} bytes", text.len());
    assert!(stderr.len() < 100_000, "{} bytes", stderr.len());
}

/// A long look at one tree delays no deadline.
#[test]
fn deadlines_are_kept_while_a_tree_is_looked_at() {
    let bench = Bench::new().unwrap();
    let command = bench.command("stuck tens-of-thousands");
    let stuck = command.on_deadlock(OnDeadlock::Report).spawn().unwrap();
    let waiting = |process: &Process| {
        let states = process.tree_states();
        let waits = states
            .iter()
            .filter(|(_, state)| matches!(state, RunState::Waiting(wait) if wait.more_objects > 0));
        waits.count()
    };
    eventually("all wait", || waiting(&stuck) == 4);
    let begin = Instant::now();
    while begin.elapsed() < LONG_ENOUGH * 4 {
        let timeout = Duration::from_millis(50);
        let begin = Instant::now();
        let late = bench.command("blocked queue-get").timeout(timeout);
        let status = late.spawn().unwrap().join_tree_timeout(GUARD);
        assert!(
            matches!(status, Some(ExitStatus::Deadline(_))),
            "{status:?}"
        );
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
        for (_, state) in stuck.tree_states() {
            assert!(state.to_string().len() < 10_000);
        }
    }
    stuck.end_tree(isopod_host::Ending::Kill);
    let begin = Instant::now();
    stuck.join_tree_timeout(GUARD).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn two_that_each_wait_for_the_others_message() {
    let (text, _) = ended_for("queues");
    assert!(text.contains("3 processes wait for each other"), "{text}");
    assert_eq!(
        text.matches("waits in `get` for queue ").count(),
        2,
        "{text}"
    );
}

#[test]
fn two_workers_of_a_pool_and_who_waits_for_their_results() {
    let (text, _) = ended_for("pool");
    assert!(text.contains("3 processes wait for each other"), "{text}");
    assert_eq!(
        text.matches("waits in `acquire` for lock ").count(),
        2,
        "{text}"
    );
}

#[test]
fn a_deadlock_is_told_and_goes_on_unless_it_is_to_be_ended() {
    let bench = Bench::new().unwrap();
    let process = bench.command("stuck locks").spawn().unwrap();
    eventually("a deadlock", || process.deadlock().is_some());
    let deadlock = process.deadlock().unwrap();
    assert_eq!(deadlock.processes.len(), 3);
    assert!(process.is_alive());
    process.kill();
    assert_eq!(process.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
}

#[test]
fn nobody_looks_if_that_is_not_wanted() {
    let bench = Bench::new().unwrap();
    let command = bench
        .command("stuck itself")
        .on_deadlock(OnDeadlock::Ignore);
    let process = command.spawn().unwrap();
    rests(&process);
    assert_eq!(process.deadlock(), None);
    process.kill();
    process.join_tree_timeout(GUARD).unwrap();
}

#[test]
fn who_may_yet_be_woken_is_in_no_deadlock() {
    let bench = Bench::new().unwrap();
    for way in ["time-out", "sleep", "busy", "limit"] {
        let command = bench.command(&format!("looks-stuck {way}"));
        let finished = run(command.on_deadlock(OnDeadlock::End)).unwrap();
        let stderr = finished.stderr;
        assert_eq!(finished.status, ExitStatus::Exited(0), "{way}: {stderr}");
        assert!(!stderr.contains("deadlock"), "{way}: {stderr}");
    }
}

#[test]
fn the_embedder_may_put_something_at_any_time() {
    let bench = Bench::new().unwrap();
    let command = bench.command("looks-stuck embedder");
    let process = command.on_deadlock(OnDeadlock::End).spawn().unwrap();
    rests(&process);
    assert!(process.is_alive());
    assert_eq!(process.deadlock(), None);
    assert!(
        process
            .state()
            .to_string()
            .ends_with("`MainProcess`, others")
    );
    process.kill();
    assert_eq!(process.join_tree_timeout(GUARD), Some(ExitStatus::Killed));
}

/// Waits until the process has been parked for so long that the host has looked at it.
fn rests(process: &Process) {
    eventually("a rest", || match process.state() {
        RunState::Waiting(wait) => wait.since.elapsed() > LONG_ENOUGH,
        _ => false,
    });
}

#[test]
fn what_runs_is_told_with_what_it_uses() {
    let bench = Bench::new().unwrap();
    let main = bench.start("blocked-children busy queue-get", 2).unwrap();
    let children = bench.engine.processes();
    let is = |text: &str| {
        children
            .iter()
            .any(|child| child.state().to_string().contains(text))
    };
    eventually("a busy child", || is("runs"));
    eventually("a blocked child", || is("waits in `get` for queue "));
    eventually("CPU time", || {
        main.tree_usage().cpu_time > Duration::from_millis(20)
    });
    for child in &children {
        assert!(child.memory_bytes() > 0);
        assert!(
            child
                .core()
                .is_some_and(|core| bench.engine.cores().contains(&core))
        );
    }
    let usage = main.tree_usage();
    assert_eq!((usage.started, usage.alive, usage.most_alive), (3, 3, 3));
    main.kill();
    main.join_tree_timeout(GUARD).unwrap();
    assert_eq!(main.state(), RunState::Ended);
    assert_eq!(main.tree_usage().alive, 0);
    assert!(main.tree_usage().cpu_time > Duration::from_millis(20));
}

#[test]
fn a_crash_has_a_report() {
    let bench = Bench::new().unwrap();
    let process = bench.command("end trap").spawn().unwrap();
    process.join_tree_timeout(GUARD).unwrap();
    let report = process.crash_report().unwrap();
    assert_eq!(
        (report.kind, report.name.as_str()),
        ("trapped", "MainProcess")
    );
    assert!(report.cause.starts_with("wasm trap: "), "{report}");
    let is_end = |frame: &isopod_host::inspect::Frame| frame.function == "guests::endings::end";
    assert!(report.backtrace.iter().any(is_end), "{report}");
    assert!(report.memory_bytes > 0);
    assert!(report.core.is_some());

    let process = bench.command("nothing").spawn().unwrap();
    process.join_tree_timeout(GUARD).unwrap();
    assert_eq!(process.crash_report(), None);
}
