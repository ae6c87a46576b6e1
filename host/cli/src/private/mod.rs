//! The private directory of a run on disk, which no grant of any program reaches.
//!
//! It lies in the cache directory, below a directory of mode 0700 for all runs. isopod refuses grants of that directory,
//! of those above it and of those in it. A living run holds a lock on its directory, so the next run recognises and
//! removes the leftovers of an end by SIGKILL ([`sweep`]).

mod sweep;

use crate::identity::identity;
use crate::report;
use anyhow::Context as _;
use isopod_file::owned;
use rustix::fs::{Mode, OFlags};
use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The directory of all runs, in the cache directory.
const RUNS: &str = "private";
/// The program's directory, in the directory of its run.
const GIVEN: &str = "tmp";
/// Longest time to remove the files of the program at the end of a run: some million files.
const REMOVAL: Duration = Duration::from_secs(30);

/// The directory of one run. Dropping this removes it.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    /// The directory of all runs.
    root: OwnedFd,
    root_path: PathBuf,
    /// Locked for as long as it is open.
    run: OwnedFd,
    name: OsString,
    given: PathBuf,
    is_removed: bool,
}

impl PrivateDirectory {
    /// Creates a directory, and removes the leftovers of killed runs.
    ///
    /// # Errors
    /// If there is no directory that belongs to this user and can be written.
    pub(crate) fn make() -> anyhow::Result<PrivateDirectory> {
        let mut first = None;
        for root in roots() {
            match PrivateDirectory::make_in(&root) {
                Ok(made) => {
                    sweep::runs(&made.root, &made.name);
                    sweep::cache();
                    return Ok(made);
                }
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        Err(first.unwrap_or_else(|| anyhow::anyhow!("there is no place for it")))
    }

    fn make_in(root_path: &Path) -> anyhow::Result<PrivateDirectory> {
        let root = open_root(root_path)
            .with_context(|| format!("`{}` cannot be used", root_path.display()))?;
        let (name, run) = owned::make(&root)
            .with_context(|| format!("`{}` cannot be used", root_path.display()))?;
        let given = root_path.join(&name).join(GIVEN);
        let made = PrivateDirectory {
            root,
            root_path: root_path.to_owned(),
            run,
            name,
            given,
            is_removed: false,
        };
        rustix::fs::mkdirat(&made.run, GIVEN, Mode::RWXU)
            .with_context(|| format!("`{}` cannot be created", made.given.display()))?;
        Ok(made)
    }

    /// The directory that the program may write, empty at first.
    pub(crate) fn given(&self) -> &Path {
        &self.given
    }

    /// The run's directory: isopod itself writes there, also at the end.
    pub(crate) fn run(&self) -> PathBuf {
        self.root_path.join(&self.name)
    }

    /// The directory of all runs.
    pub(crate) fn root(&self) -> &Path {
        &self.root_path
    }

    /// Removes the directory and everything in it.
    ///
    /// # Errors
    /// If something cannot be removed within the time. The next run tries again.
    pub(crate) fn remove(mut self) -> anyhow::Result<()> {
        self.remove_within(REMOVAL)
    }

    fn remove_within(&mut self, time: Duration) -> anyhow::Result<()> {
        self.is_removed = true;
        let until = Instant::now() + time;
        owned::remove(&self.root, &self.name, &self.run, until).with_context(|| {
            format!(
                "`{}` could not be removed; the next run of isopod tries again",
                self.run().display()
            )
        })
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        if !self.is_removed {
            // The earlier error, which has led here, is the one to report.
            let _ = self.remove_within(REMOVAL);
        }
    }
}

/// Removes the leftovers of killed runs and builds from the cache.
pub(crate) fn sweep_cache() {
    sweep::cache();
}

/// Checks that a directory to grant contains no private directories, and is none.
///
/// # Errors
/// If it does or is. The error names the private directories and the remedy.
pub(crate) fn check_grant(host: &Path) -> anyhow::Result<()> {
    let cache = roots().into_iter().next();
    let overlapped = roots().into_iter().find(|root| {
        // The next run uses the first one. The other one counts only if it is in use.
        (Some(root) == cache.as_ref() || is_used(root)) && overlap(host, root)
    });
    match overlapped {
        None => Ok(()),
        Some(root) => Err(report::with_hint(
            format!(
                "`{}` cannot be granted: the private directories of programs lie in `{}`",
                host.display(),
                root.display()
            ),
            "grant the directories below it that the program needs, or name another cache directory with `ISOPOD_CACHE`",
        )),
    }
}

fn is_used(root: &Path) -> bool {
    fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some())
}

/// Whether one of two directories lies in the other, or they are the same.
fn overlap(granted: &Path, root: &Path) -> bool {
    let Ok(granted) = granted.canonicalize() else {
        return false;
    };
    let root = real(root);
    lies_in(&root, &granted) || lies_in(&granted, &root)
}

/// Whether a directory is `above`, or lies in it. Compares identities, as a directory can have several paths.
pub(crate) fn lies_in(path: &Path, above: &Path) -> bool {
    let wanted = identity(above);
    path.ancestors()
        .any(|path| path == above || (wanted.is_some() && identity(path) == wanted))
}

/// The path without links, as far as it exists.
pub(crate) fn real(path: &Path) -> PathBuf {
    let mut missing = PathBuf::new();
    for above in path.ancestors() {
        if let Ok(real) = above.canonicalize() {
            return match missing.as_os_str().is_empty() {
                true => real,
                false => real.join(missing),
            };
        }
        let Some(name) = above.file_name() else { break };
        missing = match missing.as_os_str().is_empty() {
            true => PathBuf::from(name),
            false => Path::new(name).join(missing),
        };
    }
    path.to_owned()
}

/// Candidates for the directory of all runs, the best first.
fn roots() -> Vec<PathBuf> {
    let cache = isopod_build::cache_directory().map(|cache| cache.join(RUNS));
    cache.into_iter().chain([temporary_root()]).collect()
}

/// The directory of all runs without a usable cache.
fn temporary_root() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    std::env::temp_dir().join(format!("isopod-{RUNS}-{user}"))
}

