//! The target directory of a build.
//!
//! Crates share a target directory if their builds run no code but that of the guest library's own
//! dependencies. So the library, and the standard library if it is built, are compiled once. A crate with a
//! build script, a macro or any other dependency has a directory of its own, which begins as a copy of the
//! shared one. So no other crate's build reads the files that such code writes. Builds of trusted source
//! share a third directory, to which no confined build writes.

use super::home::Locked;
use super::site::Site;
use crate::cache::{Cache, CacheLock, cannot_write};
use crate::cargo::not_begun;
use crate::file::settings_if_any;
use crate::owners::Owners;
use crate::program::Metadata;
use crate::sandbox::Sandbox;
use crate::sdk::hex;
use crate::temporary::{self, Temporary};
use crate::tool::last_lines;
use crate::toolchain::TARGET;
use crate::{Error, tool};
use sha2::{Digest, Sha256};
use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The dependencies of the guest library, by name on crates.io. The build script makes this list.
const KNOWN: &[&str] = &include!(concat!(env!("OUT_DIR"), "/known_dependencies.rs"));

/// The packages of the guest library itself, which are in the cache.
const OWN: [&str; 2] = ["isopod", "isopod-macros"];

/// The largest number of kept directories of single workspaces. Each takes some hundred megabytes.
const MAX_KEPT: usize = 6;

/// The target directory of one build, locked until this is dropped.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) directory: PathBuf,
    owners: Option<Owners>,
    _lock: CacheLock,
}

impl Target {
    /// The directory for this crate.
    pub(crate) fn of(
        cache: &Cache,
        site: &Site,
        metadata: &Metadata,
        packages: &[Locked],
        mut waiting: impl FnMut(),
    ) -> Result<Target, Error> {
        let shared = |name: &str, owners: &str, waiting: &mut dyn FnMut()| {
            let directory = cache.directory(name)?;
            let _lock = cache.lock(name, waiting)?;
            let owners = Some(Owners::read(cache, owners, metadata)?);
            Ok(Target {
                directory,
                owners,
                _lock,
            })
        };
        if site.distrust.is_none() {
            return shared("target-trusted", "owners-trusted", &mut waiting);
        }
        if !runs_foreign_code(site, metadata, packages) {
            return shared("target", "owners", &mut waiting);
        }
        let root = metadata.workspace_root.as_os_str().as_encoded_bytes();
        let name = format!("targets/{}", hex(&Sha256::digest(root)));
        let _lock = cache.lock(&name.replace('/', "-"), &mut waiting)?;
        let directory = cache.path(&name);
        if !directory.is_dir() {
            let _shared = cache.lock("target", waiting)?;
            let parent = cache.directory("targets")?;
            remove_oldest(cache, &parent);
            let temporary = Temporary::new(cache)?;
            begin_with_copy(&cache.path("target"), temporary.path(), &directory)
                .map_err(|error| cannot_write(&directory, &error))?;
        }
        // The file's time records the last use, by which the oldest directory is found.
        let _ = fs::write(directory.join("used"), "");
        Ok(Target {
            directory,
            owners: None,
            _lock,
        })
    }

    /// The packages of the source itself, as cargo names them. The caller has them rebuilt.
    pub(crate) fn packages_of_source(packages: &[Locked]) -> Vec<String> {
        let of_source = packages.iter().filter(|package| {
            package.source.is_none() && !package.is_of_library && !OWN.contains(&&*package.name)
        });
        of_source
            .map(|package| format!("{}@{}", package.name, package.version))
            .collect()
    }

    /// Removes the output of `packages`, and of packages of the same name that were built from another
    /// workspace.
    pub(crate) fn clean(
        &self,
        sandbox: &Sandbox,
        mut cargo: Command,
        manifest: &Path,
        name: &str,
        mut packages: Vec<String>,
    ) -> Result<(), Error> {
        if let Some(owners) = &self.owners {
            packages.extend(owners.strangers.iter().cloned());
        }
        if !packages.is_empty() {
            cargo.args(["clean", "--release", "--target", TARGET, "--target-dir"]);
            cargo.arg(&self.directory);
            cargo.arg("--manifest-path").arg(manifest);
            for id in &packages {
                cargo.args(["--package", id]);
            }
            let said = sandbox.output_of(&mut cargo);
            said.map_err(|said| not_begun(name).because(last_lines(&said)))?;
        }
        self.owners.as_ref().map_or(Ok(()), Owners::write)
    }
}

/// Whether the build of a crate runs code of anything but the compiler and the guest library, or writes
/// outside cargo's own files.
fn runs_foreign_code(site: &Site, metadata: &Metadata, packages: &[Locked]) -> bool {
    let has_settings = site
        .distrust
        .as_ref()
        .is_some_and(|distrust| !distrust.source.settings.is_empty());
    let has_features = metadata.packages.iter().any(|package| {
        // With unstable features of cargo, a manifest can set flags of the compiler.
        let text = settings_if_any(package.manifest()).unwrap_or_default();
        text.contains("cargo-features")
    });
    let root = settings_if_any(&metadata.workspace_root.join("Cargo.toml")).unwrap_or_default();
    let is_member = |name: &str| {
        let mut members = metadata.packages.iter();
        members.any(|member| member.name == name && !member.runs_code())
    };
    let is_foreign = |package: &Locked| match &package.source {
        None => {
            let is_own = site.patch.is_some() && OWN.contains(&&*package.name);
            !is_own && !is_member(&package.name)
        }
        Some(_) => !KNOWN.contains(&&*package.name),
    };
    // The packages of the standard library come with the compiler.
    let packages = packages.iter().filter(|package| !package.is_of_library);
    has_settings
        || has_features
        || root.contains("cargo-features")
        || metadata.packages.iter().any(|package| package.runs_code())
        || packages.into_iter().any(is_foreign)
}

/// Removes the oldest directories of workspaces until there is room for one more. A directory in use stays.
fn remove_oldest(cache: &Cache, parent: &Path) {
    let mut kept: Vec<(SystemTime, PathBuf)> = tool::entries(parent, "")
        .into_iter()
        .map(|path| {
            let used = fs::metadata(path.join("used")).and_then(|used| used.modified());
            (used.unwrap_or(SystemTime::UNIX_EPOCH), path)
        })
        .collect();
    kept.sort();
    let surplus = (kept.len() + 1).saturating_sub(MAX_KEPT);
    for (_, path) in kept.into_iter().take(surplus) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // If a removal fails, the next call tries again.
        if let Some(_lock) = cache.try_lock(&format!("targets-{name}")) {
            let _ = temporary::remove(&path);
        }
    }
}

/// Makes the directory of a workspace as a copy of the shared one, so that the standard library is not built
/// again.
fn begin_with_copy(shared: &Path, temporary: &Path, directory: &Path) -> io::Result<()> {
    let copy = temporary.join("copy");
    fs::create_dir(&copy)?;
    if shared.is_dir() {
        copy_below(shared, &copy)?;
    }
    fs::rename(&copy, directory)
}

/// Copies files with their times, which cargo compares. A file that another build removes meanwhile is left
/// out, and cargo makes it again.
fn copy_below(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            fs::create_dir(&target)?;
            copy_below(&entry.path(), &target)?;
        } else if kind.is_file() {
            match fs::copy(entry.path(), &target) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                copied => copied?,
            };
            let modified = entry.metadata()?.modified()?;
            let times = FileTimes::new().set_modified(modified);
            File::options()
                .append(true)
                .open(&target)?
                .set_times(times)?;
        }
    }
    Ok(())
}
