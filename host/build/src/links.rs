//! Symbolic links in a source that lead out of it: refused, with the name of the link.
//!
//! A sandbox would refuse what they lead to all the same, in the words of whatever tool comes upon it.

use crate::{Error, ErrorKind, unreadable};
use std::fs;
use std::path::{Path, PathBuf};

/// How many entries of a source are looked at. Beyond that the sandbox alone refuses.
const MAX_ENTRIES: usize = 100_000;

/// Looks at all of a directory but for what builds and package managers make, and what begins with a point.
///
/// # Errors
/// [`ErrorKind::Source`] for a link that leads to something outside of `roots`.
pub(crate) fn stay_below(directory: &Path, roots: &[PathBuf]) -> Result<(), Error> {
    let mut left = MAX_ENTRIES;
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries =
            fs::read_dir(&directory).map_err(|error| unreadable(&directory).because(error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&directory).because(error))?;
            let name = entry.file_name();
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
                Ok(kind) if kind.is_symlink() => stays_below(&entry.path(), roots)?,
                Ok(kind) if kind.is_dir() => directories.push(entry.path()),
                _ => {}
            }
        }
    }
    Ok(())
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
        stay_below(&source, &roots).unwrap();
        symlink("../../../secret", source.join("a/b/outside")).unwrap();
        let error = stay_below(&source, &roots).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Source);
        assert!(error.to_string().contains("a/b/outside"), "{error}");
        stay_below(&source, &[source.clone(), place.path().to_owned()]).unwrap();
    }
}
