//! The one door: a program that does not come in through it starts no processes, and its main never runs
//! twice.

use crate::support::{isopod, program, program_source, run};
use std::path::Path;

#[test]
fn an_unguarded_main_is_refused_and_runs_once() {
    // Runs the source, as its author would.
    let source = program_source("unguarded");
    let arguments = ["run", "-q", source.to_str().unwrap()];
    let ended = run(isopod(Path::new("."), &arguments));
    insta::assert_snapshot!(ended, @"
    exit code: 1
    --- standard output
    main runs
    --- standard error
    Error: this program has not asked for its entry, so a new process would run `main` again: mark `main` with `#[isopod::main]`
    ");
}

#[test]
fn a_child_that_skips_the_entry_is_an_error_and_does_not_run_main() {
    let path = program("skips_entry");
    let ended = run(isopod(Path::new("."), &["run", path.to_str().unwrap()]));
    insta::assert_snapshot!(ended, @"
    exit code: 1
    --- standard output
    main runs
    the child skips the entry
    success of the child: false
    --- standard error
    Process worker:
    the process never asked for its entry, so its task was not run: is `main` marked with `#[isopod::main]`?
    the process failed: the process never asked for its entry, so its task was not run: is `main` marked with `#[isopod::main]`?
    ");
}
