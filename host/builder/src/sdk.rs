//! The guest crates and the WIT, embedded in this crate and unpacked into the cache.
//!
//! The directory's name has the version and a hash of the content. The directory is renamed into place when
//! it is complete, so it never changes afterwards, and no build sees a partial one.

use crate::Error;
use crate::cache::{Cache, cannot_write};
use crate::temporary::Temporary;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files, by path in the workspace. The build script makes this list.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/sdk_files.rs"));

/// Their [`short_hash`].
const FILES_HASH: &str = include_str!(concat!(env!("OUT_DIR"), "/sdk_files.hash"));

/// The unpacked guest crates.
#[derive(Clone, Debug)]
pub(crate) struct Sdk {
    root: PathBuf,
}

impl Sdk {
    /// The directory with all files.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of the crate `isopod`.
    pub(crate) fn guest_crate(&self) -> PathBuf {
        self.root.join("guest/rust")
    }
}

/// Unpacks the guest crates, unless the cache has them already.
pub(crate) fn unpack(cache: &Cache) -> Result<Sdk, Error> {
    let parent = cache.directory("sdk")?;
    let root = parent.join(format!("{}-{FILES_HASH}", env!("CARGO_PKG_VERSION")));
    if !root.is_dir() {
        let temporary = Temporary::new(cache)?;
        write_files(temporary.path(), &root).map_err(|error| cannot_write(&root, &error))?;
    }
    Ok(Sdk { root })
}

fn write_files(temporary: &Path, root: &Path) -> io::Result<()> {
    for (name, content) in FILES {
        let path = temporary.join(name);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, content)?;
    }
    match fs::rename(temporary, root) {
        // Another process was faster. The content is the same, because the name has its hash.
        Err(_) if root.is_dir() => Ok(()),
        result => result,
    }
}

/// The first 64 bits of the hash of names and contents.
pub(crate) fn short_hash(files: &[(&str, &[u8])]) -> String {
    let mut hasher = Sha256::new();
    for (name, content) in files {
        // The lengths keep different lists from having the same bytes.
        for part in [name.as_bytes(), content] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    hex(&hasher.finalize())
}

/// The first eight bytes of a hash, as 16 digits.
pub(crate) fn hex(hash: &[u8]) -> String {
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn names() -> Vec<&'static str> {
        FILES.iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn all_that_a_guest_needs_is_carried_and_no_test() {
        for name in [
            "Cargo.toml",
            "guest/rust/Cargo.toml",
            "guest/rust/src/lib.rs",
            "guest/rust-macros/Cargo.toml",
            "guest/rust-macros/src/lib.rs",
            "wit/program.wit",
        ] {
            assert!(
                names().contains(&name),
                "{name} is missing in {:?}",
                names()
            );
        }
        assert!(
            !names().iter().any(|name| name.contains("test")),
            "{:?}",
            names()
        );
    }

    #[test]
    fn the_manifests_have_nothing_of_development() {
        for (name, content) in FILES
            .iter()
            .filter(|(name, _)| name.ends_with("Cargo.toml"))
        {
            let text = str::from_utf8(content).unwrap();
            for word in ["dev-dependencies", "lints", "wasmtime"] {
                assert!(!text.contains(word), "{name} has {word}:\n{text}");
            }
        }
    }

    #[test]
    fn it_is_unpacked_once_and_whole() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(directory.path())).unwrap();
        let sdk = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| unpack(&cache).unwrap()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .next_back()
                .unwrap()
        });
        for (name, content) in FILES {
            assert_eq!(&fs::read(sdk.root.join(name)).unwrap(), content, "{name}");
        }
        let left: Vec<_> = fs::read_dir(cache.path("sdk")).unwrap().collect();
        assert_eq!(left.len(), 1, "temporary directories are gone: {left:?}");

        let marker = sdk.root.join("marker");
        fs::write(&marker, "").unwrap();
        unpack(&cache).unwrap();
        assert!(marker.exists(), "the directory was reused");
    }

    #[test]
    fn the_hash_of_the_list_is_that_of_its_files() {
        assert_eq!(FILES_HASH, short_hash(FILES));
    }

    #[test]
    fn the_hash_tells_names_and_contents_apart() {
        let hashes = [
            short_hash(&[("a", b"b")]),
            short_hash(&[("ab", b"")]),
            short_hash(&[("a", b""), ("b", b"")]),
        ];
        assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
        assert_eq!(hashes[0].len(), 16);
    }
}
