//! Whole scripts: their expected output is beside them, and the machine's own Python prints the same.

use super::{directory, is_available};
use crate::support::{clone_root, isopod, run};
use std::process::{Command, Stdio};

/// Asserts that a script prints its expected output, and that its exit code is 0.
fn prints_what_is_kept(name: &str) {
    if !is_available() {
        return;
    }
    let kept = std::fs::read_to_string(directory().join(format!("{name}.txt"))).unwrap();
    let script = format!("{name}.py");
    let ended = run(isopod(&directory(), &["run", "-q", &script]));
    assert_eq!(
        (ended.exit_code, ended.stdout.as_str()),
        (0, kept.as_str()),
        "{ended}"
    );
}

/// Like `prints_what_is_kept`, and the machine's own Python prints the same.
fn prints_what_python_prints(name: &str) {
    prints_what_is_kept(name);
    let native = Command::new("python3")
        .arg(format!("{name}.py"))
        .current_dir(directory())
        .stdin(Stdio::null())
        .output();
    // Without a native Python, only the expected output counts.
    if let Ok(native) = native {
        let kept = std::fs::read_to_string(directory().join(format!("{name}.txt"))).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&native.stdout),
            kept,
            "python3 {name}.py"
        );
    }
}

#[test]
fn processes() {
    prints_what_python_prints("processes");
}

#[test]
fn messages() {
    prints_what_python_prints("messages");
}

#[test]
fn locks() {
    prints_what_python_prints("locks");
}

#[test]
fn pools() {
    prints_what_python_prints("pools");
}

#[test]
fn managers() {
    prints_what_python_prints("managers");
}

#[test]
fn manager_dict() {
    prints_what_python_prints("manager_dict");
}

#[test]
fn short_messages() {
    prints_what_python_prints("short_messages");
}

#[test]
fn memory() {
    prints_what_python_prints("memory");
}

#[test]
fn threads() {
    prints_what_python_prints("threads");
}

#[test]
fn surroundings() {
    prints_what_python_prints("surroundings");
}

#[test]
fn acceptance() {
    prints_what_python_prints("acceptance");
}

#[test]
fn the_example() {
    if !is_available() {
        return;
    }
    let example = clone_root().join("examples/python");
    let ended = run(isopod(&example, &["run", "-q", "primes.py", "--", "20000"]));
    let expected = std::fs::read_to_string(example.join("expected.txt")).unwrap();
    assert_eq!(
        (ended.exit_code, ended.stdout.as_str()),
        (0, expected.as_str()),
        "{ended}"
    );
    let readme = std::fs::read_to_string(example.join("README.md")).unwrap();
    assert!(readme.contains(&format!("```text\n{expected}```")));
}
