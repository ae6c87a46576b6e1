//! Python scripts, run by `isopod run`. The scripts are in `tests/python`.
//!
//! The runner is built once, with componentize-py from PyPI. Where that cannot be had the tests say so
//! and check nothing.

mod command_line;
mod endings;
mod packages;
mod pains;
mod scripts;
mod semantics;

use crate::support::{Ended, clone_root, empty_directory, isopod, run};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where the scripts are.
fn directory() -> PathBuf {
    clone_root().join("tests/python")
}

/// Whether scripts can be run here. Prints why not.
#[allow(
    clippy::print_stderr,
    reason = "whoever runs the tests must see what they leave out"
)]
fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let ended = run(isopod(Path::new("."), &["run", "-q", "-c", "pass"]));
        let lacks = [
            "there is no Python 3",
            "a virtual environment of Python cannot be made",
            "cannot be installed",
        ];
        let is_lacking =
            ended.exit_code == 125 && lacks.iter().any(|text| ended.stderr.contains(text));
        if is_lacking {
            eprintln!("notice: Python scripts are not tested:\n{ended}");
        } else {
            assert_eq!(ended.to_string(), "exit code: 0\n");
        }
        !is_lacking
    })
}

/// Runs a script in a directory of its own, which it can read.
fn run_text(text: &str, options: &[&str]) -> Ended {
    let directory = empty_directory();
    std::fs::write(directory.path().join("script.py"), text).unwrap();
    let arguments = [&["run"], options, &["script.py"]].concat();
    run(isopod(directory.path(), &arguments)).replace(directory.path().to_str().unwrap(), "HERE")
}
