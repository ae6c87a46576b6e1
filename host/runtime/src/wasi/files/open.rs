//! Opens regular files and directories, and nothing else.
//!
//! Opening a FIFO waits for its peer, and opening a device may do anything. So the host looks at the target
//! of a path without opening it. Then it opens the target in a way that does not wait, and looks once more:
//! the target may have been replaced in between, for instance by another guest's `rename`.

use super::QUOTA;
use super::room::{DiskRoom, Full};
use crate::rights::kernel_files;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fcntl_getfl, fcntl_setfl, fstat, openat2};
use rustix::io::Errno;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};
use wasmtime_wasi::{FsPerms, OpenMode};

/// The kernel asks for another attempt if anything was renamed meanwhile, anywhere.
const ATTEMPTS: usize = 4;

/// The error for a special file.
pub(super) const REFUSED: ErrorCode = ErrorCode::Access;

/// The arguments of a guest's `open-at`.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) path: String,
    pub(super) path_flags: PathFlags,
    pub(super) open_flags: OpenFlags,
    pub(super) flags: DescriptorFlags,
}

/// Opens a file or directory below `directory`; none if the kernel has no call that stays below it.
///
/// # Errors
/// [`REFUSED`] for a special file, [`QUOTA`] if `room` has no place for a file that is to be made, and the
/// errors of WASI's `open-at`.
pub(super) fn ordinary(
    directory: &Dir,
    wanted: &Wanted,
    room: &DiskRoom,
) -> FsResult<Option<Descriptor>> {
    let (flags, open_mode) = system_flags(directory.perms, wanted)?;
    let follow = match wanted.path_flags.contains(PathFlags::SYMLINK_FOLLOW) {
        true => OFlags::empty(),
        false => OFlags::NOFOLLOW,
    };
    let path = wanted.path.as_str();
    let mut opened = Err(Errno::AGAIN);
    for _ in 0..ATTEMPTS {
        // A file that cannot be looked at cannot be opened either, or is to be made.
        let found = below(directory, path, OFlags::PATH | follow);
        if let Ok(Some(found)) = &found {
            refuse_special(found, directory.perms)?;
        }
        let is_there = found.is_ok();
        let makes = flags.contains(OFlags::CREATE) && !is_there;
        let made = makes.then(|| room.make()).transpose();
        let made = made.map_err(|Full| QUOTA)?;
        // An existing file is opened without `CREATE`, so that the kernel makes only files that were counted.
        let flags = match is_there && !flags.contains(OFlags::EXCL) {
            true => flags - OFlags::CREATE,
            false => flags,
        };
        opened = below(directory, path, flags | follow | OFlags::NONBLOCK);
        match (&opened, made) {
            // It was removed meanwhile.
            (Err(Errno::NOENT), None)
                if is_there && wanted.open_flags.contains(OpenFlags::CREATE) => {}
            (Ok(_), Some(made)) => {
                made.keep();
                break;
            }
            _ => break,
        }
    }
    let opened = match opened {
        Ok(None) => return Ok(None),
        Ok(Some(opened)) => opened,
        // A FIFO without a reader, a device without a driver, a socket.
        Err(Errno::NXIO) => return Err(REFUSED.into()),
        // The path leads out of the directory.
        Err(Errno::XDEV) => return Err(ErrorCode::NotPermitted.into()),
        Err(errno) => return Err(FsError::from(std::io::Error::from(errno))),
    };
    let is_directory = refuse_special(&opened, directory.perms)?.is_dir();
    if !is_directory && wanted.open_flags.contains(OpenFlags::DIRECTORY) {
        return Err(ErrorCode::NotDirectory.into());
    }
    // `NONBLOCK` means nothing for regular files, but a guest could see it.
    fcntl_getfl(&opened)
        .and_then(|flags| fcntl_setfl(&opened, flags - OFlags::NONBLOCK))
        .map_err(std::io::Error::from)?;
    let (file, permissions) = (fs::File::from(opened), directory.perms);
    Ok(Some(match is_directory {
        true => Descriptor::Dir(Dir::new(file, permissions, open_mode, true)),
        false => Descriptor::File(File::new(file, permissions, open_mode, true)),
    }))
}

