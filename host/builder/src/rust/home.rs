//! The home directory of cargo in a sandbox: `CARGO_HOME` of confined builds.
//!
//! It shares the registry of the user's own cargo, so nothing is downloaded twice. It keeps its git
//! repositories apart, because a build only gets those that can be fetched anonymously. Of the user's
//! settings it takes those for reaching a registry. It holds no token, no credential and no program.

use super::settings;
use crate::cache::{Cache, cannot_write, write_if_changed};
use crate::file::settings as settings_file;
use crate::program::{Metadata, Package};
use crate::sandbox::Sandbox;
use crate::sdk::hex;
use crate::{Error, ErrorKind, unreadable};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The names of crates.io in lock files: the only registry of a confined build.
const CRATES_IO: [&str; 2] = [
    "registry+https://github.com/rust-lang/crates.io-index",
    "sparse+https://index.crates.io/",
];

/// The lock files of cargo.
const LOCKS: [&str; 2] = [".package-cache", ".package-cache-mutate"];

/// A `CARGO_HOME`.
#[derive(Debug)]
pub(crate) struct CargoHome {
    directory: PathBuf,
    users: PathBuf,
    /// Whether the user's settings replace crates.io by another source.
    is_replaced: bool,
    /// The paths that the user's settings name: a vendored registry, a certificate.
    named: Vec<PathBuf>,
}

/// A package of a lock file.
#[derive(Debug, Deserialize)]
pub(crate) struct Locked {
    pub(crate) name: String,
    pub(crate) version: String,
    /// None for a package in the source itself.
    pub(crate) source: Option<String>,
    /// Whether it is a package of the standard library.
    #[serde(skip)]
    pub(crate) is_of_library: bool,
}

