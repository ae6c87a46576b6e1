//! Directories for the duration of one build, in the cache, where no guest may write.
//!
//! The owner of each directory holds a lock on it. If SIGKILL ends a build, the next run of isopod removes
//! the directory: see [`sweep`].

use crate::Error;
use crate::cache::{Cache, cannot_write};
use crate::tool;
use isopod_file::owned;
use rustix::fs::{Mode, OFlags};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Their place in the cache.
const PLACE: &str = "temporary";

/// The place of those for JavaScript, in the directory of an installed componentize-js, so that Node.js finds
/// the package from there.
pub(crate) const PLACE_IN_JAVASCRIPT: &str = "builds";

/// The longest time for removing the directory at the end of a build.
const REMOVAL: Duration = Duration::from_secs(30);

/// A directory that is removed when this is dropped, unless it was renamed.
#[derive(Debug)]
pub(crate) struct Temporary {
    root: OwnedFd,
    name: OsString,
    /// The lock is held for as long as this is open.
    directory: OwnedFd,
    path: PathBuf,
}

impl Temporary {
    /// Makes a directory in the cache.
    ///
    /// # Errors
    /// [`ErrorKind::Cache`](crate::ErrorKind::Cache).
    pub(crate) fn new(cache: &Cache) -> Result<Temporary, Error> {
        Temporary::new_in(&cache.directory(PLACE)?)
    }

    /// Makes a directory in `parent`, which holds only such directories.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub(crate) fn new_in(parent: &Path) -> Result<Temporary, Error> {
        let make = || -> io::Result<Temporary> {
            fs::create_dir_all(parent)?;
            let root = open(parent)?;
            let (name, directory) = owned::make(&root)?;
            let path = parent.join(&name);
            Ok(Temporary {
                root,
                name,
                directory,
                path,
            })
        };
        make().map_err(|error| cannot_write(parent, &error))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let until = Instant::now() + REMOVAL;
        // The next run removes the rest.
        let _ = owned::remove(&self.root, &self.name, &self.directory, until);
    }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Removes a directory of this process's own, with any entries that a build has made in it.
///
/// # Errors
/// The system's error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let until = Instant::now() + REMOVAL;
    isopod_file::removal::directory(open(parent)?, name, &open(path)?, until)
}

/// Removes the directories of builds with this cache that SIGKILL, or the end of the machine, has ended.
/// Stops at `until`. The directories of living builds stay.
pub fn sweep(cache: &Path, until: Instant) {
    let of_javascript = tool::entries(&cache.join("js"), "").into_iter();
    let of_javascript = of_javascript.map(|installed| installed.join(PLACE_IN_JAVASCRIPT));
    for place in of_javascript.chain([cache.join(PLACE)]) {
        if let Ok(root) = open(&place) {
            owned::sweep(&root, None, until);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_lives_or_was_renamed_stays_and_the_rest_goes() {
        let place = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(place.path())).unwrap();
        let living = Temporary::new(&cache).unwrap();
        fs::write(living.path().join("file"), "").unwrap();
        let (left, left_by_javascript) = (
            place.path().join("temporary/build-x"),
            place.path().join("js/x/builds/1-2-3"),
        );
        for directory in [&left, &left_by_javascript] {
            fs::create_dir_all(directory.join("a/b")).unwrap();
        }
        sweep(place.path(), Instant::now() + Duration::from_secs(60));
        assert!(!left.exists() && !left_by_javascript.exists());
        assert!(living.path().join("file").exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
        let renamed = Temporary::new(&cache).unwrap();
        fs::write(renamed.path().join("file"), "").unwrap();
        fs::rename(renamed.path(), place.path().join("kept")).unwrap();
        drop(renamed);
        assert!(place.path().join("kept/file").exists());
    }
}
