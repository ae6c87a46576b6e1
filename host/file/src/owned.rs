//! Directories with an owner, a process that holds a lock on them for as long as it lives.
//!
//! A directory whose owner was ended by SIGKILL has no lock any more. The next owner removes it ([`sweep`]), safely
//! beside the directories of living owners.

use crate::removal;
use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The number of names to try, each of which another process may have taken.
const ATTEMPTS: u32 = 100;

/// Makes a directory in `root`, of mode 0700, that is locked for as long as it is open, and returns its name.
///
/// # Errors
/// The system's.
pub fn make(root: &OwnedFd) -> io::Result<(OsString, OwnedFd)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_nanos());
    for attempt in 0..ATTEMPTS {
        let name = format!("{}-{now:x}-{attempt}", std::process::id());
        match rustix::fs::mkdirat(root, &name, Mode::RWXU) {
            Err(Errno::EXIST) => continue,
            made => made?,
        }
        if let Some(made) = lock(root, &name)? {
            return Ok((name.into(), made));
        }
    }
    Err(io::Error::other("others take each name"))
}

/// Opens and locks a directory; none if another has locked it, or it has gone.
///
/// # Errors
/// The system's, also for a name that is no directory.
pub fn lock(root: &OwnedFd, name: impl rustix::path::Arg + Copy) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::openat(root, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        opened => opened?,
    };
    match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(None),
        locked => locked?,
    }
    // It may have been swept, or swept and made anew, before it was locked.
    Ok(is_at(root, name, &directory)?.then_some(directory))
}

/// Whether this name still leads to this directory.
fn is_at(
    root: &OwnedFd,
    name: impl rustix::path::Arg + Copy,
    directory: &OwnedFd,
) -> io::Result<bool> {
    let own = rustix::fs::fstat(directory.as_fd())?;
    match rustix::fs::statat(root, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok((found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Removes a directory, which is open and locked, with all that is in it. One that has another name by now stays.
///
/// # Errors
/// What hindered it, or that the time is over.
pub fn remove(root: &OwnedFd, name: &OsStr, directory: &OwnedFd, until: Instant) -> io::Result<()> {
    match is_at(root, name, directory)? {
        true => removal::directory(root, name, directory, until),
        false => Ok(()),
    }
}

/// Removes directories in `root` whose owners have ended, until the time is over; not that of this name. What fails is tried
/// again by the next sweep.
pub fn sweep(root: &OwnedFd, own: Option<&OsStr>, until: Instant) {
    let Ok(entries) = Dir::read_from(root) else {
        return;
    };
    for entry in entries.flatten() {
        if Instant::now() >= until {
            return;
        }
        let name = entry.file_name();
        let is_own = own.is_some_and(|own| name.to_bytes() == own.as_bytes());
        if is_own || matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if let Ok(Some(left)) = lock(root, name) {
            let _ = removal::directory(root, OsStr::from_bytes(name.to_bytes()), &left, until);
        }
    }
}
