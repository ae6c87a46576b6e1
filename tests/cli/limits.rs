//! The limits of the command line: how an end at one is told, with its exit code and the option.

use crate::support::{Ended, empty_directory, isopod, program, run};

fn told(options: &[&str], way: &str) -> Ended {
    let directory = empty_directory();
    let path = program("endings");
    let mut arguments = vec!["run", path.to_str().unwrap()];
    arguments.extend(options);
    arguments.extend(["--", way]);
    run(isopod(directory.path(), &arguments))
}

#[test]
fn the_limit_of_cpu_time() {
    insta::assert_snapshot!(told(&["--cpu-time", "50ms"], "busy").without_frames(), @"
    exit code: 122
    --- standard output
    busy
    --- standard error
    error: process `MainProcess` ended: limit of CPU time
    cause: limit of 50ms of CPU time reached
      backtrace:
      in task `main`, last called `WASI`, on core N, with N of memory
    hint: `--cpu-time TIME` sets the limit of each process
    ");
}

#[test]
fn the_limit_of_the_cpu_time_of_all_processes() {
    let told = told(&["--tree-cpu-time", "50ms"], "busy").to_string();
    assert!(told.starts_with("exit code: 122\n"), "{told}");
    assert!(
        told.contains("raise it with `Limits::tree_cpu_time` or `--tree-cpu-time`"),
        "{told}"
    );
    assert!(!told.contains("hint:"), "{told}");
}

#[test]
fn the_limit_of_output() {
    insta::assert_snapshot!(told(&["--max-output", "3"], "normal").without_frames(), @"
    exit code: 123
    --- standard output
    don(no line end)
    --- standard error
    error: process `MainProcess` ended: limit
    cause: output limit of 3 bytes reached; raise it with `Limits::output` or `--max-output`
      backtrace:
      in task `main`, last called `WASI`, on core N, with N of memory
    ");
}

#[test]
fn the_memory_of_all_processes() {
    let told = told(&["--tree-memory", "16MiB"], "memory").to_string();
    assert!(told.starts_with("exit code: 121\n"), "{told}");
    assert!(
        told.contains("raise it with `Limits::tree_memory` or `--tree-memory`"),
        "{told}"
    );
}

#[test]
fn limits_are_shown() {
    let told = told(
        &["-v", "--max-handles", "50", "--max-queued", "1MiB"],
        "normal",
    )
    .to_string();
    for line in [
        "granted: 50 handles for each process\n",
        "granted: 1.0 MiB in queues and shared memory\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
}
