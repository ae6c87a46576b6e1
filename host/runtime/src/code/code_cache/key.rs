//! The secret key for the codes of the cache's entries.
//!
//! It lies apart from the cache, in a directory for a program's lasting state, so that a process that can
//! write to the cache cannot make an entry; never grant both to one process.

use crate::error::{Error, ErrorKind, Result};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// As long as the codes that it makes.
const BYTES: usize = 32;

/// A message authentication code, in hexadecimal digits.
pub(super) type Code = String;

/// The secret.
pub(super) struct Key {
    bytes: [u8; BYTES],
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(..)")
    }
}

/// The default file of the code cache's key, used unless
/// [`EngineBuilder::cache_key_file`](crate::EngineBuilder::cache_key_file) names another one: `cache.key`
/// in `$ISOPOD_STATE`, else in `$XDG_STATE_HOME/isopod`, else in `$HOME/.local/state/isopod`; `None` if
/// none of them is set. The file may not exist yet.
#[must_use]
pub fn cache_key_file() -> Option<PathBuf> {
    file_from(|name| std::env::var_os(name))
}

fn file_from(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let directory = set("ISOPOD_STATE")
        .or_else(|| set("XDG_STATE_HOME").map(|path| path.join("isopod")))
        .or_else(|| set("HOME").map(|path| path.join(".local/state/isopod")));
    directory.map(|directory| directory.join("cache.key"))
}

impl Key {
    /// Reads the key, or makes it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be made or read; [`ErrorKind::AccessDenied`] if others could read or
    /// replace it.
    pub(super) fn open(path: &Path) -> Result<Key> {
        let failed = |error: io::Error| {
            let text = format!("the key of the cache `{}` cannot be used", path.display());
            Error::new(ErrorKind::Io, text).with_cause(error)
        };
        let directory = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(failed)?;
        if !path.exists() {
            make(path, directory).map_err(failed)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(no_follow())
            .open(path)
            .map_err(failed)?;
        let of_file = file.metadata().map_err(failed)?;
        let of_directory = fs::metadata(directory).map_err(failed)?;
        if !of_file.is_file() || !is_private(&of_file, 0o077) || !is_private(&of_directory, 0o022) {
            return Err(Error::new(
                ErrorKind::AccessDenied,
                format!(
                    "the key of the cache `{}` must belong to you, with mode 0600 in a directory that nobody else writes to",
                    path.display()
                ),
            ));
        }
        let mut bytes = [0; BYTES];
        file.read_exact(&mut bytes).map_err(failed)?;
        Ok(Key { bytes })
    }

    /// The code of a text. The parts are separated by their lengths, and the first part names the
    /// purpose.
    pub(super) fn code(&self, parts: &[&[u8]]) -> Code {
        let code = self.mac(parts);
        code.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether this is the code of the text. The comparison takes equally long wherever the codes differ.
    pub(super) fn is_code(&self, code: &str, parts: &[&[u8]]) -> bool {
        let expected = self.code(parts);
        let pairs = code.bytes().zip(expected.bytes());
        let difference = pairs.fold(0, |difference, (one, other)| difference | (one ^ other));
        code.len() == expected.len() && std::hint::black_box(difference) == 0
    }

    /// HMAC-SHA-256 (RFC 2104) of the parts, each behind its length.
    fn mac(&self, parts: &[&[u8]]) -> [u8; BYTES] {
        const BLOCK_BYTES: usize = 64;
        let padded = |pad: u8| -> [u8; BLOCK_BYTES] {
            std::array::from_fn(|index| pad ^ self.bytes.get(index).copied().unwrap_or(0))
        };
        let mut inner = Sha256::new_with_prefix(padded(0x36));
        for part in parts {
            inner.update((part.len() as u64).to_le_bytes());
            inner.update(part);
        }
        let mut outer = Sha256::new_with_prefix(padded(0x5c));
        outer.update(inner.finalize());
        outer.finalize().into()
    }
}

/// Whether the file belongs to this user, and has none of these permissions.
pub(super) fn is_private(metadata: &Metadata, refused: u32) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & refused == 0
}

/// The flags that make `open` refuse symbolic links and never wait.
pub(super) fn no_follow() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

/// Makes the file completely or not at all; a file that another process has made meanwhile stays.
fn make(path: &Path, directory: &Path) -> io::Result<()> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    // The temporary file has mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&bytes)?;
    File::sync_all(file.as_file())?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/isopod/cache.key");
        let code = Key::open(&path).unwrap().code(&[b"text"]);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = Key::open(&path).unwrap();
        assert!(again.is_code(&code, &[b"text"]));
        assert!(!again.is_code(&code, &[b"te", b"xt"]));
        assert!(!again.is_code("", &[b"text"]) && !again.is_code("xyz", &[b"text"]));
        fs::remove_file(&path).unwrap();
        assert!(!Key::open(&path).unwrap().is_code(&code, &[b"text"]));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(
            Key::open(&path).unwrap_err().kind(),
            ErrorKind::AccessDenied
        );
    }

    #[test]
    fn codes_are_those_of_hmac() {
        // RFC 4231 has keys of other lengths; this is Python's `hmac.new(bytes(range(32)), m, "sha256")`
        // with `m = (4).to_bytes(8, "little") + b"text"`.
        let bytes = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(Key { bytes }.code(&[b"text"]), EXPECTED);
    }

    const EXPECTED: &str = "aaa5c8dcb5649612e4946975d4b49eafb90f0045b3e12e0ad1441b5225330378";

    #[test]
    fn the_environment_names_the_file_in_this_order() {
        let variables = [
            ("ISOPOD_STATE", "/a"),
            ("XDG_STATE_HOME", "/b"),
            ("HOME", "/c"),
        ];
        let expected = [
            "/a/cache.key",
            "/b/isopod/cache.key",
            "/c/.local/state/isopod/cache.key",
        ];
        for (skipped, expected) in expected.iter().enumerate() {
            let file = file_from(|name| {
                let mut variables = variables.iter().skip(skipped);
                let found = variables.find(|(known, _)| *known == name);
                found.map(|(_, value)| value.into())
            });
            assert_eq!(file.as_deref(), Some(Path::new(expected)));
        }
    }
}
