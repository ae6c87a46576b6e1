//! The private files of a run on disk: no other program reaches them, and none stays.

use crate::support::{GUARD, Running, empty_directory, isopod, program, run};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

/// A cache directory of the test's own, as other tests run at the same time.
struct Cache(TempDir);

impl Cache {
    fn new() -> Cache {
        Cache(empty_directory())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = isopod(self.0.path(), arguments);
        command.env("ISOPOD_CACHE", self.path());
        command
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    /// The directories of runs.
    fn private(&self) -> Vec<PathBuf> {
        entries(&self.path().join("private"))
    }

    fn sockets(&self) -> Vec<PathBuf> {
        entries(&self.path().join("runs"))
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn hoarder(action: &'static str, size: &'static str) -> Vec<String> {
    let program = program("hoarder");
    let words = ["run", program.to_str().unwrap(), "--", action, size];
    words.map(str::to_owned).to_vec()
}

fn command(cache: &Cache, action: &'static str, size: &'static str) -> Command {
    let words = hoarder(action, size);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    cache.command(&words)
}

#[test]
fn whatever_a_program_stores_goes_with_it() {
    let cache = Cache::new();
    for (action, size) in [("nest", "2000"), ("nest", "5000"), ("files", "5000")] {
        let ended = run(command(&cache, action, size));
        assert_eq!(
            ended.to_string(),
            "exit code: 0\n--- standard output\ndone\n"
        );
        assert_eq!(cache.private(), [] as [PathBuf; 0], "{action} {size}");
    }
    let mode = fs::metadata(cache.path().join("private")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_next_run_sweeps_what_a_kill_has_left_and_nothing_that_lives() {
    let cache = Cache::new();
    let mut living = Running::start(&mut command(&cache, "nest-and-wait", "10"));
    living.wait_for_output("done\n");
    let lives = cache.private();
    for (action, size) in [
        ("nest-and-wait", "2000"),
        ("files-and-wait", "5000"),
        ("nest-and-wait", "1"),
    ] {
        let mut killed = Running::start(&mut command(&cache, action, size));
        killed.wait_for_output("done\n");
        assert_eq!((cache.private().len(), cache.sockets().len()), (2, 2));
        killed.signal(Signal::KILL);
        assert_eq!(killed.end().exit_code, 137);
        let temporary = cache.path().join("code/.tmpabcdef");
        fs::write(&temporary, "half").unwrap();
        assert_eq!((cache.private().len(), cache.sockets().len()), (2, 2));

        // A sweep takes a bounded time, so on a busy machine several runs share the work.
        let begin = Instant::now();
        loop {
            let ended = run(command(&cache, "nest", "1"));
            assert_eq!(
                ended.to_string(),
                "exit code: 0\n--- standard output\ndone\n"
            );
            if cache.private() == lives {
                break;
            }
            assert!(begin.elapsed() < GUARD, "{:?}", cache.private());
        }
        assert_eq!(cache.sockets().len(), 1);
        assert!(!temporary.exists());
    }
    // The live run still has all its files.
    assert!(lives[0].join("tmp").read_dir().unwrap().count() > 0);
    living.signal(Signal::TERM);
    assert_eq!(living.end().exit_code, 143);
    assert_eq!(cache.private(), [] as [PathBuf; 0]);
}

#[test]
fn no_grant_reaches_a_private_directory() {
    let cache = Cache::new();
    fs::create_dir(cache.0.path().join("beside")).unwrap();
    std::os::unix::fs::symlink(cache.0.path(), cache.0.path().join("beside/link")).unwrap();
    let program = program("hoarder");
    let grants = |grant: &str, option: &str| {
        let words = [
            "run",
            program.to_str().unwrap(),
            option,
            grant,
            "--",
            "nest",
            "1",
        ];
        run(cache.command(&words))
    };
    assert_eq!(grants("beside", "--dir").exit_code, 0);
    for grant in [
        ".",
        "cache",
        "cache/private",
        "beside/link",
        "beside/..",
        "/",
    ] {
        for option in ["--dir", "--read-dir"] {
            let ended = grants(grant, option);
            let error = ended.own_error();
            // For a grant to write, the first obstacle is the cache.
            let reasons = [
                "the private directories of programs lie in",
                "it overlaps isopod's cache",
                "cannot be granted for writing: it overlaps",
            ];
            let is_told = reasons.iter().any(|reason| error.contains(reason));
            assert!(is_told, "{error}");
        }
    }
}

#[test]
fn what_is_stored_has_a_limit_unasked() {
    let cache = Cache::new();
    let ended = run(command(&cache, "until-refused", "files"));
    assert_eq!(ended.stdout, "100000 files, then 19\n", "{ended}");
    let ended = run(command(&cache, "until-refused", "bytes"));
    assert_eq!(ended.stdout, "4 GiB, then 19\n", "{ended}");
    assert_eq!(cache.private(), [] as [PathBuf; 0]);
}

#[test]
fn a_tree_that_holds_all_descriptors_harms_no_other_part() {
    let cache = Cache::new();
    let program = program("hoarder");
    for limit in ["64", "256", "1024"] {
        let mut command = Command::new("prlimit");
        let limited = format!("--nofile={limit}:{limit}");
        let arguments = [
            limited.as_str(),
            env!("CARGO_BIN_EXE_isopod"),
            "run",
            "--cpu-time=2s",
            program.to_str().unwrap(),
            "--",
            "descriptors",
            "8",
        ];
        command.args(arguments).env("ISOPOD_CACHE", cache.path());
        command.stdin(std::process::Stdio::null());
        let ended = run(command);
        // All children print although no descriptor is left, more of them start, and the CPU limit holds.
        assert_eq!(ended.exit_code, 122, "{limit}: {ended}");
        assert_eq!(
            ended.stdout.matches("holds\n").count(),
            8,
            "{limit}: {ended}"
        );
        assert!(ended.stdout.ends_with("computes\n"), "{limit}: {ended}");
    }
}