/// Refuses files that the kernel makes up: see [`kernel_files`].
fn refuse_the_kernels(file: impl AsFd, permissions: FsPerms) -> FsResult<()> {
    let may_write = !permissions.write_not_permitted();
    match kernel_files::is_refused(file, may_write).map_err(std::io::Error::from)? {
        true => Err(REFUSED.into()),
        false => Ok(()),
    }
}

/// The same for a file or directory that was opened in another way.
pub(super) fn check_opened(opened: &Descriptor) -> FsResult<()> {
    match opened {
        Descriptor::File(file) => refuse_the_kernels(&*file.file, file.perms),
        Descriptor::Dir(directory) => refuse_the_kernels(&*directory.dir, directory.perms),
    }
}

/// For kernels without that call: whether the file that was found may be opened.
pub(super) fn check_type(found: &DescriptorStat) -> FsResult<()> {
    match found.type_ {
        DescriptorType::RegularFile | DescriptorType::Directory | DescriptorType::SymbolicLink => {
            Ok(())
        }
        _ => Err(REFUSED.into()),
    }
}

/// The flags of the system call and the open mode, as wasmtime-wasi derives them.
fn system_flags(permissions: FsPerms, wanted: &Wanted) -> FsResult<(OFlags, OpenMode)> {
    let (open_flags, flags) = (wanted.open_flags, wanted.flags);
    if flags.intersects(
        DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC,
    ) {
        return Err(ErrorCode::Unsupported.into());
    }
    let making = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE;
    if open_flags.contains(OpenFlags::DIRECTORY) && open_flags.intersects(making) {
        return Err(ErrorCode::Invalid.into());
    }
    let changes = open_flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
    let writes = changes || flags.contains(DescriptorFlags::WRITE);
    let reads = flags.contains(DescriptorFlags::READ) || !flags.contains(DescriptorFlags::WRITE);
    if writes && permissions.write_not_permitted() {
        return Err(ErrorCode::NotPermitted.into());
    }
    let mut mode = OpenMode::empty();
    mode.set(OpenMode::READ, reads);
    mode.set(OpenMode::WRITE, writes);
    let mut system = match (reads, writes) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    let creates = open_flags.contains(OpenFlags::CREATE);
    let is_new = creates && open_flags.contains(OpenFlags::EXCLUSIVE);
    system.set(OFlags::CREATE, creates);
    system.set(OFlags::EXCL, is_new);
    system.set(
        OFlags::TRUNC,
        open_flags.contains(OpenFlags::TRUNCATE) && !is_new,
    );
    Ok((system, mode))
}

/// Opens a path without leaving the directory; none if the kernel cannot.
pub(super) fn below(
    directory: &Dir,
    path: impl AsRef<Path>,
    flags: OFlags,
) -> Result<Option<OwnedFd>, Errno> {
    let mode = match flags.contains(OFlags::CREATE) {
        true => Mode::from_raw_mode(0o666),
        false => Mode::empty(),
    };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        match openat2(
            &*directory.dir,
            path.as_ref(),
            flags | OFlags::CLOEXEC,
            mode,
            resolve,
        ) {
            Ok(opened) => return Ok(Some(opened)),
            Err(Errno::AGAIN) => {}
            // Sandboxes around the host refuse the call in this way.
            Err(Errno::NOSYS | Errno::PERM) => return Ok(None),
            Err(errno) => return Err(errno),
        }
    }
    Ok(None)
}

fn refuse_special(found: &OwnedFd, permissions: FsPerms) -> FsResult<FileType> {
    refuse_the_kernels(found, permissions)?;
    let found = fstat(found).map_err(std::io::Error::from)?;
    match FileType::from_raw_mode(found.st_mode) {
        kind @ (FileType::RegularFile | FileType::Directory | FileType::Symlink) => Ok(kind),
        _ => Err(REFUSED.into()),
    }
}