impl CargoHome {
    /// Makes the directory, or brings it up to date.
    pub(crate) fn prepare(cache: &Cache) -> Result<CargoHome, Error> {
        let users = users_home(cache)?;
        let hash = hex(&Sha256::digest(users.as_os_str().as_encoded_bytes()));
        let directory = cache.directory(Path::new("cargo-home").join(hash))?;
        let make = || -> io::Result<()> {
            fs::create_dir_all(users.join("registry"))?;
            link(&users.join("registry"), &directory.join("registry"))?;
            fs::create_dir_all(directory.join("git"))?;
            for name in LOCKS {
                let lock = users.join(name);
                fs::File::options().create(true).append(true).open(&lock)?;
                link(&lock, &directory.join(name))?;
            }
            Ok(())
        };
        make().map_err(|error| cannot_write(&directory, &error))?;
        let mut kept = Table::new();
        let mut named = Vec::new();
        if let Some(file) = settings::file_in(&users) {
            let settings = settings::read(&file)?;
            for name in ["source", "http", "net", "term"] {
                if let Some(value) = settings.get(name) {
                    kept.insert(name.to_owned(), value.clone());
                    named_paths(value, &users, &mut named);
                }
            }
            let indexes = settings.get("registries").and_then(Value::as_table);
            let indexes = indexes
                .into_iter()
                .flatten()
                .filter_map(|(name, registry)| {
                    let index = registry.get("index")?.clone();
                    let registry = Table::from_iter([("index".to_owned(), index)]);
                    Some((name.clone(), Value::Table(registry)))
                });
            kept.insert("registries".to_owned(), Value::Table(indexes.collect()));
        }
        let is_replaced = kept
            .get("source")
            .and_then(|sources| sources.get("crates-io")?.get("replace-with"))
            .is_some();
        // The user's own cargo cleans the shared registry, because it knows which crates the user still
        // needs.
        let cleaning = Value::String("never".to_owned());
        let cache_settings = Table::from_iter([("auto-clean-frequency".to_owned(), cleaning)]);
        kept.insert("cache".to_owned(), Value::Table(cache_settings));
        let text = toml::to_string(&kept).unwrap_or_default();
        write_if_changed(&directory.join("config.toml"), text.as_bytes())?;
        Ok(CargoHome {
            directory,
            users,
            is_replaced,
            named,
        })
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the user's settings name other sources of crates, whose content may change at any time.
    pub(crate) fn has_settings(&self) -> bool {
        self.is_replaced || !self.named.is_empty()
    }

    /// Lets cargo download into the directory.
    pub(crate) fn grant_to_fetch(&self, sandbox: Sandbox) -> Sandbox {
        let certificates = ["SSL_CERT_FILE", "SSL_CERT_DIR", "CARGO_HTTP_CAINFO"];
        let certificates = certificates.iter().filter_map(std::env::var_os);
        let locks = LOCKS.iter().map(|name| self.users.join(name));
        let sandbox = locks.fold(sandbox, Sandbox::write);
        sandbox
            .write(&self.directory)
            .write(self.users.join("registry"))
            .read_all(&self.named)
            .read_all(certificates.map(PathBuf::from))
    }

    /// Lets a build read the locked packages, and no others.
    pub(crate) fn grant_to_build(&self, sandbox: Sandbox, packages: &[Locked]) -> Sandbox {
        let mut sandbox = sandbox.read(&self.directory).read_all(&self.named);
        let registry = self.users.join("registry");
        for source in crate::tool::entries(&registry.join("src"), "") {
            let name = source.file_name().unwrap_or_default().to_owned();
            let shown = name.to_string_lossy();
            let is_public =
                shown.starts_with("index.crates.io-") || shown.starts_with("github.com-");
            if !is_public && !self.is_replaced {
                continue;
            }
            sandbox = sandbox.read(registry.join("index").join(&name));
            for package in packages {
                let package = format!("{}-{}", package.name, package.version);
                let archive = registry.join("cache").join(&name);
                sandbox = sandbox
                    .read(source.join(&package))
                    .read(archive.join(format!("{package}.crate")));
            }
        }
        sandbox
    }
}

/// The user's `CARGO_HOME`; if there is none, a directory of the cache.
fn users_home(cache: &Cache) -> Result<PathBuf, Error> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = set("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| set("HOME").map(|home| Path::new(&home).join(".cargo")));
    if let Some(home) = home
        && fs::create_dir_all(home.join("registry")).is_ok()
        && let Ok(home) = home.canonicalize()
    {
        return Ok(home);
    }
    cache.directory("cargo-registry")
}

/// Makes a symbolic link, unless it exists.
fn link(target: &Path, link: &Path) -> io::Result<()> {
    match symlink(target, link) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// The paths that settings name.
fn named_paths(value: &Value, below: &Path, found: &mut Vec<PathBuf>) {
    let inner = value.as_table().into_iter().flatten();
    for (name, value) in inner {
        match value {
            Value::String(path) if ["directory", "local-registry", "cainfo"].contains(&&**name) => {
                found.push(below.parent().unwrap_or(below).join(path));
            }
            value => named_paths(value, below, found),
        }
    }
}

/// The packages of a lock file.
///
/// # Errors
/// [`ErrorKind::Source`] if it cannot be read; [`ErrorKind::Confinement`] for a package that is neither from
/// crates.io nor fetched by `https`.
pub(crate) fn locked(file: &Path) -> Result<Vec<Locked>, Error> {
    #[derive(Deserialize)]
    struct LockFile {
        #[serde(default)]
        package: Vec<Locked>,
    }
    let text = settings_file(file)?;
    let lock: LockFile =
        toml::from_str(&text).map_err(|error| unreadable(file).because(error.message()))?;
    for package in &lock.package {
        let Some(source) = &package.source else {
            continue;
        };
        check_source(&package.name, source)?;
    }
    Ok(lock.package)
}

/// Refuses a source of crates that needs the user's rights, such as a private registry: the source code must
/// not get those rights.
fn check_source(name: &str, source: &str) -> Result<(), Error> {
    if CRATES_IO.contains(&source) || source.starts_with("git+https://") {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Confinement,
        format!("`{name}` comes from `{source}`, which a confined build does not use"),
    )
    .with_hint(
        "it takes crates from crates.io, from git by `https` and from the source itself; \
         `--trust-build` builds without a sandbox: the source may then do everything that you can",
    ))
}

/// Refuses manifests that name another source of crates, before cargo connects to it. Checks dependencies,
/// patches and replacements.
///
/// # Errors
/// [`ErrorKind::Confinement`] for such a source; [`ErrorKind::Source`] if the manifest of the workspace
/// cannot be read.
pub(crate) fn check_manifests(metadata: &Metadata) -> Result<(), Error> {
    for (name, source) in metadata.packages.iter().flat_map(Package::fetched) {
        check_source(name, source)?;
    }
    let lock_file = metadata.workspace_root.join("Cargo.lock");
    if lock_file.is_file() {
        locked(&lock_file)?;
    }
    let file = metadata.workspace_root.join("Cargo.toml");
    let text = settings_file(&file)?;
    let manifest: Table =
        toml::from_str(&text).map_err(|error| unreadable(&file).because(error.message()))?;
    let table = |value: &Value| value.as_table().cloned().unwrap_or_default();
    let patches = manifest.get("patch").map(table).unwrap_or_default();
    let replaced = manifest.get("replace").map(table).unwrap_or_default();
    let patched = patches.iter().flat_map(|(_, of_source)| table(of_source));
    for (name, replacement) in patched.chain(replaced) {
        for (key, place) in table(&replacement) {
            let place = place.as_str().unwrap_or_default();
            match &*key {
                "git" => check_source(&name, &format!("git+{place}"))?,
                "registry" | "registry-index" => check_source(&name, place)?,
                _ => {}
            }
        }
    }
    Ok(())
}
