//! The cache directory, and the locks that keep concurrent builds apart.

use crate::{Error, ErrorKind};
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The cache directory, which exists.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    root: PathBuf,
}

/// A lock between processes, held until it is dropped.
#[derive(Debug)]
pub(crate) struct CacheLock {
    _file: File,
}

impl Cache {
    /// Opens the cache at `root`, or else at the place that the environment names. Makes the directory.
    pub(crate) fn open(root: Option<&Path>) -> Result<Cache, Error> {
        let root = match root {
            Some(root) => root.to_owned(),
            None => default_root()?,
        };
        let open = || {
            fs::create_dir_all(&root)?;
            // The path must be absolute: cargo and the linker run in other directories.
            root.canonicalize()
        };
        match open() {
            Ok(root) => Ok(Cache { root }),
            Err(error) => Err(cannot_write(&root, &error)),
        }
    }

    /// The path of an entry of the cache.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// A directory of the cache, made if missing.
    pub(crate) fn directory(&self, name: impl AsRef<Path>) -> Result<PathBuf, Error> {
        let directory = self.path(name);
        fs::create_dir_all(&directory).map_err(|error| cannot_write(&directory, &error))?;
        Ok(directory)
    }

    /// Takes the lock `name` if it is free.
    pub(crate) fn try_lock(&self, name: &str) -> Option<CacheLock> {
        let path = self.directory("locks").ok()?.join(name);
        let mut options = File::options();
        let file = options.create(true).truncate(false).write(true).open(path);
        let file = file.ok()?;
        file.try_lock().ok()?;
        Some(CacheLock { _file: file })
    }

    /// Waits for the lock `name`. `waiting` is called once if another process holds it.
    pub(crate) fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<CacheLock, Error> {
        let path = self.directory("locks")?.join(name);
        let lock = || -> io::Result<File> {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    waiting();
                    file.lock()?;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            Ok(file)
        };
        match lock() {
            Ok(file) => Ok(CacheLock { _file: file }),
            Err(error) => Err(cannot_write(&path, &error)),
        }
    }
}

/// The error for a path of the cache.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::new(
        ErrorKind::Cache,
        format!("cannot write `{}` in the cache", path.display()),
    )
    .because(error)
    .with_hint("set `ISOPOD_CACHE` to a directory that can be written")
}

/// Writes a file atomically. A file that has this content already is left alone, because cargo compares
/// times.
pub(crate) fn write_if_changed(path: &Path, content: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    let write = || -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut file = temporary_file(directory)?;
        io::Write::write_all(&mut file, content)?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| cannot_write(path, &error))
}

/// A file that is removed unless it is persisted. The lock marks its owner as alive: a sweep removes unlocked
/// files as leftovers of processes that have ended.
fn temporary_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    loop {
        let file = tempfile::NamedTempFile::new_in(directory)?;
        match file.as_file().try_lock() {
            // A sweep may have removed the file before it was locked.
            Ok(()) if file.as_file().metadata()?.nlink() > 0 => return Ok(file),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// The cache directory unless [`Options::cache`](crate::Options::cache) names another: `$ISOPOD_CACHE`, else
/// `$XDG_CACHE_HOME/isopod`, else `$HOME/.cache/isopod`; none if none of them is set. An empty variable
/// counts as not set. The directory may not exist yet.
#[must_use]
pub fn cache_directory() -> Option<PathBuf> {
    directory_from(|name| std::env::var_os(name))
}

fn default_root() -> Result<PathBuf, Error> {
    cache_directory().ok_or_else(|| {
        Error::new(ErrorKind::Cache, "no cache directory: `HOME` is not set")
            .with_hint("set `ISOPOD_CACHE` to a directory that can be written")
    })
}

fn directory_from(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("ISOPOD_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|path| path.join("isopod")))
        .or_else(|| set("HOME").map(|path| path.join(".cache/isopod")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_environment_names_the_cache_in_this_order() {
        let variables = [
            ("ISOPOD_CACHE", "/a"),
            ("XDG_CACHE_HOME", "/b"),
            ("HOME", "/c"),
        ];
        for (skipped, expected) in ["/a", "/b/isopod", "/c/.cache/isopod"].iter().enumerate() {
            let root = directory_from(|name| {
                let mut variables = variables.iter().skip(skipped);
                variables
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| value.into())
            });
            assert_eq!(root.as_deref(), Some(Path::new(expected)));
        }
        let empty = directory_from(|name| (name == "HOME").then(OsString::new));
        assert_eq!(empty, None);
    }

    #[test]
    fn a_lock_keeps_others_out_until_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(directory.path())).unwrap();
        let lock = cache
            .lock("one", || unreachable!("nobody holds it"))
            .unwrap();
        let mut waited = false;
        std::thread::scope(|scope| {
            let (sender, receiver) = std::sync::mpsc::channel();
            let cache = &cache;
            let waited = &mut waited;
            scope.spawn(move || {
                cache
                    .lock("one", || {
                        *waited = true;
                        sender.send(()).unwrap();
                    })
                    .unwrap()
            });
            receiver.recv().unwrap();
            cache
                .lock("other", || unreachable!("another lock is another lock"))
                .unwrap();
            drop(lock);
        });
        assert!(waited);
    }

    #[test]
    fn a_file_of_the_same_content_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_if_changed(&path, b"one").unwrap();
        let before = fs::metadata(&path).unwrap();
        write_if_changed(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().ino(), before.ino());
        write_if_changed(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn a_cache_that_cannot_be_made_is_an_error_with_a_hint() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Cache::open(Some(&file.path().join("below"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cache);
        assert!(error.hint().unwrap().contains("ISOPOD_CACHE"));
    }
}
