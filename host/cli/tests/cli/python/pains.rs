//! The 16 pains of users of CPython's `multiprocessing`: here a script gets an answer.

use super::{directory, is_available};
use crate::support::{Running, empty_directory, isopod, run};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs;

/// Runs a script of `tests/python`, whose expected output is beside it.
fn answers(name: &str, options: &[&str]) -> String {
    let kept = fs::read_to_string(directory().join(format!("{name}.txt"))).unwrap();
    let script = format!("{name}.py");
    let ended = run(isopod(
        &directory(),
        &[&["run", "-q"], options, &[&script]].concat(),
    ));
    assert_eq!(
        (ended.exit_code, ended.stdout.as_str()),
        (0, kept.as_str()),
        "{ended}"
    );
    ended.stderr
}

#[test]
fn each_of_the_16_is_named() {
    let mut named = BTreeSet::new();
    for name in ["pains", "more_pains", "unguarded"] {
        let text = fs::read_to_string(directory().join(format!("{name}.py"))).unwrap();
        let numbers = text.lines().filter_map(|line| line.split(' ').next());
        named.extend(numbers.filter_map(|number| number.parse::<u32>().ok()));
    }
    // 5 and 13 are times, which the benchmarks measure; 14 has a test below.
    named.extend([5, 13, 14]);
    assert_eq!(named, (1..=16).collect());
}

#[test]
fn pains() {
    if is_available() {
        answers("pains", &[]);
    }
}

#[test]
fn more_pains() {
    if !is_available() {
        return;
    }
    let told = answers("more_pains", &["--memory", "256MiB"]);
    // The crash report names the process, the trap, and the task.
    for part in ["Process Process-", "wasm trap: ", "in task `crash`"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.contains("RuntimeError: in a callback"), "{told}");
}

#[test]
fn unguarded() {
    if !is_available() {
        return;
    }
    let told = answers("unguarded", &[]);
    let error = "An attempt has been made to start a new process before";
    assert_eq!(told.matches(error).count(), 1, "{told}");
}

#[test]
fn one_interrupt_ends_a_pool_with_one_report() {
    if !is_available() {
        return;
    }
    let directory = empty_directory();
    let text = "\
import time
from multiprocessing import Pool
def work(number):
    print('working', flush=True)
    time.sleep(600)
if __name__ == '__main__':
    with Pool(2) as pool:
        pool.map(work, range(8), 1)
";
    fs::write(directory.path().join("script.py"), text).unwrap();
    let mut command = isopod(directory.path(), &["run", "-q", "script.py"]);
    let mut running = Running::start(&mut command);
    running.wait_for_lines(&["working", "working"]);
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.exit_code, 130, "{ended}");
    assert!(ended.stderr.contains("interrupted by SIGINT"), "{ended}");
    assert!(!ended.stderr.contains("Traceback"), "{ended}");
}
