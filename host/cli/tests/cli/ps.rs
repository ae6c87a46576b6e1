//! Reports on running programs: by SIGQUIT during a run, by `isopod ps` from another terminal, by `--stats`
//! at the end.

use crate::support::{Ended, GUARD, Running, empty_directory, isopod, program, run};
use rustix::process::Signal;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// A program whose main joins a child that waits for a queue and a busy one.
fn start(directory: &Path, options: &[&str]) -> Running {
    let path = program("endless");
    let mut arguments = vec!["run", path.to_str().unwrap()];
    arguments.extend(options);
    let states = ["join", "queue", "busy"];
    arguments.push("--");
    arguments.extend(states);
    let mut running = Running::start(&mut in_own_cache(directory, &arguments));
    running.wait_for_lines(&states);
    // They have announced their next step; two of them then wait.
    let begin = Instant::now();
    let pid = running.pid().to_string();
    while ps(directory, &["--json", &pid])
        .stdout
        .matches("\"state\": \"waiting\"")
        .count()
        < 2
    {
        assert!(begin.elapsed() < GUARD, "they never wait");
    }
    running
}

fn ps(directory: &Path, arguments: &[&str]) -> Ended {
    let command = std::iter::once("ps");
    let arguments: Vec<&str> = command.chain(arguments.iter().copied()).collect();
    run(in_own_cache(directory, &arguments))
}

/// With a cache of its own, so that it does not list the runs of other tests.
fn in_own_cache(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = isopod(directory, arguments);
    command.env("ISOPOD_CACHE", directory);
    command
}

