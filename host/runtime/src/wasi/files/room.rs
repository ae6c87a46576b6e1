//! A process's room for its data in one of its directories, as far as its tree's limits leave any.

use crate::life::ProcessState;
use crate::limit_kind::LimitKind;
use crate::limits::{Counted, Storage, bytes};
use std::sync::{Arc, Weak};

/// A process's room in one of its directories: counts all that it stores there.
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
    /// [`Full`]. The process reports the reason.
    pub(crate) fn write(&self, count: u64) -> Result<(), Full> {
        if !self.counted.written || self.storage.written.charge(count).is_ok() {
            return Ok(());
        }
        self.refuse_bytes();
        Err(Full)
    }

    /// Whether there is any room at all. A stream has no error but `last-operation-failed`, and a C library
    /// that asks no further turns that into an input/output error. Opening the stream can return the error
    /// itself.
    ///
    /// # Errors
    /// [`Full`]. The process reports the reason.
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
    /// [`Full`]. The process reports the reason.
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

    /// Counts the file that a rename brings here from `other`.
    ///
    /// # Errors
    /// [`Full`]. The process reports the reason.
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

/// A file that counts. If it is dropped instead of [kept](Self::keep), it was not made and does not count.
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
    use crate::limits::{TEMPORARY_BYTES, TreeLimits};

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
        // A file that is renamed within the same account has counted already.
        assert!(room.take_from(&room).is_ok());
    }
}
