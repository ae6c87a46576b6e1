//! The limits of the command line. However a program or a plugin reaches one, the report is the same: the
//! exit code of its kind, one entry in the audit log with the kind, and the option that raises it.

use crate::support::{Ended, empty_directory, isopod, program, run};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A limit, and the program that reaches it.
struct Reached {
    /// The options, of which the first sets the limit, such as `--cpu-time=50ms`.
    options: &'static [&'static str],
    /// The action of the program.
    way: &'static str,
    exit_code: i32,
    /// The limit's name in the audit log.
    kind: &'static str,
    /// The rest of the report.
    text: &'static str,
    /// Whether the error, and not only the log, names the option that raises the limit.
    is_told: bool,
}

const fn reached(
    options: &'static [&'static str],
    way: &'static str,
    exit_code: i32,
    kind: &'static str,
    text: &'static str,
) -> Reached {
    Reached {
        options,
        way,
        exit_code,
        kind,
        text,
        is_told: true,
    }
}

/// The same, where a program gets one of the system's error numbers, or no error at all.
const fn logged(
    options: &'static [&'static str],
    way: &'static str,
    kind: &'static str,
    text: &'static str,
) -> Reached {
    Reached {
        is_told: false,
        ..reached(options, way, 0, kind, text)
    }
}

// One line each, as a table.
#[rustfmt::skip]
const OF_PROGRAMS: &[Reached] = &[
    reached(&["--memory=8MiB"], "memory", 121, "memory", "memory limit of 8 MiB"),
    reached(&["--memory=9MB"], "memory", 121, "memory", "memory limit of 9000000 bytes"),
    reached(&["--memory=64KiB"], "memory", 121, "memory", "memory limit of 64 KiB"),
    reached(&["--tree-memory=8MB"], "memory", 121, "memory", "memory limit of 8000000 bytes"),
    reached(&["--tree-memory=64KiB"], "memory", 121, "memory", "memory limit of 64 KiB"),
    reached(&["--cpu-time=50ms"], "compute", 122, "cpu-time", "50ms"),
    reached(&["--tree-cpu-time=50ms"], "compute", 122, "cpu-time", "50ms"),
    logged(&["--cpus=0.1"], "compute-a-little", "cpus", "100ms"),
    reached(&["--timeout=50ms"], "compute", 124, "deadline", "50ms"),
    reached(&["--timeout=1s 1us"], "compute", 124, "deadline", "1.000001s"),
    reached(&["--max-output=10000"], "output", 123, "output", "output limit of 10000 bytes"),
    reached(&["--max-output=0"], "output", 123, "output", "output limit of 0 bytes"),
    reached(&["--tree-output=10000"], "output", 123, "output", "output limit of 10000 bytes"),
    reached(&["--max-handles=40"], "queues", 0, "handles", "40 handles"),
    reached(&["--max-message=9KB"], "message", 0, "message-size", "limit of 9000 bytes"),
    reached(&["--max-queued=1MB"], "message", 0, "queued-bytes", "limit of 1000000 bytes"),
    reached(&["--max-queued=0"], "message", 0, "queued-bytes", "limit of 0 bytes"),
    reached(&["--tree-host-memory=1MB"], "queues", 0, "host-memory", "limit of 1000000 bytes"),
    // Reached before anything runs.
    reached(&["--tree-host-memory=1KiB"], "queues", 123, "host-memory", "limit of 1 KiB"),
    reached(&["--max-processes=2"], "processes", 0, "processes", "2 processes"),
    reached(&["--max-started=3"], "processes", 0, "processes", "3 processes"),
    reached(&["--max-jobs=3"], "jobs", 0, "waiting-jobs", "limit of 3"),
    logged(&["--max-descriptors=3"], "descriptors", "descriptors", "3 descriptors"),
    logged(&["--tree-descriptors=3"], "descriptors", "descriptors", "3 descriptors"),
    logged(&["--tree-files=3"], "files", "files", "3 files"),
    logged(&["--tree-files=0"], "files", "files", "0 files"),
    logged(&["--tree-written=9KB"], "written", "written-bytes", "limit of 9000 bytes"),
    logged(&["--tree-written=0"], "written", "written-bytes", "limit of 0 bytes"),
    logged(&["--tree-file-operations=1", "--allow-special-files", "--dir=data"], "operations", "file-operations", "1 file operations"),
];

