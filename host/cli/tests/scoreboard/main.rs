//! CPython's own tests of `multiprocessing` and `ProcessPoolExecutor`, unmodified, inside the sandbox.
//!
//! `scoreboard.txt` keeps the end of each of them. The test fails if a test that passed does not pass any
//! more, and if CPython has a test that is not in the file. An absent test has its reason there, and does
//! not run.
//!
//!  - `ISOPOD_SCOREBOARD=write` runs all tests, also the absent ones, and writes the file anew. A test that
//!    fails and had no reason before is then `unexplained`: give it one by hand.
//!  - `ISOPOD_CPYTHON_LIB=DIRECTORY` takes the tests of a CPython's `Lib` directory, of any version: tests
//!    that pass in the file must pass there, and new tests are only reported.
//!
//! It is a target of its own because its tests measure time: no other tests run beside it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and whoever runs it sees the score"
)]

mod board;
mod groups;
mod suite;
#[path = "../cli/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the tests of the command line use the rest"
)]
mod support;

use board::{Board, Ended, Kept};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use support::{clone_root, has_python};

/// Tests that fail now and did not before run once more, alone, if there are at most this many: a machine
/// that is short of time for a moment makes some late.
const RUN_AGAIN: usize = 12;

#[test]
fn cpythons_own_tests_end_as_the_scoreboard_says() {
    if !has_python() {
        return;
    }
    let path = clone_root().join("host/cli/tests/scoreboard/scoreboard.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let kept = Board::parse(&text);
    let is_writing = std::env::var_os("ISOPOD_SCOREBOARD").is_some();
    let Some(suite) = suite::find() else {
        return;
    };
    let listed = groups::list(&suite);
    assert!(!listed.is_empty(), "no tests in {suite:?}");
    let is_wanted = |name: &&String| {
        is_writing || !matches!(kept.tests.get(name.as_str()), Some(Kept::Absent(_)))
    };
    let wanted: Vec<&String> = listed.iter().filter(is_wanted).collect();
    let mut ended = groups::run(&suite, &wanted);
    run_again(&suite, &kept, &mut ended);

    if is_writing {
        let board = Board::from_run(&suite.version, &listed, &ended, &kept);
        std::fs::write(&path, board.to_string()).unwrap();
        eprintln!("{}", board.score());
        return;
    }
    let problems = problems(&suite, &kept, &listed, &ended, &text);
    eprintln!("{}", kept.score());
    assert!(problems.is_empty(), "{problems}");
}

fn run_again(suite: &suite::Suite, kept: &Board, ended: &mut BTreeMap<String, Ended>) {
    let worse: Vec<String> = ended
        .iter()
        .filter(|(name, how)| kept.is_worse(name, how))
        .map(|(name, _)| name.clone())
        .collect();
    if worse.len() <= RUN_AGAIN {
        for name in &worse {
            eprintln!("notice: `{name}` once more");
            ended.extend(groups::run(suite, &[name]));
        }
    }
}

/// The problems, one on each line.
fn problems(
    suite: &suite::Suite,
    kept: &Board,
    listed: &[String],
    ended: &BTreeMap<String, Ended>,
    text: &str,
) -> String {
    let mut problems = String::new();
    for (name, how) in ended {
        if kept.is_worse(name, how) {
            let _ = writeln!(problems, "{name} was {}, and now: {how}", kept.tests[name]);
        } else if !kept.tests.contains_key(name) {
            let line = format!("{name} is not in the scoreboard: {how}");
            if suite.is_given {
                eprintln!("notice: {line}");
            } else {
                let _ = writeln!(problems, "{line}");
            }
        }
    }
    for name in kept.tests.keys() {
        if !suite.is_given && !listed.contains(name) {
            let _ = writeln!(
                problems,
                "{name} is in the scoreboard, and CPython has no such test"
            );
        }
    }
    for reason in kept.unknown_reasons() {
        let _ = writeln!(
            problems,
            "the reason `{reason}` is not explained in the scoreboard"
        );
    }
    if kept.to_string() != text {
        problems.push_str("the scoreboard was edited: its order or its sums are not right\n");
    }
    if !problems.is_empty() {
        problems.push_str(
            "`ISOPOD_SCOREBOARD=write cargo test --release --workspace --test scoreboard` writes \
             the file anew\n",
        );
    }
    problems
}
