//! Debian packages: root installs them, any other user unpacks them into the cache.

use crate::cache::Cache;
use crate::temporary::Temporary;
use crate::tool::{self, entries, last_lines, output_of};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Installs the packages, or unpacks them below `destination`, with their dependencies.
pub(crate) fn install(
    cache: &Cache,
    apt_get: &Path,
    packages: &[&str],
    destination: &Path,
    announce: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let list = packages.join(" ");
    if is_root() {
        announce(&format!(
            "installing the Debian packages {list} with `apt-get`"
        ));
        match install_as_root(apt_get, packages) {
            Ok(()) => return Ok(()),
            Err(said) => announce(&format!("`apt-get install` failed:\n{}", last_lines(&said))),
        }
    }
    announce(&format!(
        "unpacking the Debian packages {list} into `{}`",
        destination.display()
    ));
    unpack(cache, destination, apt_get, packages).map_err(|said| {
        format!(
            "Debian's packages cannot be unpacked:\n{}",
            last_lines(&said)
        )
    })
}

fn is_root() -> bool {
    // The owner of one's own entry in /proc is the effective user.
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn install_as_root(apt_get: &Path, packages: &[&str]) -> Result<(), String> {
    let run = |arguments: &[&str], packages: &[&str]| {
        let mut command = tool::command(apt_get);
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(arguments)
            .args(packages);
        output_of(&mut command)
    };
    run(&["update"], &[])?;
    run(
        &["install", "-y", "--no-install-recommends", "--no-remove"],
        packages,
    )?;
    Ok(())
}

/// Downloads the packages and those of their dependencies that are not installed, and unpacks them below
/// `destination`. Needs no rights outside the cache.
fn unpack(
    cache: &Cache,
    destination: &Path,
    apt_get: &Path,
    packages: &[&str],
) -> Result<(), String> {
    // Makes the parent of the destination.
    cache
        .directory("toolchain")
        .map_err(|error| error.to_string())?;
    let temporary = Temporary::new(cache).map_err(|error| error.to_string())?;
    let state = temporary.path().join("apt");
    let downloads = temporary.path().join("downloads");
    let root = temporary.path().join("root");
    for directory in [
        &state.join("lists/partial"),
        &state.join("cache"),
        &downloads,
        &root,
    ] {
        fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    }
    let status = state.join("status");
    fs::write(&status, "").map_err(|error| error.to_string())?;

    // apt's own lists and caches belong to root, so this call has its own. Its status file lists no installed
    // package: an installed one may conflict with these, but unpacking does no harm.
    let apt = || {
        let mut command = tool::command(apt_get);
        for (option, path) in [
            ("Dir::State", &state),
            ("Dir::State::lists", &state.join("lists")),
            ("Dir::State::status", &status),
            ("Dir::Cache", &state.join("cache")),
        ] {
            command
                .arg("-o")
                .arg(format!("{option}={}", path.display()));
        }
        // By default apt downloads as the user `_apt`, who cannot write here.
        command.args([
            "-o",
            "APT::Sandbox::User=",
            "-o",
            "Debug::NoLocking=1",
            "-q",
        ]);
        command.current_dir(&downloads);
        command
    };
    output_of(apt().arg("update"))?;
    let wanted = output_of(
        apt()
            .args(["install", "--print-uris", "-qq", "--no-install-recommends"])
            .args(packages),
    )?;
    let installed = installed_packages();
    let names: Vec<&str> = wanted
        .lines()
        .filter_map(package_of_uri)
        .filter(|name| {
            packages.contains(name) || name.starts_with("libstd-rust") || !installed(name)
        })
        .collect();
    if names.is_empty() {
        return Err("`apt-get` names no packages".to_owned());
    }
    output_of(apt().arg("download").args(names))?;
    for package in entries(&downloads, "") {
        output_of(tool::command("dpkg").arg("-x").arg(&package).arg(&root))?;
    }
    // An existing directory is incomplete, or the build would have used it.
    if destination.exists() {
        fs::remove_dir_all(destination).map_err(|error| error.to_string())?;
    }
    fs::rename(&root, destination).map_err(|error| error.to_string())
}

/// The package in a line of `apt-get --print-uris`: `'URI' NAME_VERSION_ARCH.deb SIZE HASH`.
fn package_of_uri(line: &str) -> Option<&str> {
    line.split_whitespace()
        .nth(1)?
        .split_once('_')
        .map(|(name, _)| name)
}

/// A function that tells whether a package is installed on this machine.
fn installed_packages() -> impl Fn(&str) -> bool {
    let mut query = tool::command("dpkg-query");
    query.args(["-W", "-f", "${db:Status-Status} ${Package}\n"]);
    // Without the list, all packages are unpacked, which is only more than needed.
    let list = output_of(&mut query).unwrap_or_default();
    let installed: std::collections::HashSet<String> = list
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .map(str::to_owned)
        .collect();
    move |name| installed.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_what_apt_prints() {
        let line = "'http://mirror.example/debian/pool/main/l/llvm/libllvm22_22.1.8-1_amd64.deb' \
                    libllvm22_1%3a22.1.8-1_amd64.deb 29400000 SHA256:00";
        assert_eq!(package_of_uri(line), Some("libllvm22"));
        assert_eq!(package_of_uri("Reading package lists..."), None);
    }
}
