//! Removes a directory with its contents of any shape, by descriptor, in a bounded time.
//!
//! Directories in directories are not descended into: each is moved up to the top first, and so emptied
//! there. So it takes two descriptors, no recursion and no path, however deep they nest, and a time that grows
//! with the number of entries alone. No symbolic link is followed.

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

/// Removes the directory `name` in `root`, which is open as `directory`.
///
/// # Errors
/// What hindered it, the first time that anything did, or that the time is over.
pub fn directory(
    root: impl AsFd,
    name: &OsStr,
    directory: &OwnedFd,
    until: Instant,
) -> io::Result<()> {
    let mut emptying = Emptying {
        top: directory.as_fd(),
        moved: 0,
        until,
    };
    emptying.empty_top()?;
    Ok(rustix::fs::unlinkat(root, name, AtFlags::REMOVEDIR)?)
}

struct Emptying<'a> {
    top: BorrowedFd<'a>,
    /// How many directories were moved up, for their names.
    moved: u64,
    until: Instant,
}

impl Emptying<'_> {
    fn empty_top(&mut self) -> io::Result<()> {
        loop {
            let (mut is_empty, mut has_progress, mut hindrance) = (true, false, None);
            for entry in Dir::read_from(self.top)? {
                let entry = entry?;
                let name = entry.file_name();
                if is_dot(name) {
                    continue;
                }
                self.check_time()?;
                is_empty = false;
                match self.remove(name) {
                    Ok(()) => has_progress = true,
                    Err(error) => {
                        hindrance.get_or_insert(error);
                    }
                }
            }
            match hindrance {
                _ if is_empty => return Ok(()),
                // What was moved up since the pass began comes in the next one.
                Some(error) if !has_progress => return Err(error),
                _ => {}
            }
        }
    }

    /// Removes an entry of the top.
    fn remove(&mut self, name: &CStr) -> io::Result<()> {
        if !is_directory(rustix::fs::unlinkat(self.top, name, AtFlags::empty()))? {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(self.top, name, flags, Mode::empty())?;
        for entry in Dir::read_from(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_dot(name) {
                continue;
            }
            self.check_time()?;
            if is_directory(rustix::fs::unlinkat(&directory, name, AtFlags::empty()))? {
                self.move_up(directory.as_fd(), name)?;
            }
        }
        match rustix::fs::unlinkat(self.top, name, AtFlags::REMOVEDIR) {
            // Something was written to it meanwhile, or the pass has missed it: the next one comes.
            Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            removed => Ok(removed?),
        }
    }

    fn move_up(&mut self, directory: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        loop {
            self.check_time()?;
            self.moved += 1;
            let new_name = format!("moved-{}", self.moved);
            match rustix::fs::renameat(directory, name, self.top, new_name) {
                // Left by a removal that was broken off.
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
                Err(Errno::NOENT) => return Ok(()),
                moved => return Ok(moved?),
            }
        }
    }

    fn check_time(&self) -> io::Result<()> {
        match Instant::now() < self.until {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "there is more in it than can be removed in the time for it",
            )),
        }
    }
}

/// Whether what was to be unlinked is a directory; if not, it is gone.
fn is_directory(unlinked: rustix::io::Result<()>) -> io::Result<bool> {
    match unlinked {
        Ok(()) | Err(Errno::NOENT) => Ok(false),
        // Linux says the first, POSIX the second.
        Err(Errno::ISDIR | Errno::PERM) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}

fn is_dot(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::fs::{self, File};
    use std::path::Path;
    use std::time::Duration;

    fn remove(parent: &Path, name: &str, time: Duration) -> io::Result<()> {
        let root = File::open(parent).unwrap();
        let own = File::open(parent.join(name)).unwrap().into();
        directory(&root, OsStr::new(name), &own, Instant::now() + time)
    }

    /// Directories in each other, from the top down, with a file and a link in each.
    fn nest(top: &Path, depth: u32, name: &str) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut at: OwnedFd = File::open(top).unwrap().into();
        for _ in 0..depth {
            rustix::fs::mkdirat(&at, name, Mode::RWXU).unwrap();
            rustix::fs::symlinkat("/", &at, "link").unwrap();
            let flags_of_file = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
            rustix::fs::openat(&at, "file", flags_of_file, Mode::RUSR).unwrap();
            at = rustix::fs::openat(&at, name, flags, Mode::empty()).unwrap();
        }
    }

    #[test]
    fn any_shape_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let kept = parent.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "x").unwrap();
        let top = parent.path().join("top");
        fs::create_dir(&top).unwrap();
        // Together far longer than a path may be.
        nest(&top, 5_000, &"n".repeat(255));
        fs::create_dir(top.join("again")).unwrap();
        nest(&top.join("again"), 20, "moved-1");
        fs::create_dir_all(top.join("moved-2/a")).unwrap();
        for number in 0..5_000 {
            fs::write(top.join(number.to_string()), "").unwrap();
        }
        std::os::unix::fs::symlink(&kept, top.join("to-kept")).unwrap();
        remove(parent.path(), "top", Duration::from_secs(60)).unwrap();
        assert!(!top.exists() && kept.join("file").exists());
    }

    #[test]
    fn a_time_that_is_over_is_told_and_the_next_attempt_goes_on() {
        let parent = tempfile::tempdir().unwrap();
        let top = parent.path().join("top");
        fs::create_dir(&top).unwrap();
        nest(&top, 50, "a");
        let error = remove(parent.path(), "top", Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(top.exists());
        remove(parent.path(), "top", Duration::from_secs(60)).unwrap();
        assert!(!top.exists());
    }
}
