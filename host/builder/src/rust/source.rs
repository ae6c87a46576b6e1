//! The directories of a crate, which its build may read.

use super::settings;
use crate::links::{self, Links};
use crate::program::Metadata;
use crate::{Error, ErrorKind, file};
use std::path::{Path, PathBuf};
use toml::Table;

/// A crate that is not trusted.
#[derive(Debug)]
pub(crate) struct Source {
    /// The crate's directory, and the directories that the user lets it read.
    pub(crate) roots: Vec<PathBuf>,
    /// The directory of a workspace above, to which the crate may belong.
    pub(crate) workspace: Option<PathBuf>,
    /// The manifests above, which cargo reads to find the workspace.
    pub(crate) manifests_above: Vec<PathBuf>,
    /// The crate's own settings for cargo.
    pub(crate) settings: Table,
    /// The links that [`Source::check_entries`] has found, for [`Source::settle`].
    links: Links,
}

/// Examines a crate before any tool runs. [`Source::settle`] decides whether it belongs to the workspace
/// above.
///
/// # Errors
/// Those of [`settings::check_toolchain_file`].
pub(crate) fn look(directory: &Path, also_read: &[PathBuf]) -> Result<Source, Error> {
    settings::check_toolchain_file(directory)?;
    let mut roots = vec![directory.to_owned()];
    let mut workspace = None;
    let mut manifests_above = Vec::new();
    if !is_workspace(&directory.join("Cargo.toml")) {
        for above in directory.ancestors().skip(1) {
            let manifest = above.join("Cargo.toml");
            let is_found = is_workspace(&manifest);
            if manifest.is_file() {
                // cargo also reads the manifest of a workspace that excludes the crate.
                manifests_above.push(manifest);
            }
            if is_found {
                workspace = Some(above.to_owned());
                break;
            }
        }
    }
    roots.extend(also_read.iter().cloned());
    Ok(Source {
        roots,
        workspace,
        manifests_above,
        settings: Table::new(),
        links: Links::default(),
    })
}

fn is_workspace(manifest: &Path) -> bool {
    let text = file::settings_if_any(manifest).unwrap_or_default();
    let manifest: Option<Table> = text.parse().ok();
    manifest.is_some_and(|manifest| manifest.contains_key("workspace"))
}

impl Source {
    /// Checks all entries that cargo may read, before it reads the first manifest. A workspace that holds the
    /// home directory is left out: it is refused later, if the crate is a member of it.
    ///
    /// # Errors
    /// Those of [`links::check_entries`].
    pub(crate) fn check_entries(&mut self, directory: &Path) -> Result<(), Error> {
        let above = self.workspace.iter().filter(|above| !holds_home(above));
        let others: Vec<PathBuf> = self.roots.iter().skip(1).chain(above).cloned().collect();
        self.links = links::check_entries(directory, &others)?;
        Ok(())
    }

    /// Keeps the workspace only if its manifest makes the crate a member; then checks all paths, links and
    /// settings of the crate.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] for a path that leads out of the source, and for a source that holds the home
    /// directory; [`ErrorKind::Confinement`] for settings that are not accepted.
    pub(crate) fn settle(
        &mut self,
        directory: &Path,
        metadata: &Metadata,
        unread: &[PathBuf],
        announce: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        let root = &metadata.workspace_root;
        if let Some(workspace) = self.workspace.take()
            && workspace == *root
        {
            self.roots.push(workspace);
        }
        for root in &self.roots {
            refuse_home(root, unread)?;
        }
        for package in &metadata.packages {
            for (name, path) in package.paths() {
                let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
                if !self.roots.iter().any(|root| real.starts_with(root)) && real.exists() {
                    return Err(out_of_source(name, &real, directory));
                }
            }
        }
        self.links.check(&self.roots)?;
        self.settings = settings::of_crate(directory, root)?;
        let home = std::env::var_os("HOME").map(PathBuf::from);
        for above in root.ancestors().skip(1) {
            let cargo = above.join(".cargo");
            if let Some(file) = settings::file_in(&cargo)
                && home.as_deref() != Some(above)
            {
                announce(&format!(
                    "`{}` lies above the source and is not read; `--trust-build` reads it",
                    file.display()
                ));
            }
        }
        Ok(())
    }
}

/// Whether a directory, whose path has no links, is the user's home directory or holds it.
pub(crate) fn holds_home(root: &Path) -> bool {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.and_then(|home| Path::new(&home).canonicalize().ok());
    home.is_some_and(|home| home.starts_with(root)) || root.parent().is_none()
}

/// The first of these files in a directory, whose path has no links. The file may not exist yet.
pub(crate) fn unread_in<'a>(root: &Path, unread: &'a [PathBuf]) -> Option<&'a PathBuf> {
    unread.iter().find(|file| {
        let mut above = file.ancestors();
        let real = above.find_map(|above| above.canonicalize().ok());
        // A file that does not exist yet counts by its parent directory.
        real.is_some_and(|real| real.starts_with(root)) || file.starts_with(root)
    })
}

/// Refuses a source that holds the user's home directory, because its build could read all files of the user.
pub(crate) fn refuse_home(root: &Path, unread: &[PathBuf]) -> Result<(), Error> {
    let held = match (holds_home(root), unread_in(root, unread)) {
        (true, _) => "your home directory".to_owned(),
        (false, Some(file)) => format!("`{}`", file.display()),
        (false, None) => return Ok(()),
    };
    Err(Error::new(
        ErrorKind::Source,
        format!(
            "the source `{}` holds {held}, which its build could read",
            root.display()
        ),
    )
    .with_hint("give the program a directory of its own; `--trust-build` builds it all the same"))
}

fn out_of_source(name: &str, path: &Path, directory: &Path) -> Error {
    Error::new(
        ErrorKind::Source,
        format!(
            "the dependency `{name}` lies at `{}`, outside of the source `{}`",
            path.display(),
            directory.display()
        ),
    )
    .with_hint(
        "`--read-source DIR` lets the build read it; a workspace of which both are members is one source; \
         `--trust-build` lets the build read all that you can",
    )
}
