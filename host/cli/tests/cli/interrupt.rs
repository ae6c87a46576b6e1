//! SIGINT and SIGTERM end all processes in order, whatever they are doing, and report the processes that
//! were running.

use crate::support::{Ended, Running, Unread, empty_directory, isopod, program};
use rustix::process::Signal;
use std::fs;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

/// Runs main and children in these states, and sends a signal when all have reached them. The standard
/// input stays open.
fn interrupted(signal: Signal, states: &[&str]) -> String {
    let directory = empty_directory();
    let path = program("endless");
    let mut arguments = vec![
        "run",
        path.to_str().unwrap(),
        // Some of these processes wait for themselves on purpose.
        "--on-deadlock=ignore",
        "--status-file",
        "status.json",
        "--",
    ];
    arguments.extend(states);
    let mut command = isopod(directory.path(), &arguments);
    let mut running = Running::start(command.stdin(Stdio::piped()));
    let input = running.stdin();
    running.wait_for_lines(states);
    running.signal(signal);
    let ended = running.end();
    drop(input);
    let status = fs::read_to_string(directory.path().join("status.json")).unwrap();
    let Ended {
        exit_code, stderr, ..
    } = ended;
    format!("exit code: {exit_code}\n--- standard error\n{stderr}--- status file\n{status}")
}

#[test]
fn main_reads_its_input_and_children_are_busy_or_blocked() {
    let states = ["stdin", "busy", "queue", "lock", "sleep"];
    insta::assert_snapshot!(interrupted(Signal::INT, &states), @r#"
    exit code: 130
    --- standard error
    error: interrupted by SIGINT
    cause: 5 processes were running: `MainProcess` (id 1), `busy` (id 2), `queue` (id 3), `lock` (id 4), `sleep` (id 5)
    --- status file
    {"status":"terminated","code":-15,"exit_code":130,"message":null,"signal":"SIGINT"}
    "#);
}

#[test]
fn main_joins_its_children() {
    let states = ["join", "sleep", "busy", "busy"];
    insta::assert_snapshot!(interrupted(Signal::TERM, &states), @r#"
    exit code: 143
    --- standard error
    error: interrupted by SIGTERM
    cause: 4 processes were running: `MainProcess` (id 1), `sleep` (id 2), `busy` (id 3), `busy` (id 4)
    --- status file
    {"status":"terminated","code":-15,"exit_code":143,"message":null,"signal":"SIGTERM"}
    "#);
}

#[test]
fn main_sleeps_alone() {
    insta::assert_snapshot!(interrupted(Signal::INT, &["sleep"]), @r#"
    exit code: 130
    --- standard error
    error: interrupted by SIGINT
    cause: 1 process was running: `MainProcess` (id 1)
    --- status file
    {"status":"terminated","code":-15,"exit_code":130,"message":null,"signal":"SIGINT"}
    "#);
}

#[test]
fn main_is_busy_alone() {
    insta::assert_snapshot!(interrupted(Signal::TERM, &["busy"]), @r#"
    exit code: 143
    --- standard error
    error: interrupted by SIGTERM
    cause: 1 process was running: `MainProcess` (id 1)
    --- status file
    {"status":"terminated","code":-15,"exit_code":143,"message":null,"signal":"SIGTERM"}
    "#);
}

#[test]
fn main_has_returned_and_its_children_have_not() {
    insta::assert_snapshot!(interrupted(Signal::INT, &["return", "sleep"]), @r#"
    exit code: 130
    --- standard error
    error: interrupted by SIGINT
    cause: 2 processes were running: `MainProcess` (id 1), `sleep` (id 2)
    --- status file
    {"status":"terminated","code":-15,"exit_code":130,"message":null,"signal":"SIGINT"}
    "#);
}

#[test]
fn of_many_processes_the_first_are_named() {
    let mut states = vec!["join"];
    states.resize(24, "queue");
    insta::assert_snapshot!(interrupted(Signal::INT, &states), @r#"
    exit code: 130
    --- standard error
    error: interrupted by SIGINT
    cause: 24 processes were running: `MainProcess` (id 1), `queue` (id 2), `queue` (id 3), `queue` (id 4), `queue` (id 5), `queue` (id 6), `queue` (id 7), `queue` (id 8), `queue` (id 9), `queue` (id 10) and 14 more
    --- status file
    {"status":"terminated","code":-15,"exit_code":130,"message":null,"signal":"SIGINT"}
    "#);
}

/// A run of these states, with full streams that nobody reads.
fn unread(options: &[&str], states: &[&str]) -> (Unread, TempDir) {
    let directory = empty_directory();
    let path = program("endless");
    let arguments = [&["run", path.to_str().unwrap()], options, &["--"], states].concat();
    let run = Unread::start(&mut isopod(directory.path(), &arguments));
    (run, directory)
}

/// An idle machine takes about 0.3 seconds.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_signal_ends_a_program_whose_output_nobody_reads() {
    for states in [
        &["flood"][..],
        &["join", "flood", "flood", "busy"],
        &["return", "flood"],
    ] {
        for options in [
            &[][..],
            &["-vvv"],
            &["--stats", "--status-file", "status.json"],
        ] {
            let (run, _directory) = unread(options, states);
            run.signal(Signal::TERM);
            let (code, took) = run.end();
            assert_eq!(code, Some(143), "{states:?} {options:?}");
            assert!(took < SOON, "{states:?} {options:?}: {took:?}");
        }
    }
}

#[test]
fn questions_and_a_second_signal_do_not_wait_for_a_reader_either() {
    let (run, _directory) = unread(&[], &["flood"]);
    for _ in 0..20 {
        run.signal(Signal::QUIT);
    }
    run.signal(Signal::INT);
    let (code, took) = run.end();
    assert_eq!(code, Some(130));
    assert!(took < SOON, "{took:?}");
}

#[test]
fn limits_end_a_program_whose_output_nobody_reads() {
    for (options, expected) in [
        (&["--timeout=3s"][..], 124),
        (&["--timeout=3s", "-vvv"], 124),
        (&["--timeout=3s", "--stats"], 124),
    ] {
        let (run, _directory) = unread(options, &["join", "flood"]);
        let (code, took) = run.end();
        assert_eq!(code, Some(expected), "{options:?}");
        assert!(took < SOON, "{options:?}: {took:?}");
    }
}
