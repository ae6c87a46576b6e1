//! Virtual environments of Python in the cache. They hold the packages from PyPI, and leave the user's Python
//! alone.

use crate::cache::cannot_write;
use crate::tool::{self, last_lines, output_of};
use crate::{Error, ErrorKind};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The environment with `package` (`NAME==VERSION`) below `directory`, made if it is missing.
pub(crate) fn with(
    package: &str,
    directory: &Path,
    may_install: bool,
    announce: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    let environment = place(package, directory);
    if is_complete(&environment) {
        return Ok(environment);
    }
    let failed = |text: &str, said: String| {
        Error::new(ErrorKind::Toolchain, text).because(last_lines(&said))
    };
    output_of(tool::command("python3").arg("--version")).map_err(|said| {
        failed(
            &format!("there is no Python 3 to install `{package}` with"),
            said,
        )
        .with_hint(
            "install Python 3.9 or later with its `venv` and pip (Debian: python3-venv); \
             it is needed for builds, programs run without it",
        )
    })?;
    if !may_install {
        return Err(not_installed(package));
    }
    announce(&format!(
        "installs `{package}` from PyPI into `{}`",
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
    // pip only unpacks a wheel. A source package would run its own code while pip builds it.
    install.args(["install", "--quiet", "--only-binary", ":all:", package]);
    output_of(&mut install).map_err(|said| {
        failed(&format!("`{package}` cannot be installed"), said)
            .with_hint("pip must reach PyPI, or a mirror that its settings name")
    })?;
    mark_complete(&environment)?;
    Ok(environment)
}

/// The error of a build that needs a package and may not install it.
pub(crate) fn not_installed(package: &str) -> Error {
    Error::new(
        ErrorKind::Toolchain,
        format!("the build needs `{package}`, which is not installed"),
    )
    .with_hint("without `--no-install` it is installed into isopod's own cache")
}

/// The directory of the environment of a package.
pub(crate) fn place(package: &str, directory: &Path) -> PathBuf {
    directory.join(package.replace("==", "-"))
}

/// The directories that a program of the environment reads: the environment, and the Python that made it.
pub(crate) fn directories(environment: &Path) -> Vec<PathBuf> {
    let mut directories = vec![environment.to_owned()];
    let settings = fs::read_to_string(environment.join("pyvenv.cfg")).unwrap_or_default();
    let homes = settings.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "home").then(|| PathBuf::from(value.trim()))
    });
    directories.extend(homes.filter_map(|home| home.parent().map(Path::to_owned)));
    let python = environment.join("bin/python").canonicalize();
    directories.extend(python.ok().and_then(|python| prefix_of(&python)));
    directories
}

/// The parent of the `bin` directory that holds a program.
pub(crate) fn prefix_of(program: &Path) -> Option<PathBuf> {
    let bin = program.parent()?;
    bin.ends_with("bin")
        .then(|| bin.parent().map(Path::to_owned))?
}

/// This file is written last. If it is missing, the installation was interrupted.
const COMPLETE: &str = "complete";

/// Whether the environment exists and is complete.
pub(crate) fn is_complete(environment: &Path) -> bool {
    environment.join(COMPLETE).is_file()
}

/// Marks the environment as complete.
pub(crate) fn mark_complete(environment: &Path) -> Result<(), Error> {
    let complete = environment.join(COMPLETE);
    fs::write(&complete, "").map_err(|error| cannot_write(&complete, &error))
}

/// Removes a directory, if it is there.
pub(crate) fn remove(directory: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(cannot_write(directory, &error))
        }
        _ => Ok(()),
    }
}