#[rustfmt::skip]
const OF_PLUGINS: &[Reached] = &[
    reached(&["--memory=8MiB"], "memory", 121, "memory", "memory limit of 8 MiB"),
    reached(&["--memory=64KiB"], "memory", 121, "memory", "memory limit of 64 KiB"),
    reached(&["--tree-memory=8MB"], "memory", 121, "memory", "memory limit of 8000000 bytes"),
    reached(&["--cpu-time=50ms"], "compute", 122, "cpu-time", "50ms"),
    reached(&["--tree-cpu-time=50ms"], "compute", 122, "cpu-time", "50ms"),
    logged(&["--cpus=0.1"], "compute-a-little", "cpus", "100ms"),
    reached(&["--timeout=50ms"], "compute", 124, "deadline", "50ms"),
    reached(&["--max-output=10000"], "output", 123, "output", "output limit of 10000 bytes"),
    reached(&["--max-message=3"], "compute", 123, "message-size", "the input of 7 bytes is larger than the plugin's limit of 3 bytes"),
    reached(&["--max-message=9KB"], "give", 123, "message-size", "the output of 100000 bytes is larger than the plugin's limit of 9000 bytes"),
    // An input in a file, which isopod then does not read.
    reached(&["--max-message=9KB"], "data/large", 123, "message-size", "the input of 8000000 bytes is larger than the plugin's limit of 9000 bytes"),
    // More than any message, and more than the memory for it.
    reached(&["--max-message=10KB"], "give-much", 123, "message-size", "limit of 10000 bytes"),
    reached(&["--tree-host-memory=4MB", "--max-message=1GiB"], "data/large", 123, "host-memory", "limit of 4000000 bytes"),
    reached(&["--tree-host-memory=4MB", "--max-message=1GiB"], "give-much", 123, "host-memory", "limit of 4000000 bytes"),
    reached(&["--tree-host-memory=1KiB"], "give", 123, "host-memory", "limit of 1 KiB"),
    logged(&["--max-descriptors=3", "--dir=data"], "descriptors", "descriptors", "3 descriptors"),
    logged(&["--tree-descriptors=3", "--dir=data"], "descriptors", "descriptors", "3 descriptors"),
    logged(&["--tree-files=3", "--dir=data"], "files", "files", "3 files"),
    logged(&["--tree-written=9KB", "--dir=data"], "written", "written-bytes", "limit of 9000 bytes"),
];

