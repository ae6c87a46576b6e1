//! Files in a source that a tool would be refused, or would wait for: refused first, with their names.
//!
//! A sandbox refuses what a symbolic link leads to outside of the source, but in the words of a tool. It lets a FIFO and a
//! device in the source be read, which may take for ever, and a file of terabytes that takes no room on disk.

use crate::file::MOST_SOURCE_BYTES;
use crate::{Error, ErrorKind, unreadable};
use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// How many entries of a directory are looked at. Beyond that the sandbox alone refuses.
const MAX_ENTRIES: usize = 100_000;

/// The endings of files that compilers read whole.
const READ_WHOLE: [&str; 3] = ["c", "h", "rs"];

/// Looks at all of a source, but for the directories of builds and package managers, and names that begin with a point. `roots` are the
/// directories that its build may read, its own among them.
///
/// # Errors
/// [`ErrorKind::Source`] for a link below `directory` that leads to something outside of `roots`, and for a FIFO, a device
/// and source that is too large in one of `roots`.
pub(crate) fn check(directory: &Path, roots: &[PathBuf]) -> Result<(), Error> {
    check_below(directory, None, &mut |link| stays_below(link, roots))?;
    for root in roots {
        if !root.starts_with(directory) {
            check_below(root, Some(directory), &mut |_| Ok(()))?;
        }
    }
    Ok(())
}

fn check_below(
    root: &Path,
    but: Option<&Path>,
    check_link: &mut dyn FnMut(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut left = MAX_ENTRIES;
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries =
            fs::read_dir(&directory).map_err(|error| unreadable(&directory).because(error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&directory).because(error))?;
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            if name.starts_with('.') || ["target", "node_modules", "__pycache__"].contains(&&*name)
            {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => check_link(&path)?,
                Ok(kind) if kind.is_dir() && but != Some(&path) => directories.push(path),
                Ok(kind) if kind.is_fifo() => return Err(no_file(&path, "a FIFO")),
                Ok(kind) if kind.is_char_device() || kind.is_block_device() => {
                    return Err(no_file(&path, "a device"));
                }
                Ok(kind) if kind.is_file() => check_size(&path)?,
                _ => {}
            }
        }
    }
    Ok(())
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

/// Refuses a file that a compiler would read whole. One that has gone meanwhile is nothing to refuse.
///
/// # Errors
/// [`ErrorKind::Source`] with the limit.
pub(crate) fn check_size(path: &Path) -> Result<(), Error> {
    let ending = path.extension().unwrap_or_default();
    if !READ_WHOLE.iter().any(|known| ending == *known) {
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

/// Looks at one link. One that leads nowhere leads to nothing that could be read.
///
/// # Errors
/// [`ErrorKind::Source`] if it leads to something outside of `roots`.
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

    #[test]
    fn links_may_stay_and_may_not_leave() {
        let place = tempfile::tempdir().unwrap();
        let source = place.path().join("source");
        fs::create_dir_all(source.join("a/b")).unwrap();
        fs::write(source.join("file"), "").unwrap();
        fs::write(place.path().join("secret"), "").unwrap();
        symlink("../../file", source.join("a/b/inside")).unwrap();
        symlink("nowhere", source.join("broken")).unwrap();
        symlink("..", source.join("a/circle")).unwrap();
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
        fs::create_dir_all(at("source/below")).unwrap();
        fs::create_dir_all(at("also/below")).unwrap();
        let refused = || check(&at("source"), &[at("source"), at("also")]).unwrap_err();
        for name in ["source/below/x.h", "also/below/x"] {
            let made = std::process::Command::new("mkfifo").arg(at(name)).status();
            assert!(made.unwrap().success());
            let text = refused().to_string();
            assert!(text.contains("a FIFO") && text.contains(name), "{text}");
            fs::remove_file(at(name)).unwrap();
        }
        let data = fs::File::create(at("source/data")).unwrap();
        data.set_len(1 << 40).unwrap();
        check(&at("source"), &[at("source"), at("also")]).unwrap();
        for name in ["source/x.c", "source/below/x.rs", "also/x.h"] {
            fs::File::create(at(name))
                .unwrap()
                .set_len(1 << 40)
                .unwrap();
            let text = refused().to_string();
            assert!(text.contains("limit of 64 MiB"), "{text}");
            fs::remove_file(at(name)).unwrap();
        }
    }
}
