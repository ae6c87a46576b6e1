//! The limits of loading a program. The report of each is like that of a program's limits: its exit code,
//! one entry in the audit log, its value and the option that raises it, whether or not the code is in the
//! cache.

use crate::limits::options_of;
use crate::support::{Ended, GUARD, empty_directory, isopod, program, run};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// An option, its kind in the log, and its value in the report.
const LIMITS: [(&str, &str, &str); 3] = [
    ("--compile-timeout=1ms", "compile-time", "limit of 1ms"),
    (
        "--compile-memory=1MB",
        "compile-memory",
        "limit of 1000000 bytes",
    ),
    ("--max-program=10KB", "program-size", "limit of 10000 bytes"),
];

/// Options of the section that are not limits of loading. The build reports its own limit, since it has
/// failed then.
const OTHERS: [&str; 6] = [
    "--build-timeout",
    "--build-memory",
    "--allow-precompiled",
    "--no-install",
    "--trust-build",
    "--read-source",
];

/// `isopod run` or `isopod call` of a file, with a log; the cache lies in the directory.
fn load(directory: &Path, command: &str, path: &Path, options: &[&str]) -> (Ended, Vec<Value>) {
    let log = directory.join("audit.jsonl");
    let _ = fs::remove_file(&log);
    let mut arguments = vec![command, "--audit=audit.jsonl", path.to_str().unwrap()];
    arguments.extend(options);
    match command {
        "call" => arguments.extend(["reach", "--input=nothing"]),
        _ => arguments.extend(["--", "files"]),
    }
    let mut command = isopod(directory, &arguments);
    command.env("ISOPOD_CACHE", directory.join("cache"));
    let ended = run(command);
    let text = fs::read_to_string(log).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (ended, lines.collect())
}

fn assert_told(ended: &Ended, log: &[Value], kind: &str, texts: &[&str]) {
    assert_eq!(ended.exit_code, 123, "{ended}");
    let records: Vec<&str> = log
        .iter()
        .map(|line| line["record"].as_str().unwrap())
        .collect();
    assert_eq!(records, ["run", "limit", "end"], "{ended}{log:?}");
    assert_eq!(log[1]["limit"], kind);
    assert_eq!(log[1]["ends"], true);
    for text in texts {
        assert!(ended.stderr.contains(text), "{text}: {ended}");
        assert!(log[1]["text"].as_str().unwrap().contains(text), "{log:?}");
    }
}

#[test]
fn each_limit_of_loading_is_told_in_run_and_in_call() {
    for (command, program) in [
        ("run", program("limited")),
        ("call", program("limited_plugin")),
    ] {
        for (option, kind, text) in LIMITS {
            let directory = empty_directory();
            let (ended, log) = load(directory.path(), command, &program, &[option]);
            let raised = format!("`{}`", option.split('=').next().unwrap());
            assert_told(&ended, &log, kind, &[text, &raised]);
        }
        for option in options_of(command, "Building and loading") {
            let is_here = LIMITS.iter().any(|(given, ..)| given.starts_with(&option));
            assert!(is_here != OTHERS.contains(&option.as_str()), "{option}");
        }
    }
}

#[test]
fn the_size_of_a_program_is_limited_also_where_its_code_is_cached() {
    for (command, program) in [
        ("run", program("limited")),
        ("call", program("limited_plugin")),
    ] {
        let directory = empty_directory();
        let begin = Instant::now();
        // Until the cache recognises the file by its metadata alone: the file must be unchanged for some
        // seconds.
        let is_noted = || {
            let entries = fs::read_dir(directory.path().join("cache/code")).unwrap();
            entries
                .flatten()
                .any(|entry| entry.path().extension().is_some_and(|end| end == "note"))
        };
        loop {
            let (ended, _) = load(directory.path(), command, &program, &[]);
            assert_eq!(ended.exit_code, 0, "{ended}");
            if is_noted() {
                break;
            }
            assert!(begin.elapsed() < GUARD);
            std::thread::park_timeout(Duration::from_millis(100));
        }
        let (ended, log) = load(directory.path(), command, &program, &["--max-program=10KB"]);
        let texts = ["limit of 10000 bytes", "`--max-program`"];
        assert_told(&ended, &log, "program-size", &texts);
    }
}

#[test]
fn what_a_program_may_consist_of_is_a_limit_too() {
    let memories = "(memory 1)".repeat(3);
    let deep = format!("{}{}", "(component ".repeat(40), ")".repeat(40));
    for (text, told) in [
        (
            format!(r#"(module {memories} (func (export "_start")))"#),
            "3 linear memories, above the limit of 2",
        ),
        (deep, "more than 32 deep"),
    ] {
        let directory = empty_directory();
        let path = directory.path().join("x.wasm");
        fs::write(&path, wat::parse_str(&text).unwrap()).unwrap();
        let (ended, log) = load(directory.path(), "run", &path, &[]);
        assert_told(&ended, &log, "program", &[told]);
    }
}

#[test]
fn too_little_memory_to_compile_is_told_whatever_it_is_too_little_for() {
    let small = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
    let directory = empty_directory();
    let path = directory.path().join("small.wasm");
    fs::write(&path, wat::parse_str(small).unwrap()).unwrap();
    let mut refused = 0;
    for path in [path, program("limited")] {
        for eighths in 0..96 {
            let bytes = 1_u64.max(eighths << 17);
            let _ = fs::remove_dir_all(directory.path().join("cache"));
            let option = format!("--compile-memory={bytes}");
            let (ended, log) = load(directory.path(), "run", &path, &[&option]);
            if ended.exit_code == 0 {
                continue;
            }
            refused += 1;
            assert_told(&ended, &log, "compile-memory", &["`--compile-memory`"]);
        }
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn a_program_that_is_not_loaded_for_another_reason_is_told_too() {
    let directory = empty_directory();
    let path = directory.path().join("x.wasm");
    fs::write(&path, b"nothing").unwrap();
    let (ended, log) = load(directory.path(), "run", &path, &[]);
    assert_eq!(ended.exit_code, 125, "{ended}");
    assert_eq!(log[1]["record"], "refused");
    assert_eq!(log[1]["refusal"], "start");
    let subject = log[1]["subject"].as_str().unwrap();
    assert!(
        subject.contains("is not a WebAssembly component"),
        "{subject}"
    );
    assert_eq!(log[2]["record"], "end");
}
