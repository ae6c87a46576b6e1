//! Hostile programs in each language, seen from outside of the whole process of `isopod run`: its peak
//! memory, its end, its CPU time, its files on disk, and its log.

#![allow(clippy::print_stdout, reason = "a line says what was skipped, and why")]

use crate::support::{
    GUARD, Running, Unread, cache, clone_root, empty_directory, has_python, isopod, program, run,
};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An idle machine takes about 0.3 seconds.
const SOON: Duration = Duration::from_secs(10);

/// A hostile program, by the path that `isopod run` receives.
struct Hostile(PathBuf);

impl Hostile {
    /// `tests/languages/hostile.c`, if it can be built here.
    fn in_c(directory: &Path) -> Option<Hostile> {
        let source = clone_root().join("tests/languages/hostile.c");
        let output = directory.join("hostile-c.wasm");
        let words = [
            "build",
            "-q",
            source.to_str().unwrap(),
            "-o",
            output.to_str().unwrap(),
        ];
        let ended = run(isopod(directory, &words));
        if ended.stderr.contains("no C compiler for WebAssembly") {
            println!("skipped: {}", ended.stderr);
            return None;
        }
        assert_eq!(ended.to_string(), "exit code: 0\n");
        Some(Hostile(output))
    }

    /// `tests/languages/hostile.py`, if Python is available.
    fn in_python() -> Option<Hostile> {
        has_python().then(|| Hostile(clone_root().join("tests/languages/hostile.py")))
    }

    fn in_other_languages(directory: &Path) -> Vec<Hostile> {
        let all = [Hostile::in_c(directory), Hostile::in_python()];
        all.into_iter().flatten().collect()
    }

    fn command(&self, directory: &Path, options: &[&str], scenario: &str) -> Command {
        let path = self.0.to_str().unwrap();
        let arguments = [&["run", path], options, &["--"]].concat();
        let mut command = isopod(directory, &arguments);
        command.args(scenario.split(' '));
        command
    }
}

#[test]
fn a_signal_ends_a_program_in_c_or_python_whose_output_nobody_reads() {
    let directory = empty_directory();
    for hostile in Hostile::in_other_languages(directory.path()) {
        let mut command = hostile.command(directory.path(), &[], "output");
        let run = Unread::start(&mut command);
        run.signal(Signal::TERM);
        let (code, took) = run.end();
        assert_eq!(code, Some(143), "{:?}", hostile.0);
        assert!(took < SOON, "{:?}: {took:?}", hostile.0);
    }
}

/// A cache of the test's own, with the runner of Python and the code of all tests.
fn own_cache() -> TempDir {
    let own = empty_directory();
    for name in ["python", "code"] {
        symlink(cache().join(name), own.path().join(name)).unwrap();
    }
    own
}

#[test]
fn nothing_that_c_or_python_has_stored_is_left() {
    let directory = empty_directory();
    let cache = own_cache();
    let entries = |name: &str| {
        let entries = fs::read_dir(cache.path().join(name)).into_iter().flatten();
        entries.count()
    };
    let limits = ["--tree-files=3000"];
    for hostile in Hostile::in_other_languages(directory.path()) {
        for (scenario, signal) in [
            ("nested-directories", Signal::TERM),
            ("links", Signal::TERM),
            ("nested-directories", Signal::KILL),
        ] {
            let mut command = hostile.command(directory.path(), &limits, scenario);
            let mut running = Running::start(command.env("ISOPOD_CACHE", cache.path()));
            running.wait_for_last_line("ready");
            running.signal(signal);
            let ended = running.end();
            assert!([143, 137].contains(&ended.exit_code), "{ended}");
            // A killed run leaves its directory to the next runs, each of which spends a bounded time on
            // removals.
            let begin = Instant::now();
            while signal == Signal::KILL && entries("private") + entries("runs") > 0 {
                let plain = program("plain");
                let words = ["run", plain.to_str().unwrap(), "--", "normal"];
                let mut next = isopod(directory.path(), &words);
                next.env("ISOPOD_CACHE", cache.path());
                assert_eq!(run(next).exit_code, 0);
                assert!(begin.elapsed() < GUARD, "{:?} {scenario}", hostile.0);
            }
            let left = (entries("private"), entries("runs"));
            assert_eq!(left, (0, 0), "{:?} {scenario}", hostile.0);
        }
    }
}

