//! The identity of a file or directory: it stays the same under every path, also with links and bind mounts.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The device and the inode.
pub(crate) type Identity = (u64, u64);

/// The identity of an existing file or directory. Follows links.
pub(crate) fn identity(path: &Path) -> Option<Identity> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// The identities of the path and of all directories above it.
pub(crate) fn identities_above(path: &Path) -> BTreeSet<Identity> {
    path.ancestors().filter_map(identity).collect()
}
