//! The example `embed`, run as its README says.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::process::Command;

#[test]
fn it_prints_what_is_expected() {
    let example = isopod_tests::root().join("examples/embed");
    let component = isopod_tests::build(&example.join("guest")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("squares.wasm");
    std::fs::write(&program, component).unwrap();

    let output = Command::new(env!("CARGO_BIN_EXE_embed"))
        .arg(&program)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let expected = std::fs::read_to_string(example.join("expected.txt")).unwrap();
    assert_eq!(
        sorted(&String::from_utf8(output.stdout).unwrap()),
        sorted(&expected)
    );
    assert_eq!(stderr, "");
}

#[test]
fn a_file_that_is_missing_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_embed"))
        .arg("no-such-file.wasm")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr.contains("`no-such-file.wasm` does not exist"),
        "{stderr}"
    );
}
