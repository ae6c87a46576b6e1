//! isopod confines itself before a program runs. These tests look from the outside, and through a program
//! that was granted a way to other processes. `tests/it/confinement.rs` looks from the inside.

use crate::support::{GUARD, Running, empty_directory, isopod, program, run};
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Whether the kernel has all the features that isopod's confinement needs; prints a message if not.
fn is_confining() -> bool {
    let path = program("plain");
    let directory = empty_directory();
    let ended = run(isopod(
        directory.path(),
        &["run", "-v", path.to_str().unwrap()],
    ));
    let missing: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("confined in part: "))
        .collect();
    if !missing.is_empty() {
        #[allow(clippy::print_stderr, reason = "whoever reads the log is to know")]
        {
            eprintln!("skipped: {missing:?}");
        }
    }
    missing.is_empty()
}

/// The names of the threads of an operating-system process, and whether they are confined.
fn threads(process: u32) -> Vec<(String, bool)> {
    let entries = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let texts = entries.filter_map(|entry| {
        // A thread that has ended meanwhile is left out.
        let text = fs::read_to_string(entry.unwrap().path().join("status")).ok()?;
        let has = |line: &str| text.lines().any(|other| other == line);
        let is_confined = has("Seccomp:\t2") && has("NoNewPrivs:\t1");
        Some((text.lines().next()?.to_owned(), is_confined))
    });
    texts.collect()
}

fn assert_all_confined(process: u32) {
    let threads = threads(process);
    let are_confined = threads.iter().all(|(_, is_confined)| *is_confined);
    assert!(threads.len() > 3 && are_confined, "{threads:?}");
}

#[test]
fn every_thread_of_a_run_is_confined() {
    if !is_confining() {
        return;
    }
    let directory = empty_directory();
    let path = program("endless");
    let arguments = [
        "run",
        path.to_str().unwrap(),
        "--",
        "join",
        "queue",
        "busy",
        "sleep",
    ];
    let mut running = Running::start(&mut isopod(directory.path(), &arguments));
    running.wait_for_lines(&["join", "queue", "busy", "sleep"]);
    assert_all_confined(running.pid());
    running.signal(Signal::TERM);
    assert_eq!(running.end().exit_code, 143);
}

#[test]
fn every_thread_of_a_script_is_confined() {
    if !is_confining() || !crate::support::has_python() {
        return;
    }
    let directory = empty_directory();
    let code = "import time; print('here', flush=True); time.sleep(3600)";
    let mut running = Running::start(&mut isopod(directory.path(), &["run", "-c", code]));
    running.wait_for_output("here\n");
    assert_all_confined(running.pid());
    running.signal(Signal::TERM);
    assert_eq!(running.end().exit_code, 143);
}

#[test]
fn every_thread_of_a_call_is_confined() {
    if !is_confining() {
        return;
    }
    let directory = empty_directory();
    let path = program("text_plugin");
    let arguments = [
        "call",
        path.to_str().unwrap(),
        "upper",
        "--input",
        "x",
        "--repeat",
        "1000000000",
        "--concurrency",
        "2",
    ];
    let running = Running::start(&mut isopod(directory.path(), &arguments));
    let begin = Instant::now();
    while threads(running.pid()).len() < 5 {
        assert!(begin.elapsed() < GUARD, "it never calls");
        std::thread::yield_now();
    }
    assert_all_confined(running.pid());
    running.signal(Signal::KILL);
    assert_eq!(running.end().exit_code, 128 + 9);
}

/// The files of `/proc` look regular, and one of them is the memory of the host.
#[test]
fn the_kernels_files_are_not_granted() {
    let directory = empty_directory();
    let path = program("reads");
    for (option, granted) in [
        ("--dir", "/proc::/p"),
        ("--dir", "/proc/self::/p"),
        ("--dir", "/proc/sys/kernel::/p"),
        ("--dir", "/sys::/p"),
        ("--read-dir", "/proc::/p"),
        ("--read-dir", "/proc/self::/p"),
    ] {
        for more in [&[][..], &["--allow-special-files"]] {
            let words = [
                &["run", path.to_str().unwrap(), option, granted],
                more,
                &["--", "/p/self/mem"],
            ]
            .concat();
            let ended = run(isopod(directory.path(), &words));
            assert_eq!(ended.exit_code, 125, "{words:?}: {ended}");
            assert!(
                ended.stderr.contains("its files are the kernel's"),
                "{words:?}: {ended}"
            );
        }
    }
}

#[test]
fn a_run_leaves_nothing_of_its_own() {
    let directory = empty_directory();
    let cache = directory.path().join("cache");
    let temporary = directory.path().join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let path = program("scratch");
    let mut command = isopod(
        directory.path(),
        &["run", path.to_str().unwrap(), "--", "."],
    );
    command
        .env("ISOPOD_CACHE", &cache)
        .env("TMPDIR", &temporary);
    let ended = run(command);
    assert_eq!((ended.exit_code, ended.stderr.as_str()), (0, ""));
    let left = |directory: &Path| fs::read_dir(directory).unwrap().count();
    assert_eq!((left(&temporary), left(&cache.join("runs"))), (0, 0));
}
