//! Scripts that would not end, or take too much: each ends at a limit, or gets an error.

use super::{is_available, run_text};
use crate::support::{empty_directory, isopod, run};
use std::path::Path;
use std::process::Stdio;

/// Runs a script that reaches its time limit.
fn is_ended_in_time(text: &str) {
    if !is_available() {
        return;
    }
    let ended = run_text(
        text,
        &["-q", "--timeout", "700ms", "--on-deadlock", "ignore"],
    );
    assert_eq!(ended.exit_code, 124, "{ended}");
    assert!(
        ended.stderr.contains("deadline of 700ms reached"),
        "{ended}"
    );
}

#[test]
fn an_endless_loop() {
    is_ended_in_time("while True: pass\n");
}

#[test]
fn a_long_sleep() {
    is_ended_in_time("import time\ntime.sleep(3600)\n");
}

#[test]
fn a_lock_that_nobody_releases() {
    is_ended_in_time(
        "import multiprocessing\nlock = multiprocessing.Lock()\nlock.acquire()\nlock.acquire()\n",
    );
}

#[test]
fn input_that_never_comes() {
    if !is_available() {
        return;
    }
    let mut command = isopod(
        Path::new("."),
        &["run", "-q", "--timeout", "700ms", "-c", "input()"],
    );
    // Kept open without input until the command has ended.
    command.stdin(Stdio::piped());
    let ended = run(command);
    assert_eq!(ended.exit_code, 124, "{ended}");
}

#[test]
fn children_that_do_not_end() {
    is_ended_in_time(
        "from multiprocessing import Process, Queue\n\
         def spin():\n    while True: pass\n\
         if __name__ == '__main__':\n    \
             Process(target=spin).start()\n    \
             Process(target=Queue().get).start()\n",
    );
}

#[test]
fn cpu_time_is_limited() {
    if !is_available() {
        return;
    }
    let ended = run_text("while True: pass\n", &["-q", "--cpu-time", "500ms"]);
    assert_eq!(ended.exit_code, 122, "{ended}");
}

#[test]
fn a_deadlock_is_told() {
    if !is_available() {
        return;
    }
    let text =
        "import multiprocessing\nlock = multiprocessing.Lock()\nlock.acquire()\nlock.acquire()\n";
    let ended = run_text(text, &["-q", "--on-deadlock", "end"]);
    assert_eq!(ended.exit_code, 120, "{ended}");
    assert!(ended.stderr.contains("deadlock"), "{ended}");
}

#[test]
fn recursion_through_c_is_an_error_that_the_script_can_catch() {
    if !is_available() {
        return;
    }
    let text = "\
import json, pickle
class Endless:
    def __repr__(self):
        return repr([self])
nested = []
for _ in range(10**5):
    nested = [nested]
for call in (
    lambda: repr(Endless()), lambda: repr(nested), lambda: json.loads('[' * 10**5),
    lambda: json.dumps(nested), lambda: pickle.dumps(nested), lambda: nested == [nested],
    lambda: sorted([1], key=lambda _: call()),
):
    try:
        call()
    except RecursionError:
        print('RecursionError')
";
    let ended = run_text(text, &["-q"]);
    assert_eq!(
        ended.to_string(),
        format!(
            "exit code: 0\n--- standard output\n{}",
            "RecursionError\n".repeat(7)
        )
    );
}

#[test]
fn too_much_memory_is_an_error_that_the_script_can_catch() {
    if !is_available() {
        return;
    }
    let text = "\
for size in (2**31 - 100, 10**10):
    try:
        bytearray(size)
    except (MemoryError, OverflowError) as error:
        print(type(error).__name__)
kept = []
try:
    while True:
        kept.append(bytes(10**6))
except MemoryError:
    del kept
    print('full')
";
    let ended = run_text(text, &["-q", "--memory", "128MiB"]);
    assert_eq!(
        ended.to_string(),
        "exit code: 0\n--- standard output\nMemoryError\nOverflowError\nfull\n"
    );
}

#[test]
fn a_child_that_traps_is_told() {
    if !is_available() {
        return;
    }
    let text = "\
import faulthandler
from multiprocessing import Process
def crash():
    faulthandler._sigsegv()
if __name__ == '__main__':
    child = Process(target=crash)
    child.start()
    child.join()
    print(child.exitcode)
";
    let ended = run_text(text, &["-q"]).without_frames();
    assert_eq!(
        (ended.exit_code, ended.stdout.as_str()),
        (0, "-6\n"),
        "{ended}"
    );
    assert!(
        ended.stderr.contains("Process Process-1:") && ended.stderr.contains("in task `crash`"),
        "{ended}"
    );
}

#[test]
fn a_script_is_named_after_its_file() {
    if !is_available() {
        return;
    }
    let directory = empty_directory();
    std::fs::write(directory.path().join("hello.py"), "print('hello')\n").unwrap();
    let ended = run(isopod(
        directory.path(),
        &["run", "-v", "--audit=audit.jsonl", "hello.py"],
    ));
    assert_eq!(ended.exit_code, 0, "{ended}");
    assert!(ended.stderr.contains("loaded: `hello.py` in "), "{ended}");
    let log = std::fs::read_to_string(directory.path().join("audit.jsonl")).unwrap();
    assert!(log.contains("\"program\":\"hello.py\""), "{log}");
    assert!(!format!("{ended}{log}").contains("runner-"), "{ended}{log}");
}

/// An open stream has no failure reason, which Python's C library asks for.
#[test]
fn a_full_directory_is_no_error_of_input_and_output() {
    if !is_available() {
        return;
    }
    let text = "
import errno, os
file = os.open('/tmp/first', os.O_CREAT | os.O_WRONLY)
os.write(file, bytes(1000))
for attempt in (
    lambda: os.pwrite(file, bytes(1000), 0),
    lambda: os.truncate(file, 5000),
    lambda: open('/tmp/second', 'wb', 0).write(bytes(1000)),
    lambda: os.mkdir('/tmp/third'),
):
    try:
        attempt()
    except OSError as error:
        print(errno.errorcode[error.errno])
";
    let options = ["-q", "--tree-written=1000", "--tree-files=2"];
    let ended = run_text(text, &options);
    assert_eq!(
        ended.to_string(),
        "exit code: 0\n--- standard output\nEDQUOT\nEDQUOT\nEDQUOT\nEDQUOT\n"
    );
}
