//! The identity of a file's contents, found without reading the file: from the file system's metadata.
//!
//! Two files that agree in device, inode, size and both times have the same contents: each change sets
//! the time of change to now, and no user can set that time. Only a file that was changed a moment ago
//! could be changed again within one step of the clock; such a file has no identity yet.

use sha2::{Digest, Sha256};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longer than a step of any file system's clock: FAT counts two seconds.
const SETTLED: Duration = Duration::from_secs(3);

/// A file's identity, as part of the name of another file; `None` if it cannot be determined, or if the
/// file was changed a moment ago.
pub(crate) fn of(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    is_settled(&metadata, now).then(|| identity(&metadata))
}

/// Whether the file has been unchanged for longer than a step of any clock.
pub(crate) fn has_rested(metadata: &Metadata) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.is_ok_and(|now| is_settled(metadata, now))
}

fn is_settled(metadata: &Metadata, now: Duration) -> bool {
    let changed = u64::try_from(metadata.ctime()).map(Duration::from_secs);
    metadata.is_file() && changed.is_ok_and(|changed| changed + SETTLED < now)
}

fn identity(metadata: &Metadata) -> String {
    let mut hash = Sha256::new();
    for part in [metadata.dev(), metadata.ino(), metadata.size()] {
        hash.update(part.to_le_bytes());
    }
    for part in [
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ] {
        hash.update(part.to_le_bytes());
    }
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_file_that_was_changed_a_moment_ago_has_no_identity() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(of(file.path()), None);
        let metadata = file.as_file().metadata().unwrap();
        let changed = Duration::from_secs(metadata.ctime().try_into().unwrap());
        assert!(!is_settled(&metadata, changed + SETTLED));
        assert!(is_settled(&metadata, changed + SETTLED * 2));
    }

    #[test]
    fn each_change_gives_another_identity() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let first = identity(&file.as_file().metadata().unwrap());
        assert_eq!(first, identity(&file.as_file().metadata().unwrap()));
        std::fs::write(file.path(), "x").unwrap();
        assert_ne!(first, identity(&file.as_file().metadata().unwrap()));
    }

    #[test]
    fn what_is_no_file_has_none() {
        assert_eq!(of(Path::new("/")), None);
        assert_eq!(of(Path::new("/no-such-file")), None);
    }
}
