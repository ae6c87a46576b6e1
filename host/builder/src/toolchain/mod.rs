//! Finding a compiler for `wasm32-wasip1`, or installing one.
//!
//! In this order: a rustc on `PATH` that has the target's standard library; Debian's compiler with
//! the sources of the standard library, which is then built with the first program;
//! `rustup target add`; Debian's packages, installed by root or unpacked into the cache by anyone.

mod debian;
pub(crate) mod packages;
mod rustup;

pub(crate) use debian::{library_directories, set_library_path};

use crate::cache::Cache;
use crate::tool::{self, all_named, output_of};
use crate::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// The target of guests.
pub(crate) const TARGET: &str = "wasm32-wasip1";

/// A compiler for guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toolchain {
    pub(crate) cargo: PathBuf,
    pub(crate) rustc: PathBuf,
    /// Where the compiler and its libraries are.
    pub(crate) sysroot: PathBuf,
    pub(crate) library: Library,
}

/// Where the standard library of the target comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    /// The compiler has it.
    Present,
    /// It is built from its sources.
    FromSource {
        /// rust-lld or wasm-ld.
        linker: PathBuf,
        /// The directory of wasi-libc: `libc.a`, `crt1-command.o`.
        wasi_libc: PathBuf,
        /// Where the compiler's shared libraries are, if not where the system looks.
        shared_libraries: Vec<PathBuf>,
    },
}

impl Toolchain {
    /// The same toolchain without rustup's proxies, which look for settings and other toolchains.
    pub(crate) fn without_proxies(&self) -> Toolchain {
        let in_sysroot = |name: &str, otherwise: &Path| {
            let program = self.sysroot.join("bin").join(name);
            if program.is_file() {
                program
            } else {
                otherwise.to_owned()
            }
        };
        Toolchain {
            cargo: in_sysroot("cargo", &self.cargo),
            rustc: in_sysroot("rustc", &self.rustc),
            ..self.clone()
        }
    }

    /// The directories that a build reads.
    pub(crate) fn directories(&self) -> Vec<PathBuf> {
        let mut directories = vec![self.sysroot.clone()];
        for program in [&self.cargo, &self.rustc] {
            directories.extend(program.canonicalize());
        }
        if let Library::FromSource {
            linker,
            wasi_libc,
            shared_libraries,
        } = &self.library
        {
            // rust-lld has its libraries in its toolchain, in one of which it lies.
            let rustlib = linker
                .ancestors()
                .find(|above| above.ends_with("lib/rustlib"));
            let rustlib = rustlib.and_then(Path::parent);
            directories.extend(rustlib.map(Path::to_owned));
            directories.extend(linker.canonicalize());
            directories.push(wasi_libc.clone());
            directories.extend(shared_libraries.iter().cloned());
        }
        directories
    }

    /// Where the compiler's shared libraries are, if not where the system looks.
    pub(crate) fn shared_libraries(&self) -> &[PathBuf] {
        match &self.library {
            Library::Present => &[],
            Library::FromSource {
                shared_libraries, ..
            } => shared_libraries,
        }
    }
}

/// The places that are looked at. Apart from the environment so that tests can make their own.
#[derive(Clone, Debug)]
struct Places {
    /// The directories of `PATH`.
    path: Vec<PathBuf>,
    /// The root of the file system.
    system: PathBuf,
    /// Where Debian packages are unpacked.
    unpacked: PathBuf,
    /// `RUSTUP_HOME`.
    rustup_home: Option<PathBuf>,
    /// The directory of the crate that is built, which may name its toolchain.
    project: PathBuf,
}

impl Places {
    fn of_environment(cache: &Cache, project: &Path) -> Places {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        Places {
            path: std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect(),
            system: PathBuf::from("/"),
            unpacked: cache.path("toolchain/debian"),
            rustup_home: std::env::var_os("RUSTUP_HOME")
                .map(PathBuf::from)
                .or_else(|| home.map(|home| home.join(".rustup"))),
            project: project.to_owned(),
        }
    }

    /// The sysroots of the compilers on `PATH`, with the compilers.
    fn compilers(&self) -> Vec<(PathBuf, PathBuf)> {
        let mut compilers = Vec::new();
        for rustc in all_named(&self.path, "rustc") {
            let mut command = tool::command(&rustc);
            command
                .args(["--print", "sysroot"])
                .current_dir(&self.project);
            // One that does not run, such as rustup's without a toolchain, is as good as none.
            if let Ok(sysroot) = output_of(&mut command) {
                compilers.push((rustc, PathBuf::from(sysroot)));
            }
        }
        compilers
    }
}

/// Finds a compiler for the crate in `project`, and installs one if there is none and `install`
/// says so.
pub(crate) fn find(
    cache: &Cache,
    project: &Path,
    install: bool,
    announce: &mut dyn FnMut(&str),
) -> Result<Toolchain, Error> {
    let places = Places::of_environment(cache, project);
    if let Some(toolchain) = present(&places) {
        return Ok(toolchain);
    }
    if !install {
        return Err(missing(&[], "installing it is forbidden"));
    }
    let _lock = cache.lock("toolchain", || {
        announce("waiting for another build that installs the target")
    })?;
    if let Some(toolchain) = present(&places) {
        return Ok(toolchain);
    }
    let mut failures = Vec::new();
    for step in [rustup::add_target, debian::install] {
        match step(cache, &places, announce) {
            Ok(()) => match present(&places) {
                Some(toolchain) => return Ok(toolchain),
                None => failures.push("it was installed, but is not found".to_owned()),
            },
            Err(failure) => {
                announce(&failure);
                failures.push(failure);
            }
        }
    }
    Err(missing(&failures, "it could not be installed"))
}

/// The compiler that is there already.
fn present(places: &Places) -> Option<Toolchain> {
    let compilers = places.compilers();
    with_target(places, &compilers).or_else(|| debian::present(places, &compilers))
}

/// A compiler on `PATH` that has the standard library of the target.
fn with_target(places: &Places, compilers: &[(PathBuf, PathBuf)]) -> Option<Toolchain> {
    let (rustc, sysroot) = compilers.iter().find(|(_, sysroot)| {
        !tool::entries(
            &sysroot.join("lib/rustlib").join(TARGET).join("lib"),
            "libstd-",
        )
        .is_empty()
    })?;
    // Its own cargo, so that a rustup proxy and its toolchain stay together.
    let beside = rustc.with_file_name("cargo");
    let cargo = if beside.is_file() {
        beside
    } else {
        all_named(&places.path, "cargo").into_iter().next()?
    };
    Some(Toolchain {
        cargo,
        rustc: rustc.clone(),
        sysroot: sysroot.clone(),
        library: Library::Present,
    })
}

fn missing(failures: &[String], reason: &str) -> Error {
    let error = Error::new(
        ErrorKind::Toolchain,
        format!("no Rust compiler for the target `{TARGET}`, and {reason}"),
    )
    .with_hint(format!(
        "run `rustup target add {TARGET}`, or on Debian `apt-get install --no-install-recommends \
         {}`",
        debian::PACKAGES.join(" ")
    ));
    if failures.is_empty() {
        error
    } else {
        error.because(failures.join("\n"))
    }
}

#[cfg(test)]
mod tests;
