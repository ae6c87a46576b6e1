//! Reading files of a source, and files that tools have made of it.

use crate::{Error, unreadable};
use std::path::Path;

/// How large the files of a source may be together, in bytes: a directory is given by mistake sooner than
/// more source is.
pub(crate) const MOST_SOURCE_BYTES: u64 = 64 << 20;

/// How large a manifest, a lock file or a file of settings may be, in bytes.
pub(crate) const MOST_SETTINGS_BYTES: u64 = 16 << 20;

/// How large a module may be, in bytes.
pub(crate) const MOST_MODULE_BYTES: u64 = 1 << 30;

/// Reads a regular file of at most this many bytes.
///
/// # Errors
/// [`ErrorKind::Source`](crate::ErrorKind::Source).
pub(crate) fn read(path: &Path, most_bytes: u64) -> Result<Vec<u8>, Error> {
    isopod_file::read(path, most_bytes).map_err(|error| unreadable(path).because(error))
}

/// Reads a file of settings.
///
/// # Errors
/// [`ErrorKind::Source`](crate::ErrorKind::Source).
pub(crate) fn settings(path: &Path) -> Result<String, Error> {
    isopod_file::read_text(path, MOST_SETTINGS_BYTES)
        .map_err(|error| unreadable(path).because(error))
}

/// The same; none where there is no such file, or none that can be read.
pub(crate) fn settings_if_any(path: &Path) -> Option<String> {
    isopod_file::read_text(path, MOST_SETTINGS_BYTES).ok()
}
