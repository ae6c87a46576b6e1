//! Debian's compiler. It comes without the compiled standard library of our target, but with its sources;
//! `wasi-libc` has the C library.
//!
//! Stable Debian keeps the packages `*-web` up to date. Root installs them; any other user unpacks them into
//! the cache. They are never installed if that would remove another package: `rustc-web` conflicts with
//! `rustc` and with Debian's `rustup`.

use super::{Library, Places, Toolchain, packages};
use crate::cache::Cache;
use crate::tool::{self, all_named, entries, output_of};
use std::path::{Path, PathBuf};

/// The packages that a build needs, besides a linker.
pub(super) const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc"];

/// The package of the linker, for a machine where no rustup toolchain has rust-lld.
const LINKER_PACKAGE: &str = "lld";

/// The places in each package of the files that the search needs.
const RUSTC: &str = "usr/bin/rustc";
const CARGO: &str = "usr/bin/cargo";
const SOURCES: &str = "usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const WASI_LIBC: &str = "usr/lib/wasm32-wasi";

/// Debian's compiler, installed or unpacked, if it has all that it needs.
pub(super) fn present(places: &Places, compilers: &[(PathBuf, PathBuf)]) -> Option<Toolchain> {
    let root = [&places.system, &places.unpacked]
        .into_iter()
        .find(|root| has_compiler(root) && is_recent(root))?;
    let wasi_libc = [&places.system, &places.unpacked]
        .into_iter()
        .map(|root| root.join(WASI_LIBC))
        .find(|directory| directory.join("crt1-command.o").is_file())?;
    Some(Toolchain {
        cargo: root.join(CARGO),
        rustc: root.join(RUSTC),
        sysroot: root.join("usr"),
        library: Library::FromSource {
            linker: linker(places, compilers)?,
            wasi_libc,
            shared_libraries: shared_libraries(places),
        },
    })
}

/// Installs or unpacks the packages.
pub(super) fn install(
    cache: &Cache,
    places: &Places,
    announce: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let Some(apt_get) = all_named(&places.path, "apt-get").into_iter().next() else {
        return Err("there is no `apt-get` to install Debian's packages with".to_owned());
    };
    let mut packages = PACKAGES.to_vec();
    if linker(places, &places.compilers()).is_none() {
        packages.push(LINKER_PACKAGE);
    }
    packages::install(cache, &apt_get, &packages, &places.unpacked, announce)
}

fn has_compiler(root: &Path) -> bool {
    [RUSTC, CARGO, SOURCES]
        .iter()
        .all(|name| root.join(name).is_file())
}

/// Whether the compiler below `root` can build the guest crates. Debian's own `rustc` is often too old. The
/// call sets the library path, for a compiler that the system's loader could not load.
fn is_recent(root: &Path) -> bool {
    let mut command = tool::command(root.join(RUSTC));
    command.arg("--version");
    set_library_path(&mut command, &library_directories(root));
    output_of(&mut command)
        .ok()
        .as_deref()
        .and_then(version)
        .is_some_and(|found| {
            Some(found) >= version(concat!("rustc ", env!("CARGO_PKG_RUST_VERSION")))
        })
}

/// The version in `rustc 1.96.0 (...)`: major and minor.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("rustc ")?.split(['.', ' ', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// rust-lld of any rustup toolchain, or LLVM's wasm-ld.
fn linker(places: &Places, compilers: &[(PathBuf, PathBuf)]) -> Option<PathBuf> {
    let of_sysroot = |sysroot: &Path| {
        entries(&sysroot.join("lib/rustlib"), "")
            .into_iter()
            .map(|host| host.join("bin/rust-lld"))
            .find(|linker| linker.is_file())
    };
    let toolchains = places
        .rustup_home
        .as_ref()
        .map(|home| entries(&home.join("toolchains"), ""));
    let sysroots = compilers.iter().map(|(_, sysroot)| sysroot.clone());
    sysroots
        .chain(toolchains.into_iter().flatten())
        .find_map(|sysroot| of_sysroot(&sysroot))
        .or_else(|| all_named(&places.path, "wasm-ld").into_iter().next())
        .or_else(|| {
            // The newest version comes first.
            [&places.system, &places.unpacked]
                .into_iter()
                .find_map(|root| {
                    let versions = entries(&root.join("usr/lib"), "llvm-");
                    let mut linkers = versions
                        .iter()
                        .rev()
                        .map(|version| version.join("bin/wasm-ld"));
                    linkers.find(|linker| linker.is_file())
                })
        })
}

/// The directories of shared libraries that unpacked programs need. The linker may be unpacked even if the
/// compiler is installed.
fn shared_libraries(places: &Places) -> Vec<PathBuf> {
    library_directories(&places.unpacked)
}

pub(crate) fn library_directories(root: &Path) -> Vec<PathBuf> {
    if root == Path::new("/") {
        return Vec::new();
    }
    entries(&root.join("usr/lib"), "")
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("-linux-gnu") && path.is_dir())
        .collect()
}

/// Lets a program find its libraries in `directories`, before those of the environment.
pub(crate) fn set_library_path(command: &mut std::process::Command, directories: &[PathBuf]) {
    if directories.is_empty() {
        return;
    }
    let present = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let present = std::env::split_paths(&present).filter(|path| !path.as_os_str().is_empty());
    // Joining fails only for a directory with a colon in its name. The program then reports the missing
    // library itself.
    if let Ok(joined) = std::env::join_paths(directories.iter().cloned().chain(present)) {
        command.env("LD_LIBRARY_PATH", joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(
            version("rustc 1.96.0 (ac68faa20 2026-05-25)"),
            Some((1, 96))
        );
        assert_eq!(version("rustc 1.100.0-nightly"), Some((1, 100)));
        assert!(version("rustc 1.100.0") > version("rustc 1.96"));
        assert_eq!(version("clang 1.2"), None);
    }

    #[test]
    fn the_library_path_goes_before_that_of_the_environment() {
        let mut command = tool::command("true");
        set_library_path(&mut command, &[PathBuf::from("/a"), PathBuf::from("/b")]);
        let (_, value) = command
            .get_envs()
            .find(|(name, _)| *name == "LD_LIBRARY_PATH")
            .expect("the variable is set");
        assert!(value.is_some_and(|value| value.to_string_lossy().starts_with("/a:/b")));
    }
}
