//! Files that isopod writes for its user: no such file is the program or lies in its source.
//!
//! The name may be a mistake, or come from another user's script. An overwritten source is lost.

use crate::identity::{identities_above, identity};
use crate::report;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Longest chain of links that is followed, as in the kernel.
const MOST_LINKS: usize = 40;

/// Checks a file to write; errors call it `what`, and `option` is the option that names it.
///
/// # Errors
/// If the file is the program, lies in the directory of its source, or could lie there under another name.
pub(crate) fn check(
    path: &Path,
    what: &str,
    option: &str,
    program: Option<&Path>,
) -> anyhow::Result<()> {
    let Some(program) = program else {
        return Ok(());
    };
    let shown = path.display();
    if is_same_file(path, program) {
        return Err(report::with_hint(
            format!("the {what} `{shown}` is the program"),
            format!("give `{option}` another file"),
        ));
    }
    let Some(source) = source_directory(program) else {
        return Ok(());
    };
    let refused = |why: String| {
        report::with_hint(
            format!("the {what} `{shown}` {why}"),
            format!("give `{option}` a file outside the source"),
        )
    };
    if lies_in(path, &source) {
        let source = source.display();
        return Err(refused(format!("lies in the source `{source}`")));
    }
    match fs::metadata(path) {
        Ok(found) if found.is_file() && found.nlink() > 1 => Err(refused(format!(
            "has {} names, and another name may lie in the source `{}`",
            found.nlink(),
            source.display()
        ))),
        _ => Ok(()),
    }
}

/// The directory of the source at PATH: PATH itself, or the directory of a `Cargo.toml`.
pub(crate) fn source_directory(path: &Path) -> Option<PathBuf> {
    match path.is_dir() {
        true => Some(path.to_owned()),
        false if path.file_name().is_some_and(|name| name == "Cargo.toml") => Some(parent(path)),
        false => None,
    }
}

/// Whether both names lead to one file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let found = identity(one);
    found.is_some() && found == identity(other)
}

/// Whether a file lies in a directory, or would lie there once created. Compares the path without links, and the
/// identities of the directories above it.
pub(crate) fn lies_in(path: &Path, directory: &Path) -> bool {
    let Some(place) = place(path) else {
        // Opening it reports the error.
        return false;
    };
    let above: BTreeSet<_> = identities_above(&place);
    let real = directory.canonicalize();
    real.is_ok_and(|real| place.starts_with(real))
        || identity(directory).is_some_and(|one| above.contains(&one))
}

/// The path of the file without links; for a missing file, the directory in which it would be created.
fn place(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        if let Ok(real) = path.canonicalize() {
            return Some(real);
        }
        match fs::read_link(&path) {
            // The target does not exist yet.
            Ok(target) => path = parent(&path).join(target),
            Err(_) => return parent(&path).canonicalize().ok(),
        }
    }
    None
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn whatever_name_a_file_of_a_source_has_it_is_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("source/src")).unwrap();
        fs::write(at("source/Cargo.toml"), "").unwrap();
        fs::write(at("source/src/main.rs"), "").unwrap();
        fs::write(at("beside"), "").unwrap();
        fs::hard_link(at("source/src/main.rs"), at("hard")).unwrap();
        symlink("source/src", at("directory")).unwrap();
        symlink("source/src/main.rs", at("link")).unwrap();
        symlink("source/src/new.rs", at("new")).unwrap();
        symlink("new", at("newer")).unwrap();
        symlink("circle", at("circle")).unwrap();
        for program in ["source", "source/Cargo.toml"] {
            let check = |name: &str| check(&at(name), "log", "--log", Some(&at(program)));
            for name in [
                "source/src/main.rs",
                "source/new",
                "source/../source/new",
                "directory/new",
                "link",
                "new",
                "newer",
                "hard",
            ] {
                let text = check(name).unwrap_err().to_string();
                assert!(text.starts_with("the log `"), "{name}: {text}");
            }
            for name in ["beside", "none", "none/none", "source/../none", "circle"] {
                check(name).unwrap();
            }
        }
        check(&at("source/new"), "log", "--log", Some(&at("beside"))).unwrap();
        assert!(check(&at("beside"), "log", "--log", Some(&at("beside"))).is_err());
        check(&at("hard"), "log", "--log", None).unwrap();
    }
}