/// The peak memory of the process.
fn peak_bytes(running: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<u64>().unwrap() << 10
}

/// The texts of crashes and failures go through the host.
#[test]
fn reports_take_no_more_of_the_host_than_its_limits_say() {
    let directory = empty_directory();
    let limits = [
        "--memory=64MiB",
        "--tree-memory=256MiB",
        "--tree-host-memory=64MiB",
    ];
    let peak_of = |hostile: &Hostile, scenario: &str| {
        let mut command = hostile.command(directory.path(), &limits, scenario);
        let mut running = Running::start(&mut command);
        running.wait_for_last_line("ready");
        let peak = peak_bytes(&running);
        running.signal(Signal::KILL);
        running.end();
        peak
    };
    for hostile in Hostile::in_other_languages(directory.path()) {
        let base = peak_of(&hostile, "sleeps-once");
        let scenarios: &[&str] = if hostile.0.extension().is_some_and(|is| is == "py") {
            &["exceptions-of-children", "exceptions-of-jobs"]
        } else {
            &["dead-children", "traps-of-children"]
        };
        for scenario in scenarios {
            let grown = peak_of(&hostile, scenario).saturating_sub(base);
            let bound = (256 + 64 + 32) << 20;
            assert!(grown < bound, "{scenario}: {grown} bytes");
        }
    }
}

#[test]
fn refusals_without_end_are_counted_in_each_language() {
    const LOG: &str = "audit.jsonl";
    let directory = empty_directory();
    let mut all = Hostile::in_other_languages(directory.path());
    all.push(Hostile(program("hoarder")));
    for hostile in all {
        let scenario = match hostile.0.file_stem() {
            Some(stem) if stem == "hoarder" => "refusals 20000",
            _ => "refusals",
        };
        let command = hostile.command(directory.path(), &["--audit", LOG], scenario);
        let ended = run(command);
        assert_eq!(ended.exit_code, 0, "{ended}");
        let text = fs::read_to_string(directory.path().join(LOG)).unwrap();
        let refusals: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|line: &Value| line["record"] == "refused")
            .collect();
        // Of each kind, one entry at once and one with the count.
        assert!((2..=8).contains(&refusals.len()), "{text}");
        let counts = refusals.iter().filter_map(|line| line["count"].as_u64());
        let counted: u64 = counts.sum();
        assert!(counted >= 40_000, "{counted}: {text}");
        fs::remove_file(directory.path().join(LOG)).unwrap();
    }
}

/// Threads of the host compute for operations on files half as much again as the guest computes here. So
/// the CPU time of the whole operating-system process shows whether their work was counted.
#[test]
fn operations_on_files_count_to_the_limits_of_cpu_time() {
    const OF_THE_HOST: Duration = Duration::from_millis(800);
    const USED: Duration = Duration::from_secs(1);
    let directory = empty_directory();
    let path = program("hoarder");
    for (options, exit_code) in [
        (&["--tree-cpu-time=1s"][..], 122),
        (&["--cpu-time=1s"], 122),
        (&["--cpus=0.5", "--timeout=2s"], 124),
    ] {
        let words = [
            &["run", path.to_str().unwrap()],
            options,
            &["--", "operations", "1"],
        ]
        .concat();
        let mut command = isopod(directory.path(), &words);
        let running = Running::start(&mut command);
        let used = running.cpu_time();
        let ended = running.end();
        assert_eq!(ended.exit_code, exit_code, "{options:?}: {ended}");
        assert!(used < USED + OF_THE_HOST, "{options:?}: {used:?}");
    }
}
