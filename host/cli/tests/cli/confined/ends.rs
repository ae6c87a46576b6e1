//! The ends of builds: all their processes end with them, however the end comes, also at their limits.

use super::{CANNOT, Place, manifest};
use crate::support::{BUILD_GUARD, Running, cache, isopod, program, run};
use rustix::process::Signal;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Processes with this word among their arguments.
fn processes_with(word: &str) -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| super::holds(line, word)).count()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < BUILD_GUARD, "{what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// A crate whose build script starts processes with this word and without a parent, which ignore every
/// signal that they can, and then does `rest`.
fn place(word: &str, rest: &str) -> Place {
    let place = Place::new();
    place.write("hostile/Cargo.toml", &manifest("hostile", ""));
    place.write("hostile/src/main.rs", "fn main() {}");
    let script = format!(
        "use std::process::{{Command, Stdio}};
         fn main() {{
             let loops = \"trap '' HUP INT TERM QUIT; (while :; do sleep 1000; done) & while :; do sleep 1000; done\";
             let mut first = Command::new(\"sh\");
             first.args([\"-c\", \"sh -c \\\"$1\\\" {word} & exit\", \"sh\", loops]);
             first.stdout(Stdio::null()).stderr(Stdio::null());
             assert!(first.status().unwrap().success());
             // What is started has its word by now, or soon.
             let started = || Command::new(\"sleep\").arg(\"0.05\").status().unwrap().success();
             assert!(started());
             {rest}
         }}"
    );
    place.write("hostile/build.rs", &script);
    place
}

const FOR_EVER: &str = "loop { std::thread::park(); }";

/// The directories for temporary files of this process.
fn temporary(pid: u32) -> usize {
    let entries = fs::read_dir(cache().join("temporary"))
        .into_iter()
        .flatten()
        .flatten();
    let beginning = format!("{pid}-");
    entries
        .filter(|entry| entry.file_name().to_str().unwrap().starts_with(&beginning))
        .count()
}

/// Whether this process ignores the signal, as shells have it for commands in the background. Children inherit that.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask >> (signal.as_raw() - 1) & 1 == 1
}

#[test]
fn a_build_takes_its_processes_along_whoever_ends_it() {
    // The standard library is built by then.
    program("plain");
    let signals = [Signal::KILL, Signal::INT, Signal::TERM];
    for (number, signal) in signals.into_iter().enumerate() {
        if is_ignored(signal) {
            println!(
                "skipped: this test was started with {signal:?} ignored, and so is each build"
            );
            continue;
        }
        let word = format!("isopod-build-{}-{number}", std::process::id());
        let place = place(&word, FOR_EVER);
        let arguments = ["build", "-q", "hostile", "-o", "out.wasm"];
        let mut building = Running::start_build(&mut isopod(place.directory.path(), &arguments));
        let pid = building.pid();
        if !has_begun(&mut building, &word) {
            return;
        }
        building.signal(signal);
        building.end();
        wait_until("all of the build has ended", || processes_with(&word) == 0);
        wait_until("what it has left is swept", || {
            let plain = program("plain");
            let swept = run(isopod(
                place.directory.path(),
                &["run", plain.to_str().unwrap(), "--", "normal"],
            ));
            assert_eq!(swept.exit_code, 0, "{swept}");
            temporary(pid) == 0
        });
    }
}

/// Waits until the processes of a build script run; false if the build is refused here.
fn has_begun(building: &mut Running, word: &str) -> bool {
    let mut is_refused = false;
    wait_until("the build script runs", || {
        is_refused = building.has_error(CANNOT);
        is_refused || processes_with(word) >= 2
    });
    if is_refused {
        println!("skipped: {CANNOT}");
    }
    !is_refused
}

#[test]
fn what_a_build_script_leaves_running_ends_with_the_build() {
    let word = format!("isopod-left-{}", std::process::id());
    let place = place(&word, "");
    let Some(ended) = place.build("hostile", &[]) else {
        return;
    };
    assert_eq!(ended.to_string(), "exit code: 0\n");
    assert_eq!(processes_with(&word), 0);
}

#[test]
fn a_build_ends_at_its_limit_of_time() {
    program("plain");
    let word = format!("isopod-late-{}", std::process::id());
    let place = place(&word, FOR_EVER);
    // The text of a source can name one of the compiler's own pipes.
    place.write(
        "waits.rs",
        "static X: &[u8] = include_bytes!(\"/proc/self/fd/1\");\nfn main() { print!(\"{X:?}\"); }",
    );
    for source in ["hostile", "waits.rs"] {
        let Some(ended) = place.build(source, &["--build-timeout", "8s"]) else {
            return;
        };
        assert_eq!(ended.exit_code, 125, "{source}: {ended}");
        for text in ["did not end within the limit of 8s", "`--build-timeout`"] {
            assert!(ended.stderr.contains(text), "{source}: {ended}");
        }
    }
    assert_eq!(processes_with(&word), 0);
}

#[test]
fn a_process_of_a_build_ends_at_its_limit_of_memory() {
    let place = Place::new();
    place.write("hostile/Cargo.toml", &manifest("hostile", ""));
    place.write("hostile/src/main.rs", "fn main() {}");
    for script in [
        "let mut all = Vec::new(); loop { all.push(vec![1_u8; 1 << 20]); }",
        "let out = std::env::var(\"OUT_DIR\").unwrap();
         let file = std::fs::File::create(out + \"/file\").unwrap();
         file.set_len(3 << 30).unwrap();",
    ] {
        place.write("hostile/build.rs", &format!("fn main() {{ {script} }}"));
        let Some(ended) = place.build("hostile", &["--build-memory", "2GiB"]) else {
            return;
        };
        assert_eq!(ended.exit_code, 125, "{ended}");
        assert!(ended.stderr.contains("does not compile"), "{ended}");
    }
    place.write(
        "hostile/build.rs",
        "fn main() { drop(vec![1_u8; 1 << 20]); }",
    );
    let ended = place.build("hostile", &["--build-memory", "2GiB"]).unwrap();
    assert_eq!(ended.exit_code, 0, "{ended}");
}

#[test]
fn only_a_build_starts_the_process_that_supervises_it() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopod"));
    command
        .args(["serve-build", "true"])
        .stdin(std::process::Stdio::null());
    let ended = run(command);
    assert_eq!(ended.exit_code, 125, "{ended}");
    assert!(
        ended.stderr.contains("only a build of isopod starts this"),
        "{ended}"
    );
}
