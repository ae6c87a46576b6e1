//! Symbolic links of guests lead down.
//!
//! A guest itself cannot follow a link out of its directories. Other programs can: if one opens a file that a
//! guest has left behind, it follows the guest's links anywhere. So a guest may make only links whose targets
//! lie below the directory of the link: relative, without `..`, and not through a link that leads elsewhere.
//! Such a link leads into the granted directory even if it, or the directories above it, are moved. A guest
//! may not move, rename or hard-link a link of the user that leads up or away: under another name, a link of
//! the guest could lead through it.

use super::open::below;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2, readlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};
use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// The error for a link that leads out.
const REFUSED: ErrorCode = ErrorCode::NotPermitted;

/// The longest target that the kernel takes.
const LONGEST_TARGET_BYTES: usize = 4_096;

/// Whether a link to `target` may be made at `path`.
///
/// # Errors
/// [`REFUSED`]. Other errors of the path come up when the link is made.
pub(super) fn check_new(directory: &Dir, path: &str, target: &str) -> FsResult<()> {
    if !leads_down(Path::new(target)) {
        return Err(REFUSED.into());
    }
    let Some(place) = Place::of(directory, path) else {
        return Ok(());
    };
    place.check_way(Path::new(target))
}

/// Whether the entry at `path` may get the name `new_path`. Anything but a link may, a link that leads
/// down may, and any other link may not.
///
/// # Errors
/// [`REFUSED`]. Other errors come up when the entry is moved.
pub(super) fn check_moved(
    directory: &Dir,
    path: &str,
    new_directory: &Dir,
    new_path: &str,
) -> FsResult<()> {
    let (Some(old), Some(new)) = (
        Place::of(directory, path),
        Place::of(new_directory, new_path),
    ) else {
        return Ok(());
    };
    let buffer = Vec::with_capacity(LONGEST_TARGET_BYTES);
    let Ok(target) = readlinkat(old.directory.fd(), old.name, buffer) else {
        return Ok(());
    };
    match target.to_str() {
        Ok(target) if leads_down(Path::new(target)) => new.check_way(Path::new(target)),
        _ => Err(REFUSED.into()),
    }
}

/// Whether a target names nothing above the directory of its link.
fn leads_down(target: &Path) -> bool {
    target
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// A name in an open directory.
struct Place<'a> {
    directory: Opened<'a>,
    name: &'a Path,
}

enum Opened<'a> {
    Given(&'a File),
    Below(OwnedFd),
}

impl Opened<'_> {
    fn fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Opened::Given(file) => file.as_fd(),
            Opened::Below(opened) => opened.as_fd(),
        }
    }
}

impl<'a> Place<'a> {
    /// None if there is no such directory, or if the kernel cannot tell. In the first case nothing is made
    /// there either; in the second the check looks only at the target.
    fn of(directory: &'a Dir, path: &'a str) -> Option<Place<'a>> {
        let path = Path::new(path);
        let name = Path::new(path.file_name()?);
        let parent = path.parent().unwrap_or(Path::new(""));
        let directory = match parent.as_os_str().is_empty() {
            true => Opened::Given(&directory.dir),
            false => {
                let flags = OFlags::PATH | OFlags::DIRECTORY;
                Opened::Below(below(directory, parent, flags).ok()??)
            }
        };
        Some(Place { directory, name })
    }

    /// Whether the path from here to `target` stays below this directory, as far as it exists.
    fn check_way(&self, target: &Path) -> FsResult<()> {
        let found = openat2(
            self.directory.fd(),
            target,
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
        );
        match found {
            Err(Errno::XDEV) => Err(REFUSED.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_down_may_be_made() {
        for target in ["a", "a/b", "./a", "a/./b", "..a", "a..", "..."] {
            assert!(leads_down(Path::new(target)), "{target}");
        }
        for target in ["/", "/a", "..", "../a", "a/..", "a/../b", "./..", "a/b/.."] {
            assert!(!leads_down(Path::new(target)), "{target}");
        }
    }
}
