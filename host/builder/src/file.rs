//! Reads files of a source, and files that tools have made from it.

use crate::{Error, unreadable};
use std::path::Path;

/// The largest total size of the files of a source, in bytes. A larger one is more likely a wrong directory
/// than a larger source.
pub(crate) const MOST_SOURCE_BYTES: u64 = 64 << 20;

/// The largest size of a manifest, a lock file or a settings file, in bytes.
pub(crate) const MOST_SETTINGS_BYTES: u64 = 16 << 20;

/// The largest size of a module, in bytes.
pub(crate) const MOST_MODULE_BYTES: u64 = 1 << 30;

/// Reads a regular file of at most `most_bytes` bytes.
///
/// # Errors
/// [`ErrorKind::Source`](crate::ErrorKind::Source).
pub(crate) fn read(path: &Path, most_bytes: u64) -> Result<Vec<u8>, Error> {
    isopod_file::read(path, most_bytes).map_err(|error| unreadable(path).because(error))
}

/// Reads a settings file.
///
/// # Errors
/// [`ErrorKind::Source`](crate::ErrorKind::Source).
pub(crate) fn settings(path: &Path) -> Result<String, Error> {
    isopod_file::read_text(path, MOST_SETTINGS_BYTES)
        .map_err(|error| unreadable(path).because(error))
}

/// Reads a settings file; none if it does not exist or cannot be read.
pub(crate) fn settings_if_any(path: &Path) -> Option<String> {
    isopod_file::read_text(path, MOST_SETTINGS_BYTES).ok()
}
