//! Each example prints the output in its README and its `expected.txt`, with the command of its README.

use crate::support::{clone_root, compare, isopod, run};
use std::fs;
use std::path::Path;

/// Runs an example from the root of the workspace.
fn prints_what_is_expected(name: &str, options: &[&str]) {
    let path = format!("examples/{name}");
    let mut arguments = vec!["run", "-q", path.as_str()];
    arguments.extend(options);
    let ended = run(isopod(&clone_root(), &arguments));
    let directory = clone_root().join(path);
    let expected = fs::read_to_string(directory.join("expected.txt")).unwrap();
    let ended = ended.to_string();
    // The output begins like this and the whole rest is compared, so standard error is empty.
    let Some(printed) = ended.strip_prefix("exit code: 0\n--- standard output\n") else {
        panic!("`{name}` failed:\n{ended}");
    };
    if let Err(difference) = compare(&expected, printed) {
        panic!("`{name}` printed something else:\n{difference}\n\nin all:\n{ended}");
    }
    let readme = fs::read_to_string(directory.join("README.md")).unwrap();
    assert!(
        readme.contains(&format!("```text\n{expected}```")),
        "the README of `{name}` shows something else than `expected.txt`"
    );
}

#[test]
fn hello() {
    prints_what_is_expected(
        "hello",
        &["--env", "GREETING=Good morning", "--", "Ada", "Grace"],
    );
}

#[test]
fn hello_without_a_name_gives_its_own_exit_code() {
    let ended = run(isopod(&clone_root(), &["run", "-q", "examples/hello"]));
    insta::assert_snapshot!(ended, @"
    exit code: 2
    --- standard error
    usage: hello NAME...
    ");
}

#[test]
fn globals() {
    prints_what_is_expected("globals", &[]);
}

#[test]
fn pipeline() {
    prints_what_is_expected("pipeline", &[]);
}

#[test]
fn process() {
    prints_what_is_expected("process", &[]);
}

#[test]
fn queue() {
    prints_what_is_expected("queue", &[]);
}

#[test]
fn pipe() {
    prints_what_is_expected("pipe", &[]);
}

#[test]
fn locks() {
    prints_what_is_expected("locks", &[]);
}

#[test]
fn shared_values() {
    prints_what_is_expected("shared_values", &[]);
}

#[test]
fn manager() {
    prints_what_is_expected("manager", &[]);
}

#[test]
fn pool() {
    prints_what_is_expected("pool", &[]);
}

#[test]
fn timing() {
    prints_what_is_expected("timing", &[]);
}

#[test]
fn word_count() {
    let options = [
        "--dir",
        "examples/word_count/texts::/texts",
        "--",
        "/texts",
        "4",
    ];
    prints_what_is_expected("word_count", &options);
}

#[test]
fn word_count_counts_real_files_whatever_the_number_of_processes() {
    let (words, files) = words_below(&clone_root().join("guest"));
    assert!(
        words > 1_000 && files > 10,
        "{words} words in {files} files"
    );
    for processes in ["1", "2", "5"] {
        let arguments = [
            "run",
            "-q",
            "examples/word_count",
            "--dir",
            "guest",
            "--",
            "guest",
            processes,
        ];
        let ended = run(isopod(&clone_root(), &arguments));
        assert_eq!(
            ended.to_string(),
            format!("exit code: 0\n--- standard output\n{words} words in {files} files\n"),
            "with {processes} processes"
        );
    }
}

/// The number of words, which are runs of bytes that are not white space, and of files.
fn words_below(directory: &Path) -> (usize, usize) {
    let mut total = (0, 0);
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        let (words, files) = if kind.is_dir() {
            words_below(&entry.path())
        } else if kind.is_file() {
            let mut is_inside = false;
            let mut words = 0;
            for byte in fs::read(entry.path()).unwrap() {
                let is_space = byte.is_ascii_whitespace();
                words += usize::from(!is_space && !is_inside);
                is_inside = !is_space;
            }
            (words, 1)
        } else {
            (0, 0)
        };
        total = (total.0 + words, total.1 + files);
    }
    total
}
