//! Finding a compiler for `wasm32-wasip1`, or installing one.
//!
//! The search goes in this order: a rustc on `PATH` that has the target's standard library; Debian's compiler
//! with the sources of the standard library, which is then built with the first program; `rustup target add`;
//! Debian's packages, which root installs and any other user unpacks into the cache.

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
    /// The directory of the compiler and its libraries.
    pub(crate) sysroot: PathBuf,
    pub(crate) library: Library,
}

/// The origin of the target's standard library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    /// The compiler has it.
    Present,
    /// cargo builds it from its sources.
    FromSource {
        /// rust-lld or wasm-ld.
        linker: PathBuf,
        /// The directory of wasi-libc: `libc.a`, `crt1-command.o`.
        wasi_libc: PathBuf,
        /// The directories of the compiler's shared libraries, if the system does not search them.
        shared_libraries: Vec<PathBuf>,
    },
}

impl Toolchain {
    /// The same toolchain without rustup's proxies, which read settings and look for other toolchains.
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
            // rust-lld lies in a toolchain, and needs that toolchain's libraries.
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

    /// The directories of the compiler's shared libraries, if the system does not search them.
    pub(crate) fn shared_libraries(&self) -> &[PathBuf] {
        match &self.library {
            Library::Present => &[],
            Library::FromSource {
                shared_libraries, ..
            } => shared_libraries,
        }
    }
}

/// The places of the search. They are separate from the environment, so that tests can make their own.
#[derive(Clone, Debug)]
struct Places {
    /// The directories of `PATH`.
    path: Vec<PathBuf>,
    /// The root of the file system.
    system: PathBuf,
    /// The directory of the unpacked Debian packages.
    unpacked: PathBuf,
    /// `RUSTUP_HOME`.
    rustup_home: Option<PathBuf>,
    /// The directory of the crate, which may name its toolchain.
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
            // A compiler that does not run, such as rustup's proxy without a toolchain, is skipped.
            if let Ok(sysroot) = output_of(&mut command) {
                compilers.push((rustc, PathBuf::from(sysroot)));
            }
        }
        compilers
    }
}

/// Finds a compiler for the crate in `project`. Installs one if there is none and `install` allows it.
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

/// A compiler that the machine or the cache already has.
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
    // The compiler's own cargo is preferred, so that a rustup proxy and its toolchain stay together.
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
