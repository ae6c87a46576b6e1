//! What a tree of processes may store in its directories: bytes written and files made.
//!
//! Both counts only grow: what is removed again is not given back, so that no order of writing and removing
//! costs a disk more than its limit. Bytes are those that are written, and those by which a file grows
//! without being written, up to its new end. Files are all names that are made: of files, directories, symbolic
//! and hard links, and what a rename brings from a directory that does not count.
//!
//! A directory of the embedder's counts for a limit that somebody has set; a temporary directory always does.
//!
//! Left out: the file system's own records, some KiB for each file.

use super::{Account, TreeLimits};

/// What a tree may write to its temporary directory, unless somebody says otherwise.
pub(crate) const TEMPORARY_BYTES: u64 = 4 << 30;
/// How many files a tree may make there, unless somebody says otherwise.
pub(crate) const TEMPORARY_FILES: u64 = 100_000;

/// What a tree has stored.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) written: Account,
    pub(crate) files: Account,
    /// Whether somebody has set these limits, for all directories.
    pub(crate) is_set: Counted,
}

/// What counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) written: bool,
    pub(crate) files: bool,
}

impl Storage {
    pub(crate) fn new(limits: &TreeLimits) -> Storage {
        let (written, files) = (limits.written_bytes, limits.files);
        Storage {
            written: Account::new(written.unwrap_or(TEMPORARY_BYTES)),
            files: Account::new(files.unwrap_or(TEMPORARY_FILES)),
            is_set: Counted {
                written: written.is_some(),
                files: files.is_some(),
            },
        }
    }

    /// The bytes and the files that have counted.
    pub(crate) fn used(&self) -> (u64, u64) {
        (self.written.used(), self.files.used())
    }
}
