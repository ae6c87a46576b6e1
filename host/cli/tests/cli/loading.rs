//! The loading of hostile programs stays within a limit of time and of memory, and an interrupt leaves
//! nothing.

use super::support::{GUARD, empty_directory, isopod, run};
use rustix::process::Signal;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest time from its limit to the end of the compilation, on a busy machine.
const SOON: Duration = Duration::from_secs(3);

/// A module whose compilation takes a minute.
fn slow() -> Vec<u8> {
    let mut text =
        String::from("(module (memory (export \"memory\") 1) (func (export \"_start\"))");
    for number in 0..480 {
        let _ = write!(text, "(func (param i32) (local {})", "i64 ".repeat(200));
        for block in 0..2_000 {
            let (local, other) = (1 + (block * 7 + number) % 200, 1 + (block * 13) % 200);
            let _ = write!(
                text,
                "(if (i32.and (local.get 0) (i32.const {block})) (then (local.set {local}
                    (i64.add (local.get {other}) (i64.const {block})))))"
            );
        }
        text.push(')');
    }
    text.push(')');
    wat::parse_str(text).unwrap()
}

/// The peak memory of a process and its children, and the time until its end.
struct Watched {
    peak_bytes: u64,
    compiler_peak_bytes: u64,
    time: Duration,
    stderr: String,
    exit_code: Option<i32>,
}

fn watch(mut command: Command) -> Watched {
    let begin = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut peak_bytes, mut compiler_peak_bytes) = (0, 0);
    while child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < GUARD);
        peak_bytes = peak_bytes.max(peak(child.id()));
        for compiler in compilers(&child) {
            compiler_peak_bytes = compiler_peak_bytes.max(peak(compiler));
        }
        // A look is cheap and the kernel keeps the peak, so two looks miss nothing in between.
        std::thread::park_timeout(Duration::from_millis(2));
    }
    let ended = child.wait_with_output().unwrap();
    Watched {
        peak_bytes,
        compiler_peak_bytes,
        time: begin.elapsed(),
        stderr: String::from_utf8(ended.stderr).unwrap(),
        exit_code: ended.status.code(),
    }
}

/// The peak memory of a process; nothing if the process is gone.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}

/// The processes that compile for this one.
fn compilers(child: &Child) -> Vec<u32> {
    let path = format!("/proc/{0}/task/{0}/children", child.id());
    let children = fs::read_to_string(path).unwrap_or_default();
    children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

fn run_with(directory: &Path, options: &[&str]) -> Command {
    let mut command = isopod(directory, &[&["run", "bomb.wasm"], options].concat());
    // No result is kept: each test compiles.
    command.env("ISOPOD_CACHE", directory.join("cache"));
    command
}

#[test]
fn compiling_ends_at_its_limit_of_time() {
    let directory = empty_directory();
    fs::write(directory.path().join("bomb.wasm"), slow()).unwrap();
    let ended = watch(run_with(directory.path(), &["--compile-timeout", "1s"]));
    assert_eq!(ended.exit_code, Some(123), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("was not compiled within the limit of 1s; raise it with"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.time < Duration::from_secs(1) + SOON,
        "{:?}",
        ended.time
    );
    assert!(ended.peak_bytes < 300 << 20, "{} bytes", ended.peak_bytes);
}

#[test]
fn compiling_ends_at_its_limit_of_memory() {
    const LIMIT: u64 = 100 << 20;
    let directory = empty_directory();
    fs::write(directory.path().join("bomb.wasm"), slow()).unwrap();
    let ended = watch(run_with(directory.path(), &["--compile-memory", "100MiB"]));
    assert_eq!(ended.exit_code, Some(123), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("`--compile-memory`"),
        "{}",
        ended.stderr
    );
    // Besides this limit, the compiler has its own code, and the file of the program in memory.
    let most = LIMIT + (120 << 20);
    assert!(
        ended.compiler_peak_bytes < most,
        "{} bytes",
        ended.compiler_peak_bytes
    );
    assert!(ended.peak_bytes < 300 << 20, "{} bytes", ended.peak_bytes);
}

#[test]
fn a_program_that_is_too_large_is_not_read() {
    let directory = empty_directory();
    let file = fs::File::create(directory.path().join("bomb.wasm")).unwrap();
    // The file takes no space on the disk.
    file.set_len(1 << 40).unwrap();
    let ended = watch(run_with(directory.path(), &[]));
    assert_eq!(ended.exit_code, Some(123), "{}", ended.stderr);
    assert!(ended.stderr.contains("`--max-program`"), "{}", ended.stderr);
    assert!(ended.peak_bytes < 300 << 20, "{} bytes", ended.peak_bytes);
}

#[test]
fn an_interrupt_ends_compiling_and_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        // A shell's background job ignores SIGINT, and so does every program that it starts.
        if is_ignored(signal) {
            continue;
        }
        let directory = empty_directory();
        fs::write(directory.path().join("bomb.wasm"), slow()).unwrap();
        let mut child = run_with(directory.path(), &[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        let compiler = loop {
            // Not before it compiles: until then the process is not the compiler yet.
            match compilers(&child).first() {
                Some(pid) if peak(*pid) > 60 << 20 => break *pid,
                _ => assert!(begin.elapsed() < GUARD && child.try_wait().unwrap().is_none()),
            }
            std::thread::park_timeout(Duration::from_millis(2));
        };
        // The compiler can do nothing else meanwhile, where the kernel can enforce that.
        if Path::new("/proc/sys/kernel/seccomp").exists() {
            let status = fs::read_to_string(format!("/proc/{compiler}/status")).unwrap();
            assert!(status.contains("\nSeccomp:\t2\n"), "{status}");
        }
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, signal).unwrap();
        let begin = Instant::now();
        child.wait().unwrap();
        // The end may not have been collected yet.
        while is_running(compiler) {
            assert!(begin.elapsed() < SOON, "{signal:?}: the compiler goes on");
            std::thread::park_timeout(Duration::from_millis(2));
        }
        let kept = fs::read_dir(directory.path().join("cache/code"))
            .unwrap()
            .count();
        assert_eq!(kept, 0, "{signal:?}");
    }
}

/// Whether this process ignores a signal, as its children then do from their start.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .unwrap();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    mask & (1 << (signal.as_raw() - 1)) != 0
}

fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}

#[test]
fn what_compiles_is_started_by_isopod_only() {
    let directory = empty_directory();
    let command = isopod(directory.path(), &["serve-compiler"]);
    let ended = run(command);
    assert_eq!(
        ended.own_error(),
        "error: only an engine of isopod starts this\n"
    );
}
