//! Keeps workspaces apart in the target directory that they share.

use crate::Error;
use crate::cache::{Cache, write_if_changed};
use crate::program::Metadata;
use std::path::PathBuf;

/// The workspace from which each package in the shared target directory was last built.
///
/// cargo tells the packages of a workspace apart by their paths *within* it. In a target directory that
/// workspaces share, two packages of one name look the same to it. Unless the times of the files differ in
/// the right way, it would use the output of one for the other. So a package that comes from another
/// workspace than last time is cleaned first.
#[derive(Debug)]
pub(crate) struct Owners {
    directory: PathBuf,
    workspace: Vec<u8>,
    names: Vec<String>,
    /// The ids of the packages that were last built from another workspace.
    pub(crate) strangers: Vec<String>,
}

impl Owners {
    /// Looks up the packages of a workspace. The lock of the target directory must be held.
    pub(crate) fn read(cache: &Cache, name: &str, metadata: &Metadata) -> Result<Owners, Error> {
        let directory = cache.directory(name)?;
        let workspace = metadata
            .workspace_root
            .as_os_str()
            .as_encoded_bytes()
            .to_vec();
        let names: Vec<String> = metadata
            .packages
            .iter()
            .map(|one| one.name.clone())
            .collect();
        let strangers = metadata.packages.iter().filter(|package| {
            std::fs::read(directory.join(&package.name)).is_ok_and(|owner| owner != workspace)
        });
        let strangers = strangers.map(|package| package.id.clone()).collect();
        Ok(Owners {
            directory,
            workspace,
            names,
            strangers,
        })
    }

    /// Records that the packages are now built from this workspace.
    pub(crate) fn write(&self) -> Result<(), Error> {
        let mut names = self.names.iter();
        names.try_for_each(|name| write_if_changed(&self.directory.join(name), &self.workspace))
    }
}
