//! Python scripts, run by `isopod run`. The scripts are in `tests/python`.
//!
//! The runner is built once, with componentize-py from PyPI. Where that is not available, the tests print a
//! notice and check nothing.

mod command_line;
mod edges;
mod endings;
mod own_directory;
mod packages;
mod pains;
mod scripts;
mod semantics;

use crate::support::has_python as is_available;
use crate::support::{Ended, clone_root, empty_directory, isopod, run};
use std::path::PathBuf;

/// The directory of the scripts.
fn directory() -> PathBuf {
    clone_root().join("tests/python")
}

/// Runs a script in a directory of its own, which it can read.
fn run_text(text: &str, options: &[&str]) -> Ended {
    let directory = empty_directory();
    std::fs::write(directory.path().join("script.py"), text).unwrap();
    let arguments = [&["run"], options, &["script.py"]].concat();
    run(isopod(directory.path(), &arguments)).replace(directory.path().to_str().unwrap(), "HERE")
}
