//! The seal of an entry. It proves that the holder of the key wrote the entry, and that the entry has not
//! changed since.
//!
//! The *seal* lies beside its entry. It holds a code of the entry's name and contents and, once these
//! have been compared, a code of its name and its *state*: device, inode, size, and the times of the last
//! change of contents and of state. Each change of a file sets the last of these times to now, and no
//! user can set it to another value; a guest can even less, since it can change a file only by writing to
//! it. So a file that is in the same state as when its contents were right still has the same contents,
//! and need not be read: reading 28 MiB would take half of a start of Python.
//!
//! A state counts only if the file had rested for seconds before its contents were read, since the clock
//! of files advances in steps, and only on file systems whose times this kernel alone sets. Every other
//! file is read and compared.
//!
//! The seal does not cover a change of the file after this check. Entries are made with mode 0400, which
//! WASI cannot change, so nobody but root can open one to write; and the command line grants no directory
//! that holds the cache.

use super::key::{Key, is_private, no_follow};
use crate::code::file_identity;
use sha2::{Digest, Sha256};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The largest size of a seal: two codes and two line ends.
const LARGEST_SEAL_BYTES: u64 = 256;

/// Permissions that an entry never has: it is written once, and never again.
const NEVER: u32 = 0o377;

/// The purposes that codes cover: no code is accepted for another purpose.
const CONTENTS: &[u8] = b"isopod code contents 1";
const STATE: &[u8] = b"isopod code state 1";

/// The reason why an entry is not used.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is no entry.
    Missing,
    /// It differs from the entry that was written, or it cannot be read.
    Broken(String),
}

/// The seal of an entry that consists of these bytes.
pub(super) fn of(key: &Key, name: &str, bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    key.code(&[CONTENTS, name.as_bytes(), &digest])
}

/// Opens an entry whose seal holds. Returns a new text for the seal if that would make the next check
/// cheap.
pub(super) fn opened(
    key: &Key,
    directory: &Path,
    name: &str,
) -> Result<(File, Option<String>), Refusal> {
    let broken = |error: io::Error| Refusal::Broken(error.to_string());
    let mut file = match open(&directory.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Refusal::Missing),
        opened => opened.map_err(broken)?,
    };
    let metadata = file.metadata().map_err(broken)?;
    if !metadata.is_file() || metadata.nlink() != 1 || !is_private(&metadata, NEVER) {
        let text =
            "the file has other links, another owner or other permissions than it was made with";
        return Err(Refusal::Broken(text.to_owned()));
    }
    let seal = read_seal(&directory.join(format!("{name}.seal"))).map_err(broken)?;
    let (contents, state) = seal.split_once('\n').unwrap_or((&seal, ""));
    if key.is_code(
        state.trim_end(),
        &[STATE, name.as_bytes(), &state_of(&metadata)],
    ) {
        return Ok((file, None));
    }
    let has_rested = file_identity::has_rested(&metadata) && keeps_its_times(&file);
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut HashWriter(&mut hash)).map_err(broken)?;
    if !key.is_code(contents, &[CONTENTS, name.as_bytes(), &hash.finalize()]) {
        return Err(Refusal::Broken(
            "its contents have changed since they were written".to_owned(),
        ));
    }
    let after = file.metadata().map_err(broken)?;
    if state_of(&metadata) != state_of(&after) {
        return Err(Refusal::Broken(
            "it was changed while it was read".to_owned(),
        ));
    }
    let better = has_rested.then(|| with_state(key, name, contents, &metadata));
    Ok((file, better))
}

/// A seal that holds as long as the file stays in this state.
pub(super) fn with_state(key: &Key, name: &str, contents: &str, metadata: &Metadata) -> String {
    let state = key.code(&[STATE, name.as_bytes(), &state_of(metadata)]);
    format!("{contents}\n{state}\n")
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path)
}

fn read_seal(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?
        .take(LARGEST_SEAL_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// The metadata that changes with the file.
fn state_of(metadata: &Metadata) -> [u8; 56] {
    let mut state = [0; 56];
    let numbers = [metadata.dev(), metadata.ino(), metadata.size()].map(u64::to_le_bytes);
    let times = [
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ];
    let all = numbers.into_iter().chain(times.map(i64::to_le_bytes));
    for (to, from) in state.iter_mut().zip(all.flatten()) {
        *to = from;
    }
    state
}

/// Whether the file lies on a file system whose times only this kernel sets. A server may have another
/// clock, and report a change later.
fn keeps_its_times(file: &File) -> bool {
    /// ext4, xfs, btrfs, f2fs, tmpfs, overlayfs, zfs and bcachefs, as `statfs` numbers them.
    const LOCAL: [u32; 8] = [
        0xef53,
        0x5846_5342,
        0x9123_683e,
        0xf2f5_2010,
        0x0102_1994,
        0x794c_7630,
        0x2fc1_2fc1,
        0xca45_1a4e,
    ];
    rustix::fs::fstatfs(file).is_ok_and(|system| {
        let kind = u32::try_from(system.f_type & 0xffff_ffff);
        kind.is_ok_and(|kind| LOCAL.contains(&kind))
    })
}

/// Lets `io::copy` feed a hash.
struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
