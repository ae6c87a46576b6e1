//! The parts that the tests share: they run isopod, wait for its actions, and build programs.

mod ended;
mod expected;
mod programs;
mod python;
mod running;
mod terminal;
mod unread;

pub(crate) use ended::Ended;
pub(crate) use expected::compare;
pub(crate) use programs::{program, program_source};
pub(crate) use python::has_python;
pub(crate) use running::{BUILD_GUARD, GUARD, Running, run, wait};
pub(crate) use terminal::Terminal;
pub(crate) use unread::Unread;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the workspace.
pub(crate) fn clone_root() -> PathBuf {
    let manifest_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_directory.join("../..").canonicalize().unwrap()
}

/// The cache of all tests. It stays from one run to the next, because the standard library for guests may
/// have to be built into it, but it is not the user's. The tests of the builder use it too.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("ISOPOD_CACHE").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).join("isopod-cache"),
        PathBuf::from,
    )
}

/// `isopod` with these arguments in this directory, with an empty standard input.
pub(crate) fn isopod(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopod"));
    command
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null());
    set_environment(&mut command);
    command
}

/// The environment of all runs: the cache of the tests, no colours, a fixed width, and the request for
/// backtraces, which no error of isopod may contain.
pub(crate) fn set_environment(command: &mut Command) {
    command
        .env("ISOPOD_CACHE", cache())
        .env(
            "ISOPOD_STATE",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("isopod-state"),
        )
        .env("RUST_BACKTRACE", "1")
        .env("COLUMNS", "100")
        .env_remove("RUST_LOG")
        .env_remove("CLICOLOR_FORCE");
}

/// An empty directory, removed with its content when it is dropped.
pub(crate) fn empty_directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
