//! The storage that a tree of processes may use in its directories: bytes written and files made.
//!
//! Both counts only grow: a removal gives nothing back, so that no order of writes and removals costs a
//! disk more than its limit. Bytes are the bytes written, and those by which a file grows without a
//! write, up to its new end. Files are all names that are made: of files, directories, symbolic and hard
//! links, and of anything that a rename brings from a directory that does not count.
//!
//! A directory of the embedder's counts if the embedder has set the limit; a temporary directory always
//! does.
//!
//! Not counted: the file system's own records, some KiB for each file.

use super::{Account, TreeLimits};

/// The bytes that a tree may write to its temporary directory by default.
pub(crate) const TEMPORARY_BYTES: u64 = 4 << 30;
/// The number of files that a tree may make there by default.
pub(crate) const TEMPORARY_FILES: u64 = 100_000;

/// The storage that a tree has used.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) written: Account,
    pub(crate) files: Account,
    /// Whether the embedder has set these limits, for all directories.
    pub(crate) is_set: Counted,
}

/// The counts that apply.
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

    /// The bytes and the files counted so far.
    pub(crate) fn used(&self) -> (u64, u64) {
        (self.written.used(), self.files.used())
    }
}
