//! Python: the runner, one component that runs any script, and programs and plugins that are components of
//! their own. componentize-py makes all of them from `guest/python`.
//!
//! The runner is made once. It is made again when one of its files, the WIT or the version of componentize-py
//! changes, because its name in the cache is the hash of all these. componentize-py contains the interpreter.
//! It is installed into a virtual environment in the cache, so the user's Python stays as it is.

use crate::cache::{Cache, cannot_write};
use crate::language::{Kind, Source};
use crate::sandbox::Sandbox;
use crate::sdk::short_hash;
use crate::temporary::Temporary;
use crate::tool::last_lines;
use crate::{Error, ErrorKind, Options, environment, file, read_source, stage};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The package that contains the interpreter and makes the component. Another version has another
/// interpreter.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";

/// The files, by path in the workspace. The build script makes this list.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/python_files.rs"));

/// Their [`short_hash`].
const FILES_HASH: &str = include_str!(concat!(env!("OUT_DIR"), "/python_files.hash"));

/// The component that runs Python scripts, as a file of the cache that never changes. Makes the file if it is
/// missing, which takes a minute at most. `announce` receives one line before each step that takes time or
/// changes the machine.
///
/// Blocks while another process makes it in the same cache.
///
/// # Errors
/// [`ErrorKind::Cache`]; [`ErrorKind::Source`] for a directory of [`Options::read_source`];
/// [`ErrorKind::Toolchain`] if there is no Python 3 with `venv` and pip, or if componentize-py cannot be
/// installed; [`ErrorKind::Componentize`].
pub fn python_runner(options: &Options, announce: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    // A script is not built, but a wrong option is an error all the same.
    read_source::check(options)?;
    let cache = Cache::open(options.cache.as_deref())?;
    let directory = cache.directory("python")?;
    let parts: [(&str, &[u8]); 1] = [(COMPONENTIZE_PY, FILES_HASH.as_bytes())];
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
    let environment = environment::with(COMPONENTIZE_PY, &directory, options.install, announce)?;
    announce("builds the Python runner, once (half a minute)");
    make(&cache, options, &environment, &runner)?;
    Ok(runner)
}

/// Makes the component in a directory of its own, and renames it into place when it is complete.
fn make(cache: &Cache, options: &Options, environment: &Path, runner: &Path) -> Result<(), Error> {
    let cannot = |error: io::Error| cannot_write(runner, &error);
    let temporary = Temporary::new(cache)?;
    write_files(temporary.path())?;
    let output = temporary.path().join("runner.wasm");
    // These are isopod's own files, which need no sandbox. The build uses one where the kernel has it.
    componentize(
        Sandbox::closed(cache, options).unwrap_or_else(|_| Sandbox::open()),
        temporary.path(),
        environment,
        "isopod_runner",
        "python",
        &output,
    )
    .map_err(|said| {
        Error::new(
            ErrorKind::Componentize,
            "componentize-py cannot make the Python runner",
        )
        .because(last_lines(&said))
    })?;
    fs::rename(&output, runner).map_err(cannot)
}

/// Builds a program or plugin into a component of its own, which contains its modules.
///
/// The component is cached under the hash of all its parts.
pub(crate) fn build(
    cache: &Cache,
    source: &Source,
    options: &Options,
    announce: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, Error> {
    let sandbox = Sandbox::for_source(cache, options)?;
    // A single file gets the name of the module that the application imports.
    let main = match source.kind {
        Kind::Program => "main.py",
        Kind::Plugin => "plugin.py",
    };
    let modules = stage::files(source, "py", main, options)?;
    let parts = stage::parts(FILES, COMPONENTIZE_PY, source, &modules);
    stage::cached(cache, &parts, announce, |announce| {
        let directory = cache.directory("python")?;
        let environment = {
            let _lock = cache.lock("python", || {
                announce("waits for another build of the Python runner");
            })?;
            environment::with(COMPONENTIZE_PY, &directory, options.install, announce)?
        };
        announce("builds with componentize-py (half a minute)");
        let temporary = Temporary::new(cache)?;
        write_files(temporary.path())?;
        stage::write(&temporary.path().join("runner/application"), &modules)?;
        let (application, world) = match source.kind {
            Kind::Program => ("isopod_program", "python"),
            Kind::Plugin => ("isopod_plugin", "plugin"),
        };
        let output = temporary.path().join("component.wasm");
        componentize(
            sandbox,
            temporary.path(),
            &environment,
            application,
            world,
            &output,
        )
        .map_err(|said| {
            Error::new(
                ErrorKind::Compile,
                format!("componentize-py cannot build `{}`", source.name),
            )
            .because(what_python_said(&said))
        })?;
        file::read(&output, file::MOST_MODULE_BYTES)
    })
}

/// The traceback of the modules, without the lines that componentize-py adds about itself.
fn what_python_said(said: &str) -> String {
    let traceback = said.split("\nCaused by:").next().unwrap_or(said);
    let begin = traceback.rfind("Traceback (most recent call last)");
    last_lines(traceback.get(begin.unwrap_or(0)..).unwrap_or(traceback))
}

fn write_files(directory: &Path) -> Result<(), Error> {
    let files: Vec<(String, Vec<u8>)> = FILES
        .iter()
        .map(|(name, content)| (place(name).to_string_lossy().into_owned(), content.to_vec()))
        .collect();
    stage::write(directory, &files)
}

/// Runs componentize-py in a directory with `wit` and `runner`.
fn componentize(
    sandbox: Sandbox,
    directory: &Path,
    environment: &Path,
    application: &str,
    world: &str,
    output: &Path,
) -> Result<String, String> {
    let sandbox = sandbox
        .read_all(environment::directories(environment))
        .write(directory);
    let mut command = sandbox.command(environment.join("bin/componentize-py"));
    command
        .current_dir(directory)
        // The user's own values would put the user's packages into the component.
        .env("VIRTUAL_ENV", environment)
        .env_remove("PYTHONPATH")
        .args(["--wit-path", "wit", "--world", world])
        .args(["componentize", application])
        .args(["--python-path", "runner", "--output"])
        .arg(output);
    sandbox.output_of(&mut command)
}

/// The place where componentize-py expects a file of the workspace. It expects the dependencies of a package
/// below `deps`.
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
            ..Options::default()
        };
        let error = python_runner(&options, &mut |_| {}).expect_err("nothing is installed");
        assert_eq!(error.kind(), ErrorKind::Toolchain);
    }
}
