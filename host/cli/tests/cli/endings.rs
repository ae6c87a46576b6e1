//! Each way to end has its exit code, its status and, unless the text is the program's own, its paragraph.

use crate::support::{Ended, empty_directory, isopod, program, run};
use std::fs;
use std::path::Path;

/// Runs a program with a status file; returns its end and the status.
fn status_of(program: &Path, options: &[&str], way: &str) -> (Ended, String) {
    let directory = empty_directory();
    let path = program.to_str().unwrap();
    let mut arguments = vec!["run", path, "--status-file", "status.json"];
    arguments.extend(options);
    arguments.extend(["--", way]);
    let ended = run(isopod(directory.path(), &arguments));
    let status = fs::read_to_string(directory.path().join("status.json")).unwrap();
    (ended, status)
}

/// The end of a program and its status, as one text.
fn told(program: &Path, options: &[&str], way: &str) -> String {
    let (ended, status) = status_of(program, options, way);
    format!("{ended}--- status file\n{status}")
}

#[test]
fn a_normal_end() {
    insta::assert_snapshot!(told(&program("endings"), &[], "normal"), @r#"
    exit code: 0
    --- standard output
    done
    --- status file
    {"status":"exited","code":0,"exit_code":0,"message":null,"signal":null}
    "#);
}

#[test]
fn an_error_from_main() {
    insta::assert_snapshot!(told(&program("endings"), &[], "error"), @r#"
    exit code: 1
    --- standard error
    Error: end of file: the other end of the pipe is gone
    --- status file
    {"status":"exited","code":1,"exit_code":1,"message":null,"signal":null}
    "#);
}

#[test]
fn a_panic_tells_its_message_and_its_place() {
    insta::assert_snapshot!(told(&program("endings"), &[], "panic"), @r#"
    exit code: 1
    --- standard error
    panicked at endings.rs:15:20: the number is 7
    --- status file
    {"status":"failed","code":1,"exit_code":1,"message":"panicked at endings.rs:15:20: the number is 7","signal":null}
    "#);
}

#[test]
fn an_unfinished_line_is_written_at_the_end() {
    insta::assert_snapshot!(told(&program("endings"), &[], "unfinished"), @r#"
    exit code: 1
    --- standard output
    an unfinished line(no line end)
    --- standard error
    panicked at endings.rs:36:13: after it
    --- status file
    {"status":"failed","code":1,"exit_code":1,"message":"panicked at endings.rs:36:13: after it","signal":null}
    "#);
}

#[test]
fn an_exit_code_of_the_programs_own() {
    insta::assert_snapshot!(told(&program("endings"), &[], "exit"), @r#"
    exit code: 3
    --- status file
    {"status":"exited","code":3,"exit_code":3,"message":null,"signal":null}
    "#);
}

#[test]
fn an_exit_code_above_255_keeps_its_low_byte() {
    insta::assert_snapshot!(told(&program("endings"), &[], "large-exit"), @r#"
    exit code: 3
    --- status file
    {"status":"exited","code":3,"exit_code":3,"message":null,"signal":null}
    "#);
}

#[test]
fn a_trap_tells_its_kind_and_where() {
    let (ended, status) = status_of(&program("endings"), &[], "trap");
    for text in [&ended.stderr, &status] {
        assert!(text.contains("backtrace:"), "{text}");
        assert!(text.contains("endings"), "{text}");
        assert!(text.contains("::abort"), "{text}");
    }
    assert!(status.starts_with(
        "{\"status\":\"trapped\",\"code\":-6,\"exit_code\":134,\"message\":\"wasm trap: "
    ));
    insta::assert_snapshot!(ended.without_frames(), @"
    exit code: 134
    --- standard error
    error: process `MainProcess` ended: trap
    cause: wasm trap: wasm `unreachable` instruction executed
      backtrace:
      in task `main`, last called `WASI`, on core N, with N of memory
    ");
}

#[test]
fn a_full_stack_is_a_trap() {
    let (ended, _) = status_of(&program("endings"), &[], "recursion");
    insta::assert_snapshot!(ended.without_frames(), @"
    exit code: 134
    --- standard error
    error: process `MainProcess` ended: trap
    cause: wasm trap: call stack exhausted
      backtrace:
      in task `main`, last called `WASI`, on core N, with N of memory
    ");
}

#[test]
fn the_memory_limit() {
    let (ended, status) = status_of(&program("endings"), &["--memory", "32MiB"], "memory");
    // The requested size depends on the guest's allocator.
    let wanted = ended.stderr.split("reached: ").nth(1).unwrap();
    let wanted = wanted.split(" were").next().unwrap().to_owned();
    let ended = ended.without_frames();
    let text = format!("{ended}--- status file\n{status}").replace(&wanted, "N MiB");
    insta::assert_snapshot!(text, @r#"
    exit code: 121
    --- standard error
    memory allocation of 1048576 bytes failed
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    error: process `MainProcess` ended: memory limit
    cause: memory limit of 32 MiB reached: N MiB were wanted; raise it with `Limits::memory` or `--memory`
      backtrace:
      in task `main`, last called `WASI`, on core N, with N of memory
    --- status file
    {"status":"memory-limit","code":-9,"exit_code":121,"message":"memory limit of 32 MiB reached: N MiB were wanted; raise it with `Limits::memory` or `--memory`","signal":null}
    "#);
}

#[test]
fn the_timeout() {
    let (ended, status) = status_of(&program("endings"), &["--timeout", "300ms"], "busy");
    // The place where it was busy.
    assert!(ended.stderr.contains("endings::main"), "{ended}");
    let told = format!("{}--- status file\n{status}", ended.without_frames());
    insta::assert_snapshot!(told, @r#"
    exit code: 124
    --- standard output
    busy
    --- standard error
    error: process `MainProcess` ended: timeout
    cause: deadline of 300ms reached; raise it with `Limits::timeout` or `--timeout`
      backtrace:
      in task `main`, last called `WASI`, on core N, with N of memory
    --- status file
    {"status":"deadline","code":-9,"exit_code":124,"message":"deadline of 300ms reached; raise it with `Limits::timeout` or `--timeout`","signal":null}
    "#);
}

#[test]
fn an_error_of_isopods_own_is_in_the_status_file() {
    let told = told(Path::new("no/such.wasm"), &[], "normal");
    insta::assert_snapshot!(told, @r#"
    exit code: 125
    --- standard error
    error: `no/such.wasm` does not exist
    hint: give a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory
    --- status file
    {"status":"error","code":null,"exit_code":125,"message":"`no/such.wasm` does not exist","signal":null}
    "#);
}

#[test]
fn a_child_that_panics_is_told_once_with_its_name() {
    insta::assert_snapshot!(told(&program("endings"), &[], "child-panic"), @r#"
    exit code: 1
    --- standard output
    main goes on: true
    --- standard error
    Process worker:
    panicked at endings.rs:15:20: the number is 7
    Error: process `worker` failed: panicked at endings.rs:15:20: the number is 7
    --- status file
    {"status":"exited","code":1,"exit_code":1,"message":null,"signal":null}
    "#);
}

#[test]
fn a_child_that_exits_with_a_code_is_its_parents_affair() {
    insta::assert_snapshot!(told(&program("endings"), &[], "child-exit"), @r#"
    exit code: 1
    --- standard output
    main goes on: true
    --- standard error
    Error: process `worker` exited with code 3
    --- status file
    {"status":"exited","code":1,"exit_code":1,"message":null,"signal":null}
    "#);
}

#[test]
fn a_child_that_traps_is_told_with_its_name() {
    let (ended, _) = status_of(&program("endings"), &[], "child-trap");
    insta::assert_snapshot!(ended.without_frames(), @"
    exit code: 1
    --- standard output
    main goes on: true
    --- standard error
    Process worker:
    wasm trap: wasm `unreachable` instruction executed
    backtrace:
    in task `endings::end::{{closure}}`, last called `isopod:multiprocessing/process`, on core N, with N of memory
    Error: process `worker` trapped: wasm trap: wasm `unreachable` instruction executed
    ");
}

#[test]
fn a_plain_program_has_its_exit_code() {
    // The program does not use isopod, and its `proc_exit` keeps the code.
    insta::assert_snapshot!(told(&program("plain"), &[], "3"), @r#"
    exit code: 3
    --- standard output
    way: 3
    --- status file
    {"status":"exited","code":3,"exit_code":3,"message":null,"signal":null}
    "#);
    for code in [0, 1, 2, 125, 126, 255] {
        let (ended, _) = status_of(&program("plain"), &[], &code.to_string());
        assert_eq!(ended.exit_code, code);
    }
}

#[test]
fn a_plain_program_that_returns_an_error() {
    insta::assert_snapshot!(told(&program("plain"), &[], "error"), @r#"
    exit code: 1
    --- standard output
    way: error
    --- standard error
    Error: "it went wrong"
    --- status file
    {"status":"exited","code":1,"exit_code":1,"message":null,"signal":null}
    "#);
}

#[test]
fn a_plain_program_that_panics_traps() {
    let (ended, _) = status_of(&program("plain"), &[], "panic");
    insta::assert_snapshot!(ended.without_frames(), @"
    exit code: 134
    --- standard output
    way: panic
    --- standard error

    thread 'main' (1) panicked at plain.rs:11:20:
    it went very wrong
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    error: process `MainProcess` ended: trap
    cause: wasm trap: wasm `unreachable` instruction executed
      backtrace:
      in task `main`, last called `WASI`, on core N, with N of memory
    ");
}

#[test]
fn a_memory_that_begins_above_the_limit() {
    let directory = empty_directory();
    let module = r#"(module (memory (export "memory") 64) (func (export "_start")))"#;
    let path = directory.path().join("large.wasm");
    fs::write(&path, wat::parse_str(module).unwrap()).unwrap();
    let (ended, _) = status_of(&path, &["--memory", "1MiB"], "");
    insta::assert_snapshot!(ended.without_frames(), @"
    exit code: 121
    --- standard error
    error: process `MainProcess` ended: memory limit
    cause: memory limit of 1 MiB reached: 4 MiB were wanted; raise it with `Limits::memory` or `--memory`
      in task `main`, on core N, with N of memory
    ");
    let (ended, _) = status_of(&path, &["--memory", "64MiB"], "");
    assert_eq!(ended.to_string(), "exit code: 0\n");
}

#[test]
fn a_module_made_by_hand_has_its_exit_code() {
    let directory = empty_directory();
    let exits_with = |name: &str, body: &str| {
        let module = format!(
            r#"(module
                (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1)
                (func (export "_start") {body}))"#
        );
        let path = directory.path().join(name);
        fs::write(&path, wat::parse_str(module).unwrap()).unwrap();
        status_of(&path, &[], "")
    };
    for code in [0, 3, 134] {
        let (ended, _) = exits_with("exit.wasm", &format!("(call $exit (i32.const {code}))"));
        assert_eq!(ended.to_string(), format!("exit code: {code}\n"));
    }
    let (ended, _) = exits_with("return.wasm", "");
    assert_eq!(ended.to_string(), "exit code: 0\n");
    let (ended, _) = exits_with("trap.wasm", "unreachable");
    insta::assert_snapshot!(ended.without_frames(), @"
    exit code: 134
    --- standard error
    error: process `MainProcess` ended: trap
    cause: wasm trap: wasm `unreachable` instruction executed
      backtrace:
      in task `main`, on core N, with N of memory
    ");
}

#[test]
fn a_deadlock_ends_the_program_if_it_is_asked_to() {
    let (ended, status) = status_of(&program("endless"), &["--on-deadlock", "end"], "lock");
    // The lock's number is the number of objects that the host has made before.
    let number = ended.stderr.split("for lock ").nth(1).unwrap();
    let number = number.split(',').next().unwrap().to_owned();
    assert!(number.parse::<u64>().is_ok(), "{ended}");
    let ended = ended.without_frames();
    let told = format!("{ended}--- status file\n{status}");
    insta::assert_snapshot!(told.replace(&format!("lock {number}"), "lock N"), @r#"
    exit code: 120
    --- standard output
    lock
    --- standard error
    error: process `MainProcess` ended: deadlock
    cause: deadlock: a process waits for itself
        `MainProcess` (id 1) waits in `acquire` for lock N, owned by `MainProcess`
      backtrace:
      in task `main`, last called `isopod:multiprocessing/direct`, on core N, with N of memory
    --- status file
    {"status":"deadlock","code":-9,"exit_code":120,"message":"deadlock: a process waits for itself\n  `MainProcess` (id 1) waits in `acquire` for lock N, owned by `MainProcess`","signal":null}
    "#);
}

#[test]
fn what_was_used_is_told_at_the_end() {
    let (ended, _) = status_of(&program("endings"), &["--stats"], "normal");
    assert_eq!(ended.exit_code, 0);
    for line in ["processes started", "most alive at a time", "CPU time"] {
        assert!(ended.stderr.contains(line), "{ended}");
    }
}
