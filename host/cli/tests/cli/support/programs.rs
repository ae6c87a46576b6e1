//! The programs of the tests; each is built once in a run of the tests.

use super::{clone_root, isopod, run};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

type Built = HashMap<&'static str, Arc<OnceLock<PathBuf>>>;

/// The source of a program.
pub(crate) fn program_source(name: &str) -> PathBuf {
    let programs = clone_root().join("host/cli/tests/cli/programs");
    programs.join(format!("{name}.rs"))
}

/// A program as a component, built with `isopod build`.
pub(crate) fn program(name: &'static str) -> PathBuf {
    static BUILT: Mutex<Option<Built>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap();
    let cell = Arc::clone(built.get_or_insert_default().entry(name).or_default());
    drop(built);
    cell.get_or_init(|| build(name)).clone()
}

fn build(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-programs");
    fs::create_dir_all(&directory).unwrap();
    // Renamed when complete: another run of the tests may read it at this moment.
    let unfinished = tempfile::tempdir_in(&directory).unwrap();
    let output = unfinished.path().join("program.wasm");
    let source = program_source(name);
    let arguments = [
        "build",
        "-q",
        source.to_str().unwrap(),
        "-o",
        output.to_str().unwrap(),
    ];
    let ended = run(isopod(&directory, &arguments));
    assert_eq!(ended.to_string(), "exit code: 0\n", "building `{name}`");
    let path = directory.join(format!("{name}.wasm"));
    fs::rename(output, &path).unwrap();
    path
}
