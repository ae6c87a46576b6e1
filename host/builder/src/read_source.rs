//! Directories that a build may read beside its source: the same rule for each language.

use crate::rust::source::{holds_home, unread_in};
use crate::{Error, ErrorKind, Options};
use std::path::PathBuf;

/// The canonical paths of the directories of [`Options::read_source`].
///
/// # Errors
/// [`ErrorKind::Source`] for a path that does not exist or is not a directory, and for a directory that holds
/// the user's home directory or a file of [`Options::unread`].
pub(crate) fn check(options: &Options) -> Result<Vec<PathBuf>, Error> {
    let check = |path: &PathBuf| {
        let refused = |why: &str| {
            let text = format!(
                "`{}` cannot be read beside the source: {why}",
                path.display()
            );
            Error::new(ErrorKind::Source, text).with_hint(
                "`--read-source DIR` names a directory that the build may read beside its source",
            )
        };
        let real = path.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => refused("it does not exist"),
            _ => refused("its path cannot be followed").because(error),
        })?;
        if !real.is_dir() {
            return Err(refused("it is no directory"));
        }
        if holds_home(&real) {
            return Err(refused("it holds your home directory"));
        }
        if let Some(file) = unread_in(&real, &options.unread) {
            return Err(refused(&format!("it holds `{}`", file.display())));
        }
        Ok(real)
    };
    options.read_source.iter().map(check).collect()
}
