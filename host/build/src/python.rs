//! The Python runner: one component that runs any script, made of `guest/python` by componentize-py.
//!
//! It is made once, and again when a file of it, the WIT or componentize-py's version changes: its
//! name in the cache is the hash of all that. componentize-py, which carries the interpreter, is
//! installed into a virtual environment in the cache, so nothing of the user's Python is touched.

use crate::cache::{Cache, cannot_write};
use crate::sdk::short_hash;
use crate::tool::{self, last_lines, output_of};
use crate::{Error, ErrorKind, Options};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What carries the interpreter and makes the component. Another version is another interpreter.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";

/// The files, by their path in the workspace. Made by the build script.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/python_files.rs"));

/// The component that runs Python scripts, as a file of the cache that is never changed. Makes it
/// if it is not there, which takes a minute at most; each step that takes time or changes the machine
/// is announced in one line.
///
/// Blocks while another process makes it in the same cache.
///
/// # Errors
/// [`ErrorKind::Cache`]; [`ErrorKind::Toolchain`] if there is no Python 3 with `venv` and pip, or
/// componentize-py cannot be installed; [`ErrorKind::Componentize`].
pub fn python_runner(options: &Options, announce: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    let cache = Cache::open(options.cache.as_deref())?;
    let directory = cache.directory("python")?;
    let mut parts = FILES.to_vec();
    parts.push((COMPONENTIZE_PY, b""));
    let runner = directory.join(format!("runner-{}.wasm", short_hash(&parts)));
    if runner.is_file() {
        return Ok(runner);
    }
    let _lock = cache.lock("python", || {
        announce("waits for another build of the Python runner");
    })?;
    if runner.is_file() {
        return Ok(runner);
    }
    let environment = environment(&directory, options.install, announce)?;
    announce("builds the Python runner, once (half a minute)");
    make(&directory, &environment, &runner)?;
    Ok(runner)
}

/// The virtual environment with componentize-py, made if it is missing.
fn environment(
    directory: &Path,
    may_install: bool,
    announce: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    let environment = directory.join(COMPONENTIZE_PY.replace("==", "-"));
    // Written last: without it an installation was cut short.
    let complete = environment.join("complete");
    if complete.is_file() {
        return Ok(environment);
    }
    let failed = |text: &str, said: String| {
        Error::new(ErrorKind::Toolchain, text).because(last_lines(&said))
    };
    output_of(tool::command("python3").arg("--version")).map_err(|said| {
        failed("there is no Python 3 to build the Python runner with", said).with_hint(
            "install Python 3.9 or later with its `venv` and pip (Debian: python3-venv); \
             it is needed once, scripts run without it",
        )
    })?;
    if !may_install {
        return Err(Error::new(
            ErrorKind::Toolchain,
            format!("the Python runner needs `{COMPONENTIZE_PY}`, which is not installed"),
        )
        .with_hint("without `--no-install` it is installed into isopod's own cache"));
    }
    announce(&format!(
        "installs `{COMPONENTIZE_PY}` from PyPI into `{}`",
        environment.display()
    ));
    remove(&environment)?;
    let mut make = tool::command("python3");
    make.args(["-m", "venv"]).arg(&environment);
    output_of(&mut make).map_err(|said| {
        failed("a virtual environment of Python cannot be made", said)
            .with_hint("Python's `venv` is needed (Debian: python3-venv)")
    })?;
    let mut install = tool::command(environment.join("bin/python"));
    install.args(["-m", "pip", "--disable-pip-version-check", "--no-input"]);
    install.args(["install", "--quiet", COMPONENTIZE_PY]);
    output_of(&mut install).map_err(|said| {
        failed(&format!("`{COMPONENTIZE_PY}` cannot be installed"), said)
            .with_hint("pip must reach PyPI, or a mirror that its settings name")
    })?;
    fs::write(&complete, "").map_err(|error| cannot_write(&complete, &error))?;
    Ok(environment)
}

/// Makes the component in a directory of its own, and gives it its name when it is whole.
fn make(directory: &Path, environment: &Path, runner: &Path) -> Result<(), Error> {
    let cannot = |error: io::Error| cannot_write(runner, &error);
    let temporary = tempfile::tempdir_in(directory).map_err(cannot)?;
    for (name, content) in FILES {
        let path = temporary.path().join(place(name));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(cannot)?;
        }
        fs::write(path, content).map_err(cannot)?;
    }
    let output = temporary.path().join("runner.wasm");
    let mut command = tool::command(environment.join("bin/componentize-py"));
    command
        .current_dir(temporary.path())
        // These would put the user's packages into the component.
        .env("VIRTUAL_ENV", environment)
        .env_remove("PYTHONPATH")
        .args(["--wit-path", "wit", "--world", "python"])
        .args(["componentize", "isopod_runner"])
        .args(["--python-path", "runner", "--output"])
        .arg(&output);
    output_of(&mut command).map_err(|said| {
        Error::new(
            ErrorKind::Componentize,
            "componentize-py cannot make the Python runner",
        )
        .because(last_lines(&said))
    })?;
    fs::rename(&output, runner).map_err(cannot)
}

/// Where a file of the workspace is for componentize-py, which wants a package's dependencies below
/// `deps`.
fn place(name: &str) -> PathBuf {
    let below = |prefix: &str, place: &str| {
        name.strip_prefix(prefix)
            .map(|rest| Path::new(place).join(rest))
    };
    below("wit/", "wit/deps/multiprocessing")
        .or_else(|| below("guest/python/world/", "wit"))
        .or_else(|| below("guest/python/", ""))
        .unwrap_or_else(|| PathBuf::from(name))
}

fn remove(directory: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(cannot_write(directory, &error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_the_runner_is_made_of_is_carried() {
        let places: Vec<PathBuf> = FILES.iter().map(|(name, _)| place(name)).collect();
        for path in [
            "wit/python.wit",
            "wit/deps/wasi-cli/run.wit",
            "wit/deps/multiprocessing/program.wit",
            "runner/isopod_runner.py",
            "runner/isopod/start.py",
            "runner/replaced/multiprocessing/pool.py",
        ] {
            assert!(places.contains(&PathBuf::from(path)), "{path}: {places:?}");
        }
    }

    #[test]
    fn without_permission_nothing_is_installed() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = Options {
            install: false,
            quiet: true,
            cache: Some(directory.path().to_owned()),
        };
        let error = python_runner(&options, &mut |_| {}).expect_err("nothing is installed");
        assert_eq!(error.kind(), ErrorKind::Toolchain);
    }
}