/// The text without numbers, and with one blank in place of several: times, and the columns that they
/// widen, differ from run to run.
fn without_numbers(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line: String = line
            .chars()
            .map(|character| match character {
                '0'..='9' => '#',
                other => other,
            })
            .collect();
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut line = words.join(" ");
        for several in ["#####", "####", "###", "##"] {
            line = line.replace(several, "#");
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[test]
fn sigquit_prints_what_runs_and_the_program_goes_on() {
    let directory = empty_directory();
    let mut running = start(directory.path(), &["--cores", "0"]);
    running.signal(Signal::QUIT);
    running.wait_for_error_line(" alive of ");
    running.signal(Signal::INT);
    let ended = running.end();
    insta::assert_snapshot!(without_numbers(&ended.stderr), @"
    ID NAME CORE CPU MEMORY TASK STATE
    # MainProcess # #.# s #.# MiB main waits in `join` for process `queue`, since #.# s
    # queue # #.# s #.# MiB endless::main::main::{{closure}} waits in `get` for queue #, held by `queue`, since #.# s
    # busy # #.# s #.# MiB endless::main::main::{{closure}} runs
    # processes alive of # started, #.# s of CPU time, # B queued, #.# KiB of host memory
    error: interrupted by SIGINT
    cause: # processes were running: `MainProcess` (id #), `queue` (id #), `busy` (id #)
    ");
    assert_eq!(ended.exit_code, 130);
}

#[test]
fn ps_shows_one_program_or_all_as_a_table_or_json() {
    let directory = empty_directory();
    let ps = |arguments: &[&str]| ps(directory.path(), arguments);
    insta::assert_snapshot!(ps(&[]), @"
    exit code: 0
    --- standard output
    no `isopod run` of this user is running
    ");
    let running = start(directory.path(), &[]);
    let other = start(directory.path(), &[]);

    let pid = running.pid().to_string();
    let one = ps(&[&pid]);
    insta::assert_snapshot!(without_numbers(&one.to_string()), @"
    exit code: #
    --- standard output
    endless, pid #, since #.# s
    ID NAME CORE CPU MEMORY TASK STATE
    # MainProcess # #.# s #.# MiB main waits in `join` for process `queue`, since #.# s
    # queue # #.# s #.# MiB endless::main::main::{{closure}} waits in `get` for queue #, held by `queue`, since #.# s
    # busy # #.# s #.# MiB endless::main::main::{{closure}} runs
    # processes alive of # started, #.# s of CPU time, # B queued, #.# KiB of host memory
    ");
    assert_eq!(ps(&[]).stdout.matches(", pid ").count(), 2);

    let json = ps(&["--json", &pid]).stdout;
    let runs: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(runs.as_array().unwrap().len(), 1);
    let processes = runs[0]["processes"].as_array().unwrap();
    let waiting = processes.iter().find(|process| process["name"] == "queue");
    let waiting = waiting.unwrap();
    assert_eq!(waiting["state"], "waiting");
    assert_eq!(waiting["wait"]["operation"], "get");
    assert_eq!(waiting["wait"]["left_seconds"], serde_json::Value::Null);
    assert_eq!(waiting["wait"]["objects"][0]["kind"], "queue");
    assert_eq!(waiting["parent"], processes[0]["id"]);

    for running in [running, other] {
        running.signal(Signal::INT);
        running.end();
    }
    assert_eq!(ps(&["--json"]).stdout, "[]\n");
    insta::assert_snapshot!(ps(&["1"]), @"
    exit code: 125
    --- standard error
    error: no `isopod run` of this user has the pid 1
    hint: `isopod ps` shows all of them
    ");
}

#[test]
fn a_process_that_has_used_up_its_quota_is_paused() {
    let directory = empty_directory();
    let running = start(directory.path(), &["--cpus", "0.05"]);
    let pid = running.pid().to_string();
    let begin = Instant::now();
    loop {
        let json = ps(directory.path(), &["--json", &pid]).stdout;
        let runs: serde_json::Value = serde_json::from_str(&json).unwrap();
        let processes = runs[0]["processes"].as_array().unwrap();
        let busy = processes.iter().find(|process| process["name"] == "busy");
        if busy.unwrap()["state"] == "paused" {
            assert_eq!(busy.unwrap()["state_text"], "is paused");
            break;
        }
        assert!(begin.elapsed() < GUARD, "it is never paused");
    }
    running.signal(Signal::INT);
    assert_eq!(running.end().exit_code, 130);
}

#[test]
fn what_was_used_is_told_at_the_end() {
    let directory = empty_directory();
    let path = program("endings");
    let arguments = ["run", path.to_str().unwrap(), "--stats", "--", "normal"];
    let ended = run(isopod(directory.path(), &arguments));
    insta::assert_snapshot!(without_numbers(&ended.stderr), @"
    processes started #
    most alive at a time #
    wall-clock time #.# s
    CPU time #.# s
    memory of the largest process #.# MiB
    most memory of the host #.# KiB
    ");
}

/// A stopped program, and a socket that belongs to no program, cost only their own row.
#[test]
fn ps_shows_the_others_where_one_does_not_answer() {
    let directory = empty_directory();
    let stopped = start(directory.path(), &[]);
    let sound = start(directory.path(), &[]);
    stopped.signal(Signal::STOP);
    // It never accepts a request.
    let _silent = UnixListener::bind(directory.path().join("runs/1")).unwrap();
    let begin = Instant::now();
    let shown = ps(directory.path(), &[]);
    let took = begin.elapsed();
    assert_eq!(shown.exit_code, 0, "{shown}");
    for pid in [1, stopped.pid()] {
        let row = format!("pid {pid}: no answer within 2s");
        assert!(shown.stdout.contains(&row), "{shown}");
    }
    let sound_row = format!("endless, pid {}, since", sound.pid());
    assert!(shown.stdout.contains(&sound_row), "{shown}");
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");

    let json = ps(directory.path(), &["--json"]).stdout;
    let answers: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of = |pid: u32| {
        let mut answers = answers.as_array().unwrap().iter();
        answers.find(|answer| answer["pid"] == pid).unwrap()
    };
    assert!(of(1)["error"].is_string());
    assert_eq!(of(1)["processes"].as_array().unwrap().len(), 0);
    assert_eq!(of(sound.pid())["processes"].as_array().unwrap().len(), 3);
    stopped.signal(Signal::CONT);
    for running in [stopped, sound] {
        running.signal(Signal::INT);
        running.end();
    }
}
