//! A program gets the rights that the options name, and no others.

use crate::support::{clone_root, empty_directory, isopod, program, run};
use rustix::thread::{CpuSet, sched_getaffinity};
use std::fs;

#[test]
fn nothing_is_granted_unasked() {
    let directory = empty_directory();
    let path = program("surroundings");
    let mut command = isopod(directory.path(), &["run", path.to_str().unwrap()]);
    command.env("SECRET", "of the user");
    let ended = run(command);
    let stdout: Vec<&str> = ended
        .stdout
        .lines()
        .filter(|line| !line.starts_with("cores: "))
        .collect();
    assert_eq!((ended.exit_code, ended.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(stdout.join("\n"), @r#"
    arguments: ["surroundings"]
    variables: []
    /: out of reach
    .: out of reach
    /data: out of reach
    /etc/passwd: out of reach
    write: false
    outside: false
    "#);
}

#[test]
fn what_the_options_name_is_granted_and_shown() {
    let directory = empty_directory();
    fs::create_dir(directory.path().join("data")).unwrap();
    fs::write(directory.path().join("data/file"), "").unwrap();
    fs::write(directory.path().join("secret"), "").unwrap();
    let core = first_core();
    let path = program("surroundings");
    let arguments = [
        "run",
        path.to_str().unwrap(),
        "-v",
        "--env",
        "LEVEL=3=4",
        "--env",
        "TAKEN_OVER",
        "--dir",
        "data::/data",
        "--cores",
        &core,
        "--memory",
        "64MiB",
        "--timeout",
        "10m",
        "--max-processes",
        "7",
        "--",
        "--first",
        "second argument",
    ];
    let mut command = isopod(directory.path(), &arguments);
    command
        .env("TAKEN_OVER", "as it is here")
        .env("SECRET", "of the user");
    let mut ended = run(command);
    // The rest of `-v` contains times.
    let granted = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("granted: "));
    ended.stderr = granted
        .map(|line| match line.starts_with("granted: cores ") {
            true => line.replace(&core, "CORE") + "\n",
            false => line.to_owned() + "\n",
        })
        .collect();
    insta::assert_snapshot!(ended, @r#"
    exit code: 0
    --- standard output
    arguments: ["surroundings", "--first", "second argument"]
    variables: [("LEVEL", "3=4"), ("TAKEN_OVER", "as it is here")]
    cores: 1
    /: out of reach
    .: out of reach
    /data: ["file"]
    /etc/passwd: out of reach
    write: true
    outside: false
    --- standard error
    granted: standard input, output and error
    granted: arguments `--first` `second argument`
    granted: environment variable `LEVEL`
    granted: environment variable `TAKEN_OVER`
    granted: directory `data` as `/data`, to read and write
    granted: an empty directory as `/tmp`
    granted: cores CORE
    granted: 7 processes at a time
    granted: 10m of time
    granted: 64 MiB of memory for each process
    "#);
    let written = fs::read_to_string(directory.path().join("data/written")).unwrap();
    assert_eq!(written, "by the program");
}

#[test]
fn a_script_reads_its_own_directory_and_has_a_private_one() {
    let (directory, temporary) = (empty_directory(), empty_directory());
    let own = clone_root().join("host/cli/tests/cli/programs");
    let script = own.join("scratch.rs");
    let arguments = [
        "run",
        "-q",
        script.to_str().unwrap(),
        "--",
        own.to_str().unwrap(),
    ];
    let mut command = isopod(directory.path(), &arguments);
    command.env("TMPDIR", temporary.path());
    insta::assert_snapshot!(run(command), @r"
    exit code: 0
    --- standard output
    own directory read: true
    own directory written: false
    private: 0 entries
    private: kept for a while
    ");
    assert!(!own.join("written").exists());
    // The private directory was removed at the end of the program.
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn network_and_special_files_are_granted_and_shown() {
    let directory = empty_directory();
    let path = program("surroundings");
    let arguments = [
        "run",
        path.to_str().unwrap(),
        "-v",
        "--read-dir",
        ".::/data",
        "--dir",
        ".::/tmp",
        "--allow-special-files",
        "--net",
        "192.0.2.7:443",
        "--net",
        "[::1]:*",
        "--listen",
        "*:8080",
        "--allow-name-lookup",
    ];
    let ended = run(isopod(directory.path(), &arguments));
    let granted: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("granted: ") && !line.contains("cores"))
        .collect();
    insta::assert_snapshot!(granted.join("\n"), @"
    granted: standard input, output and error
    granted: directory `.` as `/tmp`, to read and write
    granted: directory `.` as `/data`, to read
    granted: FIFOs and devices in these directories
    granted: connections to 192.0.2.7:443
    granted: connections to [::1]:*
    granted: connections accepted at *:8080
    granted: look-up of host names
    granted: 256 processes at a time
    ");
    assert!(ended.stdout.contains("write: false\n"), "{}", ended.stdout);
}

#[test]
fn an_address_that_is_none_is_told() {
    let arguments = ["run", "x.wasm", "--net", "localhost:80"];
    let told = run(isopod(std::path::Path::new("."), &arguments)).to_string();
    assert!(
        told.contains("names are not looked up; one looks like `127.0.0.1:80`"),
        "{told}"
    );
}

/// A core that this process may use.
fn first_core() -> String {
    let cores = sched_getaffinity(None).unwrap();
    let mut numbers = 0..CpuSet::MAX_CPU;
    numbers
        .find(|core| cores.is_set(*core))
        .unwrap()
        .to_string()
}

#[test]
fn a_directory_that_isopod_runs_code_from_is_not_granted_to_write() {
    let directory = empty_directory();
    let cache = directory.path().join("home/.cache/isopod");
    fs::create_dir_all(cache.join("code")).unwrap();
    std::os::unix::fs::symlink(&cache, directory.path().join("link")).unwrap();
    for name in ["home/data", "home/state", "tools/not"] {
        fs::create_dir_all(directory.path().join(name)).unwrap();
    }
    fs::copy(program("plain"), directory.path().join("plain.wasm")).unwrap();
    let tools = directory.path().join("tools/not/yet");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let run_with = |options: &[&str]| {
        let arguments = [&["run", "plain.wasm"], options].concat();
        let mut command = isopod(directory.path(), &arguments);
        command
            .env("ISOPOD_CACHE", &cache)
            .env("ISOPOD_STATE", directory.path().join("home/state"))
            .env("PATH", &path);
        run(command)
    };
    for granted in [
        "home",
        "home/.cache/isopod/code",
        "link",
        ".",
        "home/state",
        // No compiler is there yet: a program could put one there.
        "tools",
        "/",
    ] {
        let ended = run_with(&["--dir", granted]);
        let error = ended.own_error();
        assert!(error.contains("cannot be granted"), "{granted}: {error}");
        // No option grants the cache and its key.
        let can_be_allowed = granted == "tools";
        assert_eq!(
            error.contains("`--allow-overlap`"),
            can_be_allowed,
            "{granted}: {error}"
        );
        let ended = run_with(&["--dir", granted, "--allow-overlap"]);
        let is_refused = ended.stderr.contains("cannot be granted");
        assert_eq!(is_refused, !can_be_allowed, "{granted}: {ended}");
    }
    for options in [
        &["--dir", "home/data"][..],
        &["--read-dir", "home/.cache/isopod/code"],
        &["--dir", "tools", "--allow-overlap"],
    ] {
        let ended = run_with(options);
        assert!(!ended.stderr.contains("overlaps"), "{options:?}: {ended}");
    }
}

#[test]
fn the_key_of_the_cache_is_read_by_nobody() {
    let directory = empty_directory();
    let at = |name: &str| directory.path().join(name);
    for name in ["home/state", "home/data", "source/src"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    fs::copy(program("plain"), at("plain.wasm")).unwrap();
    std::os::unix::fs::symlink("home/state", at("link")).unwrap();
    let with_key = |arguments: &[&str], state: &str| {
        let mut command = isopod(directory.path(), arguments);
        command.env("ISOPOD_STATE", at(state));
        if arguments.contains(&"run") {
            // The cache that the tests share has another key.
            command.env("ISOPOD_CACHE", at("cache"));
        }
        run(command)
    };
    // With and without an existing key.
    for _ in 0..2 {
        for granted in ["home/state", "home", "link", "home/data/.."] {
            let ended = with_key(&["run", "plain.wasm", "--read-dir", granted], "home/state");
            let error = ended.own_error();
            assert!(
                error.contains("it contains the key of isopod's cache"),
                "{granted}: {error}"
            );
        }
        let arguments = [
            "run",
            "plain.wasm",
            "--read-dir",
            "home/data",
            "--",
            "normal",
        ];
        let ended = with_key(&arguments, "home/state");
        assert_eq!(ended.exit_code, 0, "{ended}");
        assert!(at("home/state/cache.key").exists());
    }
    // A build cannot reach it either.
    let manifest = "[package]\nname = \"a\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    fs::write(at("source/Cargo.toml"), manifest).unwrap();
    fs::write(at("source/src/main.rs"), "fn main() {}").unwrap();
    for (arguments, state) in [
        (
            &["build", "-q", "source", "-o", "x.wasm"][..],
            "source/.state",
        ),
        (
            &[
                "build",
                "-q",
                "source",
                "-o",
                "x.wasm",
                "--read-source",
                "home",
            ],
            "home/state",
        ),
        (
            &[
                "build",
                "-q",
                "source",
                "-o",
                "x.wasm",
                "--read-source",
                "link",
            ],
            "home/state",
        ),
    ] {
        let ended = with_key(arguments, state);
        if ended.stderr.contains("cannot be confined") {
            continue;
        }
        assert_eq!(ended.exit_code, 125, "{state}: {ended}");
        assert!(ended.stderr.contains("cache.key`"), "{state}: {ended}");
    }
}
