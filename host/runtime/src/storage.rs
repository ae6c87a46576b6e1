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

use crate::events::LimitKind;
use crate::limits::{Account, TreeLimits, bytes};
use crate::process::ProcessState;
use std::sync::{Arc, Weak};

/// What a tree may write to its temporary directory, unless somebody says otherwise.
pub(crate) const TEMPORARY_BYTES: u64 = 4 << 30;
/// How many files a tree may make there, unless somebody says otherwise.
pub(crate) const TEMPORARY_FILES: u64 = 100_000;

/// What a tree has stored.
#[derive(Debug)]
pub(crate) struct Storage {
    written: Account,
    files: Account,
    /// Whether somebody has set these limits, for all directories.
    is_set: Counted,
}

/// What counts.
#[derive(Debug, Clone, Copy)]
struct Counted {
    written: bool,
    files: bool,
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

/// A process's way to store something in one of its directories.
#[derive(Debug, Clone)]
pub(crate) struct DiskRoom {
    storage: Arc<Storage>,
    counted: Counted,
    process: Weak<ProcessState>,
}

/// There is no more room: `quota`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl DiskRoom {
    pub(crate) fn new(
        storage: &Arc<Storage>,
        is_temporary: bool,
        process: &Arc<ProcessState>,
    ) -> DiskRoom {
        let set = storage.is_set;
        DiskRoom {
            storage: Arc::clone(storage),
            counted: Counted {
                written: set.written || is_temporary,
                files: set.files || is_temporary,
            },
            process: Arc::downgrade(process),
        }
    }

    /// Whether written bytes count here.
    pub(crate) fn counts_bytes(&self) -> bool {
        self.counted.written
    }

    /// Counts bytes that are about to be written.
    ///
    /// # Errors
    /// [`Full`], and the process is told why.
    pub(crate) fn write(&self, count: u64) -> Result<(), Full> {
        if !self.counted.written || self.storage.written.charge(count).is_ok() {
            return Ok(());
        }
        self.refuse_bytes();
        Err(Full)
    }

    /// Whether there is room for anything at all. A stream has no error but `last-operation-failed`, and a C library
    /// that asks no further makes an error of input and output of that: to open the stream has the error itself.
    ///
    /// # Errors
    /// [`Full`], and the process is told why.
    pub(crate) fn check_any(&self) -> Result<(), Full> {
        let written = &self.storage.written;
        if self.counted.written && written.used() >= written.limit() {
            self.refuse_bytes();
            return Err(Full);
        }
        Ok(())
    }

    fn refuse_bytes(&self) {
        let limit = bytes(self.storage.written.limit());
        self.refuse(
            LimitKind::WrittenBytes,
            &format!(
                "limit of {limit} written to files by this tree of processes reached; raise it with `Limits::tree_written` or `--tree-written`"
            ),
        );
    }

    /// Counts a file that is about to be made.
    ///
    /// # Errors
    /// [`Full`], and the process is told why.
    pub(crate) fn make(&self) -> Result<Made, Full> {
        let counts = self.counted.files;
        if counts && self.storage.files.charge(1).is_err() {
            let limit = self.storage.files.limit();
            self.refuse(
                LimitKind::Files,
                &format!(
                    "limit of {limit} files made by this tree of processes reached; raise it with `Limits::tree_files` or `--tree-files`"
                ),
            );
            return Err(Full);
        }
        Ok(Made(counts.then(|| Arc::clone(&self.storage))))
    }

    /// Counts what a rename brings here from there.
    ///
    /// # Errors
    /// [`Full`], and the process is told why.
    pub(crate) fn take_from(&self, other: &DiskRoom) -> Result<Made, Full> {
        match other.counted.files {
            true => Ok(Made(None)),
            false => self.make(),
        }
    }

    fn refuse(&self, limit: LimitKind, text: &str) {
        if let Some(process) = self.process.upgrade() {
            process.tell_refusal(limit, text);
        }
    }
}

/// A file that counts. If it is not kept, it was not made.
#[derive(Debug)]
#[must_use = "a file that was made is kept"]
pub(crate) struct Made(Option<Arc<Storage>>);

impl Made {
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(storage) = &self.0 {
            storage.files.credit(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(limits: &TreeLimits, is_temporary: bool) -> DiskRoom {
        let storage = Storage::new(limits);
        let set = storage.is_set;
        DiskRoom {
            counted: Counted {
                written: set.written || is_temporary,
                files: set.files || is_temporary,
            },
            storage: Arc::new(storage),
            process: Weak::new(),
        }
    }

    #[test]
    fn a_directory_counts_for_what_was_set_and_a_temporary_one_always() {
        let none = room(&TreeLimits::default(), false);
        assert_eq!(none.write(u64::MAX), Ok(()));
        assert_eq!(none.storage.used(), (0, 0));
        let temporary = room(&TreeLimits::default(), true);
        assert_eq!(temporary.check_any(), Ok(()));
        assert_eq!(temporary.write(TEMPORARY_BYTES), Ok(()));
        assert_eq!(temporary.check_any(), Err(Full));
        assert_eq!(none.check_any(), Ok(()));
        assert_eq!(temporary.write(1), Err(Full));
        let limits = TreeLimits {
            files: Some(1),
            ..TreeLimits::default()
        };
        let files = room(&limits, false);
        assert_eq!(files.write(u64::MAX), Ok(()));
        assert!(files.make().map(Made::keep).is_ok());
        assert!(files.make().is_err());
    }

    #[test]
    fn what_was_not_made_does_not_count() {
        let limits = TreeLimits {
            files: Some(1),
            ..TreeLimits::default()
        };
        let room = room(&limits, false);
        for _ in 0..3 {
            drop(room.make());
        }
        assert_eq!(room.storage.used(), (0, 0));
        assert!(room.make().map(Made::keep).is_ok());
        assert_eq!(room.storage.used(), (0, 1));
        // What is renamed within the same account is there already.
        assert!(room.take_from(&room).is_ok());
    }
}
