//! Refuses, by name, the entries of a source on which a tool would fail or wait.
//!
//! A sandbox refuses the target of a symbolic link that leads out of the source, but the tool then reports it
//! in its own words. The sandbox also lets a tool read a FIFO or a device in the source, which may take
//! forever, and a sparse file of terabytes. The text of a source can name any file in it. So the check covers
//! everything that a build may read, hidden directories and those that builds make included. It looks only at
//! the kind of each entry, and opens nothing but directories.

use crate::file::MOST_SOURCE_BYTES;
use crate::{Error, ErrorKind, unreadable};
use std::fs::{self, FileType};
use std::io::ErrorKind as ErrorKindOfSystem;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// The largest number of entries of a source. To check them all takes some seconds, and a large workspace
/// with its target directory has fewer.
const MAX_ENTRIES: usize = 2_000_000;

/// Directories whose links may lead out, as those of hidden directories may: builds and package managers make
/// such links, and the sandbox refuses to follow them.
const MADE: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// The endings of files that compilers read whole.
const READ_WHOLE: [&str; 3] = ["c", "h", "rs"];

/// The links of a source that may not lead out of it.
#[derive(Debug, Default)]
pub(crate) struct Links(Vec<PathBuf>);

impl Links {
    /// Checks all links. `roots` are the directories that the build may read.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] for a link that leads out of `roots`.
    pub(crate) fn check(&self, roots: &[PathBuf]) -> Result<(), Error> {
        self.0.iter().try_for_each(|link| stays_below(link, roots))
    }
}

/// Checks all entries of a source, and returns the links in `directory`. `others` are further directories
/// that its build may read.
///
/// # Errors
/// [`ErrorKind::Source`] for a FIFO, a device, a source file that is too large, a directory that cannot be
/// read, and too many entries.
pub(crate) fn check_entries(directory: &Path, others: &[PathBuf]) -> Result<Links, Error> {
    let mut left = MAX_ENTRIES;
    let mut links = Links::default();
    check_below(directory, None, &mut left, &mut links)?;
    for other in others {
        if !other.starts_with(directory) {
            check_below(other, Some(directory), &mut left, &mut Links::default())?;
        }
    }
    Ok(links)
}

fn check_below(
    root: &Path,
    but: Option<&Path>,
    left: &mut usize,
    links: &mut Links,
) -> Result<(), Error> {
    // The flag says whether the links of the directory may lead out.
    let mut directories = vec![(root.to_owned(), false)];
    while let Some((directory, is_made)) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            // A directory may vanish: another build may be at work in its target directory.
            Err(error) if error.kind() == ErrorKindOfSystem::NotFound && directory != root => {
                continue;
            }
            entries => entries.map_err(|error| unreadable(&directory).because(error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&directory).because(error))?;
            *left = left.checked_sub(1).ok_or_else(|| too_many(root))?;
            // Most file systems list the kind with the name, so this needs no system call for the file.
            let kind = match entry.file_type() {
                Err(error) if error.kind() == ErrorKindOfSystem::NotFound => continue,
                kind => kind.map_err(|error| unreadable(&entry.path()).because(error))?,
            };
            if kind.is_file() {
                let name = entry.file_name();
                if is_read_whole(Path::new(&name)) {
                    check_size(&entry.path())?;
                }
            } else if kind.is_dir() {
                let path = entry.path();
                if but != Some(&path) {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    let is_made = is_made || name.starts_with('.') || MADE.contains(&&*name);
                    directories.push((path, is_made));
                }
            } else if kind.is_symlink() {
                if !is_made {
                    links.0.push(entry.path());
                }
            } else if let Some(kind) = waits(kind) {
                return Err(no_file(&entry.path(), kind));
            }
        }
    }
    Ok(())
}

/// The kind of a file on which a reader waits, or which never ends. A socket is harmless: it cannot be opened
/// at all.
fn waits(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_fifo() => Some("a FIFO"),
        kind if kind.is_char_device() || kind.is_block_device() => Some("a device"),
        _ => None,
    }
}

fn no_file(path: &Path, kind: &str) -> Error {
    Error::new(
        ErrorKind::Source,
        format!(
            "the source holds {kind}, `{}`, for which its build could wait for ever",
            path.display()
        ),
    )
    .with_hint("remove it")
}

fn too_many(root: &Path) -> Error {
    Error::new(
        ErrorKind::Source,
        format!(
            "the source `{}` has more than the limit of {MAX_ENTRIES} files and directories",
            root.display()
        ),
    )
    .with_hint(
        "remove what it does not need, such as `target`, or give the program a directory of its own; \
         `--trust-build` builds it all the same",
    )
}

fn is_read_whole(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default();
    READ_WHOLE.iter().any(|known| ending == *known)
}