/// A directory with the files that the options name.
fn directory() -> tempfile::TempDir {
    let directory = empty_directory();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    mknodat(CWD, data.join("fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let large = fs::File::create(data.join("large")).unwrap();
    large.set_len(8_000_000).unwrap();
    directory
}

/// All faults of these limits, each with its options, so that one run shows the whole table.
fn faults(limits: &[Reached], command: impl Fn(&Path, &Reached) -> Ended) -> Vec<String> {
    let mut faults = Vec::new();
    for limit in limits {
        let directory = directory();
        let ended = command(directory.path(), limit);
        let log = fs::read_to_string(directory.path().join("audit.jsonl")).unwrap_or_default();
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
        let told: Vec<Value> = lines
            .filter(|line: &Value| line["record"] == "limit")
            .collect();
        let option = limit.options[0].split('=').next().unwrap();
        let raised = format!("`{option}`");
        let mut fault = |text: &str| {
            faults.push(format!("{:?}: {text}\n{ended}{log}", limit.options));
        };
        if ended.exit_code != limit.exit_code {
            fault("another exit code");
        }
        // Not one for each attempt, and no further one when the process ends because of it.
        if told.len() != 1 {
            fault(&format!("told {} times", told.len()));
        }
        for line in told {
            if line["limit"] != limit.kind {
                fault("another kind");
            }
            for text in [limit.text, &raised] {
                if !line["text"].as_str().unwrap().contains(text) {
                    fault(&format!("the log does not say {text}"));
                }
            }
        }
        let said = format!("{}{}", ended.stdout, ended.stderr);
        if limit.is_told && !(said.contains(&raised) && said.contains(limit.text)) {
            fault("the error does not say it");
        }
        // A hint that names another option is misleading.
        if said.contains("hint:") {
            fault("a hint besides");
        }
    }
    faults
}

#[test]
fn each_limit_of_a_program_is_told_alike() {
    let path = program("limited");
    let faults = faults(OF_PROGRAMS, |directory, limit| {
        let mut arguments = vec!["run", "--audit=audit.jsonl", path.to_str().unwrap()];
        arguments.extend(limit.options);
        arguments.extend(["--", limit.way]);
        run(isopod(directory, &arguments))
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_limit_of_a_call_is_told_alike() {
    let path = program("limited_plugin");
    let faults = faults(OF_PLUGINS, |directory, limit| {
        let mut arguments = vec!["call", "--audit=audit.jsonl", path.to_str().unwrap()];
        arguments.extend(["reach", "--input", limit.way]);
        arguments.extend(limit.options);
        run(isopod(directory, &arguments))
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_limit_that_many_calls_reach_is_told_once() {
    let path = program("limited_plugin");
    let mut faults = Vec::new();
    for limit in OF_PLUGINS {
        let directory = directory();
        let mut arguments = vec!["call", "--audit=audit.jsonl", path.to_str().unwrap()];
        // Calls at the same time share the descriptors of a tree, and then fail in other ways as well.
        let concurrency = match limit.kind {
            "descriptors" => "--concurrency=1",
            _ => "--concurrency=2",
        };
        arguments.extend(["reach", "--input", limit.way, "--repeat=6", concurrency]);
        arguments.extend(limit.options);
        let ended = run(isopod(directory.path(), &arguments));
        let log = fs::read_to_string(directory.path().join("audit.jsonl")).unwrap();
        let told = log.matches(r#""record":"limit""#).count();
        let is_right = log.contains(&format!(r#""limit":"{}""#, limit.kind));
        if told != 1 || !is_right || ended.exit_code != limit.exit_code {
            faults.push(format!("{:?}\n{ended}{log}", limit.options));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_input_that_comes_too_large_is_told_as_others() {
    let directory = directory();
    let path = program("limited_plugin");
    let arguments = [
        "call",
        "--audit=audit.jsonl",
        path.to_str().unwrap(),
        "reach",
        "--input=-",
    ];
    let mut command = isopod(
        directory.path(),
        &[&arguments[..], &["--max-message=9KB"]].concat(),
    );
    command.stdin(fs::File::open(directory.path().join("data/large")).unwrap());
    let ended = run(command);
    assert_eq!(ended.exit_code, 123, "{ended}");
    let text = "the input of 9001 bytes or more is larger than the plugin's limit of 9000 bytes";
    assert!(ended.stderr.contains(text), "{ended}");
    let log = fs::read_to_string(directory.path().join("audit.jsonl")).unwrap();
    assert!(log.contains(r#""limit":"message-size""#), "{log}");
    assert!(log.contains(text), "{log}");
}

/// The names of the options in a section of the help of a command.
pub(crate) fn options_of(command: &str, section: &str) -> Vec<String> {
    let help = run(isopod(Path::new("."), &["help", command])).stdout;
    let (_, after) = help.split_once(&format!("\n{section}:\n")).unwrap();
    let (options, _) = after.split_once("\n\n").unwrap_or((after, ""));
    let words = options
        .lines()
        .filter_map(|line| line.trim().split(' ').next());
    let options = words.filter(|word| word.starts_with("--"));
    options.map(str::to_owned).collect()
}

/// The options whose limits no test of the command line reaches: only the plugin itself uses its queue, and
/// a process has one operation at a time.
const NOT_REACHED: [&str; 1] = ["--max-file-operations"];
const NOT_REACHED_BY_CALLS: [&str; 4] = [
    "--max-file-operations",
    "--tree-file-operations",
    "--max-handles",
    "--max-queued",
];

#[test]
fn no_limit_is_forgotten() {
    for (command, table, not_reached) in [
        ("run", OF_PROGRAMS, &NOT_REACHED[..]),
        ("call", OF_PLUGINS, &NOT_REACHED_BY_CALLS),
    ] {
        let options = options_of(command, "Limits");
        assert!(options.len() > 10, "{options:?}");
        for option in options {
            let is_reached = table
                .iter()
                .any(|limit| limit.options[0].split('=').next() == Some(&option));
            let is_left_out = not_reached.contains(&option.as_str());
            assert!(is_reached != is_left_out, "`{command}`: {option}");
        }
    }
}

#[test]
fn values_of_a_wrong_form_have_one_clear_error_each() {
    let path = program("limited");
    // For these options, zero has a meaning.
    let may_be_zero = [
        "--max-message",
        "--max-output",
        "--tree-output",
        "--max-queued",
        "--max-descriptors",
        "--tree-descriptors",
        "--tree-written",
        "--tree-files",
    ];
    for (command, section) in [
        ("run", "Limits"),
        ("call", "Limits"),
        ("run", "Building and loading"),
    ] {
        for option in options_of(command, section) {
            let flags = [
                "--allow-precompiled",
                "--no-install",
                "--trust-build",
                "--read-source",
            ];
            if flags.contains(&option.as_str()) {
                continue;
            }
            for value in ["abc", "-1", "1.5.0", "", "99999999999999999999999", "0"] {
                let zero = match option.as_str() {
                    "--timeout" | "--cpu-time" | "--tree-cpu-time" | "--compile-timeout" => "0s",
                    _ => "0",
                };
                let value = if value == "0" { zero } else { value };
                if value == "0" && may_be_zero.contains(&option.as_str()) {
                    continue;
                }
                let words = [command, path.to_str().unwrap(), &option, value, "reach"];
                let words = &words[..if command == "call" { 5 } else { 4 }];
                let ended = run(isopod(Path::new("."), words));
                let error = ended.own_error();
                let start = format!("error: invalid value `{value}` for `{option} <");
                assert!(error.starts_with(&start), "{words:?}: {error}");
                let [message, hint] = *error.trim_end().lines().collect::<Vec<_>>() else {
                    panic!("{words:?}: {error}");
                };
                // The message has an example of a valid value.
                let (_, text) = message.split_once(">`: ").unwrap();
                assert!(text.contains('`'), "{words:?}: {error}");
                let help = format!("hint: `isopod help {command}` lists");
                assert!(hint.starts_with(&help), "{words:?}: {error}");
            }
        }
    }
}

fn told(options: &[&str], way: &str) -> Ended {
    let directory = empty_directory();
    let path = program("limited");
    let mut arguments = vec!["run", path.to_str().unwrap()];
    arguments.extend(options);
    arguments.extend(["--", way]);
    run(isopod(directory.path(), &arguments))
}

#[test]
fn the_limit_of_a_child_is_its_parents_to_raise() {
    for (way, setter) in [
        ("child-timeout", "`set-timeout` of `process.options`"),
        ("child-memory", "`set-memory-limit` of `process.options`"),
    ] {
        let told = told(&[], way);
        assert!(told.stdout.contains(setter), "{told}");
    }
}

#[test]
fn the_limit_of_output() {
    insta::assert_snapshot!(told(&["--max-output", "3"], "output").without_frames(), @"
    exit code: 123
    --- standard output
    thi(no line end)
    --- standard error
    error: process `MainProcess` ended: limit
    cause: output limit of 3 bytes reached; raise it with `Limits::output` or `--max-output`
      backtrace:
      in task `main`, last called `WASI`, on core N, with N of memory
    ");
}

#[test]
fn limits_are_shown() {
    let path = program("limited_plugin");
    let options = ["-v", "--max-handles", "50", "--max-queued", "1MiB"];
    let ran = told(&options, "descriptors").to_string();
    let mut arguments = vec!["call", path.to_str().unwrap(), "reach", "--env=LEVEL=3"];
    arguments.extend(options);
    let called = run(isopod(Path::new("."), &arguments)).to_string();
    for line in [
        "granted: 50 handles for each process\n",
        "granted: 1 MiB in queues and shared memory\n",
        "granted: 256 processes at a time\n",
    ] {
        assert!(ran.contains(line), "{ran}");
    }
    for line in [
        "granted: standard input, output and error\n",
        "granted: environment variable `LEVEL`\n",
        "granted: 50 handles for each instance\n",
        "granted: 1 MiB in queues and shared memory\n",
    ] {
        assert!(called.contains(line), "{called}");
    }
}
