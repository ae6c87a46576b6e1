//! SIGINT and SIGTERM end all processes in order, whatever they are doing, and tell what was
//! running.

use crate::support::{Ended, GUARD, Running, empty_directory, isopod, program, wait};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs main and children in these states, and sends a signal when all have come to them. The
/// standard input stays open.
fn interrupted(signal: Signal, states: &[&str]) -> String {
    let directory = empty_directory();
    let path = program("endless");
    let mut arguments = vec![
        "run",
        path.to_str().unwrap(),
        // Those that wait for themselves are meant to.
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

/// A run whose streams nobody reads, full.
struct Unread {
    child: Child,
    _directory: TempDir,
}

impl Unread {
    fn start(options: &[&str], states: &[&str]) -> Unread {
        let directory = empty_directory();
        let path = program("endless");
        let mut arguments = vec!["run", path.to_str().unwrap()];
        arguments.extend(options);
        arguments.push("--");
        arguments.extend(states);
        let mut command = isopod(directory.path(), &arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        let child = command
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        // They are one pipe. As soon as it is full, it takes not one byte more.
        let begin = Instant::now();
        let mut last = 0;
        loop {
            let held = rustix::io::ioctl_fionread(&reader).unwrap();
            if held == last && held > 60_000 {
                break;
            }
            last = held;
            assert!(begin.elapsed() < GUARD, "{held} bytes");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        // Not closed: a reader that has gone would end the writers.
        std::mem::forget(reader);
        Unread {
            child,
            _directory: directory,
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end, and gives the exit code and how long that took.
    fn end(mut self) -> (Option<i32>, Duration) {
        let begin = Instant::now();
        let status = wait(&mut self.child, begin + GUARD);
        if status.is_none() {
            let _ = self.child.kill();
        }
        (status.and_then(|status| status.code()), begin.elapsed())
    }
}

/// On a machine with nothing else to do it takes some 0.3 seconds.
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
            let run = Unread::start(options, states);
            run.signal(Signal::TERM);
            let (code, took) = run.end();
            assert_eq!(code, Some(143), "{states:?} {options:?}");
            assert!(took < SOON, "{states:?} {options:?}: {took:?}");
        }
    }
}

#[test]
fn questions_and_a_second_signal_do_not_wait_for_a_reader_either() {
    let run = Unread::start(&[], &["flood"]);
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
        let run = Unread::start(options, &["join", "flood"]);
        let (code, took) = run.end();
        assert_eq!(code, Some(expected), "{options:?}");
        assert!(took < SOON, "{options:?}: {took:?}");
    }
}
