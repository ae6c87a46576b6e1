//! Removes the leftovers of runs that ended by SIGKILL or with the machine. The next run calls it.
//!
//! A living run holds a lock, or its socket answers. A sweep takes a bounded time; later runs remove the rest.

use isopod_file::owned;
use rustix::fs::{FlockOperation, Mode, OFlags};
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time of a sweep, which a run does before its program starts.
const TIME: Duration = Duration::from_millis(200);
/// The directories of the sockets of runs, and of unfinished files of the cache.
const SOCKETS: &str = "runs";
const TEMPORARY: [&str; 2] = ["code", "components"];
/// Prefix of the name of an unfinished file of the cache.
const PREFIX: &str = ".tmp";

/// Removes the directories of ended runs, except for the run's own.
pub(super) fn runs(root: &OwnedFd, own: &OsStr) {
    owned::sweep(root, Some(own), Instant::now() + TIME);
}

/// Removes sockets without a listener, unfinished files, and the leftovers of killed builds. A build without a run
/// sweeps too.
pub(super) fn cache() {
    let Some(cache) = isopod_build::cache_directory() else {
        return;
    };
    let until = Instant::now() + TIME;
    for entry in entries(&cache.join(SOCKETS)) {
        if Instant::now() >= until {
            return;
        }
        sweep_socket(&entry.path());
    }
    for directory in TEMPORARY {
        for entry in entries(&cache.join(directory)) {
            if Instant::now() >= until {
                return;
            }
            if entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()) {
                sweep_file(&entry.path());
            }
        }
    }
    isopod_build::sweep(&cache, until);
}

fn entries(directory: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(directory).into_iter().flatten().flatten()
}

/// The name of a socket is the process number of its run. The number may belong to another machine or container, so
/// the socket of a missing process must also refuse a connection.
fn sweep_socket(path: &Path) {
    let name = path.file_name().and_then(OsStr::to_str);
    let Some(pid) = name.and_then(|name| name.parse::<u32>().ok()) else {
        return;
    };
    if Path::new("/proc").join(pid.to_string()).exists() {
        return;
    }
    if let Err(error) = UnixStream::connect(path)
        && error.kind() == ErrorKind::ConnectionRefused
    {
        let _ = fs::remove_file(path);
    }
}

/// The writer of such a file holds a lock on it. A writer that has not locked it yet finds it removed, and starts again.
fn sweep_file(path: &Path) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::open(path, flags, Mode::empty()) else {
        return;
    };
    let file = fs::File::from(file);
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    if is_file && rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_file_that_is_being_written_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (written, left) = (directory.path().join("a"), directory.path().join("b"));
        let file = fs::File::create(&written).unwrap();
        file.lock().unwrap();
        fs::write(&left, "half").unwrap();
        sweep_file(&written);
        sweep_file(&left);
        assert!(written.exists() && !left.exists());
    }

    #[test]
    fn only_a_socket_of_nobody_goes() {
        let directory = tempfile::tempdir().unwrap();
        // Above the largest number that the kernel gives.
        let dead = directory.path().join("4194305");
        let living = directory.path().join("4194306");
        let own = directory.path().join(std::process::id().to_string());
        for path in [&dead, &own] {
            drop(std::os::unix::net::UnixListener::bind(path).unwrap());
        }
        let _listener = std::os::unix::net::UnixListener::bind(&living).unwrap();
        for path in [&dead, &living, &own] {
            sweep_socket(path);
        }
        assert!(!dead.exists() && living.exists() && own.exists());
    }
}