/// Refuses a file that is too large for a compiler that reads it whole. A file that has vanished meanwhile
/// passes.
///
/// # Errors
/// [`ErrorKind::Source`] with the limit.
pub(crate) fn check_size(path: &Path) -> Result<(), Error> {
    if !is_read_whole(path) {
        return Ok(());
    }
    match fs::metadata(path) {
        Ok(found) if found.len() > MOST_SOURCE_BYTES => Err(Error::new(
            ErrorKind::Source,
            format!(
                "`{}` is larger than the limit of {} MiB for a file of source",
                path.display(),
                MOST_SOURCE_BYTES >> 20
            ),
        )),
        _ => Ok(()),
    }
}

/// Checks one link. A broken link passes, since there is nothing to read.
///
/// # Errors
/// [`ErrorKind::Source`] if it leads out of `roots`.
pub(crate) fn stays_below(link: &Path, roots: &[PathBuf]) -> Result<(), Error> {
    let Ok(target) = link.canonicalize() else {
        return Ok(());
    };
    let is_below = |root: &PathBuf| {
        let root = root.canonicalize();
        root.is_ok_and(|root| target.starts_with(root))
    };
    if roots.iter().any(is_below) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Source,
        format!(
            "the symbolic link `{}` leads out of the source, to `{}`",
            link.display(),
            target.display()
        ),
    )
    .with_hint(
        "copy the file, or name its directory with `--read-source DIR`; `--trust-build` follows all links",
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::os::unix::fs::symlink;

    fn check(directory: &Path, roots: &[PathBuf]) -> Result<(), Error> {
        check_entries(directory, roots)?.check(roots)
    }

    #[test]
    fn links_may_stay_and_may_not_leave() {
        let place = tempfile::tempdir().unwrap();
        let source = place.path().join("source");
        fs::create_dir_all(source.join("a/b")).unwrap();
        fs::create_dir_all(source.join(".venv/bin")).unwrap();
        fs::write(source.join("file"), "").unwrap();
        fs::write(place.path().join("secret"), "").unwrap();
        symlink("../../file", source.join("a/b/inside")).unwrap();
        symlink("nowhere", source.join("broken")).unwrap();
        symlink("..", source.join("a/circle")).unwrap();
        // The sandbox does not follow it.
        symlink("/usr/bin/python3", source.join(".venv/bin/python3")).unwrap();
        let roots = [source.clone()];
        check(&source, &roots).unwrap();
        symlink("../../../secret", source.join("a/b/outside")).unwrap();
        let error = check(&source, &roots).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Source);
        assert!(error.to_string().contains("a/b/outside"), "{error}");
        check(&source, &[source.clone(), place.path().to_owned()]).unwrap();
    }

    #[test]
    fn files_to_wait_for_and_huge_ones_are_refused_in_all_that_a_build_reads() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let directories = [
            "source/below",
            "also/below",
            "source/.hidden/a",
            "source/b/target/c",
        ];
        for directory in directories {
            fs::create_dir_all(at(directory)).unwrap();
        }
        let refused = || check(&at("source"), &[at("source"), at("also")]).unwrap_err();
        for name in [
            "source/below/x.h",
            "also/below/x",
            "source/.hidden/a/x",
            "source/.x",
            "source/b/target/c/x",
            "source/b/target/.x",
        ] {
            let made = std::process::Command::new("mkfifo").arg(at(name)).status();
            assert!(made.unwrap().success());
            let text = refused().to_string();
            assert!(text.contains("a FIFO") && text.contains(name), "{text}");
            fs::remove_file(at(name)).unwrap();
        }
        // A socket cannot be opened, so no reader waits. Version control makes some.
        let _socket = std::os::unix::net::UnixListener::bind(at("source/.hidden/socket")).unwrap();
        let data = fs::File::create(at("source/data")).unwrap();
        data.set_len(1 << 40).unwrap();
        check(&at("source"), &[at("source"), at("also")]).unwrap();
        for name in [
            "source/x.c",
            "source/below/x.rs",
            "also/x.h",
            "source/.hidden/x.rs",
        ] {
            fs::File::create(at(name))
                .unwrap()
                .set_len(1 << 40)
                .unwrap();
            let text = refused().to_string();
            assert!(text.contains("limit of 64 MiB"), "{text}");
            fs::remove_file(at(name)).unwrap();
        }
    }

    #[test]
    fn what_is_not_looked_at_is_refused() {
        let place = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        let below = |mut left| check_below(place.path(), None, &mut left, &mut Links::default());
        below(3).unwrap();
        assert!(
            below(2)
                .unwrap_err()
                .to_string()
                .contains("has more than the limit")
        );
    }
}