fn open_root(path: &Path) -> io::Result<OwnedFd> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = rustix::fs::open(path, flags, Mode::empty())?;
    let found = rustix::fs::fstat(&root)?;
    if found.st_uid != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it belongs to another user",
        ));
    }
    // An older directory may have another mode.
    if found.st_mode & 0o777 != 0o700 {
        rustix::fs::fchmod(&root, Mode::RWXU)?;
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn it_is_the_users_alone_and_goes_with_the_run() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("runs");
        let private = PrivateDirectory::make_in(&root).unwrap();
        let given = private.given().to_owned();
        fs::write(given.join("file"), "x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&root), mode(&private.run())), (0o700, 0o700));
        private.remove().unwrap();
        assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
        drop(PrivateDirectory::make_in(&root).unwrap());
        assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    }

    #[test]
    fn a_sweep_leaves_what_lives_and_removes_the_rest() {
        let parent = tempfile::tempdir().unwrap();
        let living = PrivateDirectory::make_in(parent.path()).unwrap();
        fs::write(living.given().join("file"), "x").unwrap();
        let dead = parent.path().join("7-0-0");
        fs::create_dir_all(dead.join("tmp/a/b")).unwrap();
        fs::write(dead.join("tmp/a/b/file"), "x").unwrap();
        let own = PrivateDirectory::make_in(parent.path()).unwrap();
        sweep::runs(&own.root, &own.name);
        assert!(!dead.exists());
        assert!(living.given().join("file").exists() && own.given().exists());
    }

    #[test]
    fn what_lies_above_it_or_in_it_overlaps() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("cache/private");
        let below = parent.path().join("cache");
        fs::create_dir(&below).unwrap();
        fs::create_dir(parent.path().join("other")).unwrap();
        std::os::unix::fs::symlink(&below, parent.path().join("link")).unwrap();
        for name in ["", "cache", "link", "other/.."] {
            assert!(overlap(&parent.path().join(name), &root), "{name}");
        }
        assert!(!overlap(&parent.path().join("other"), &root));
        fs::create_dir_all(root.join("run")).unwrap();
        assert!(overlap(&root, &root) && overlap(&root.join("run"), &root));
    }
}
