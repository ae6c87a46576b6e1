//! What of a crate is built: read from its manifest by `cargo metadata`.

use crate::tool::{self, last_lines, output_of};
use crate::toolchain::{Toolchain, set_library_path};
use crate::{Error, ErrorKind};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What `cargo metadata` says, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Names the package wherever cargo asks for one.
    pub(crate) id: String,
    pub(crate) name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
    default_run: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    name: String,
    source: Option<String>,
}

/// What of a package is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The binary of this name: a command.
    Binary(String),
    /// The library of this name, of the kind `cdylib`: it has no main function.
    Library(String),
}

/// Reads the manifest, without resolving dependencies.
pub(crate) fn read_metadata(toolchain: &Toolchain, directory: &Path) -> Result<Metadata, Error> {
    let unreadable = |cause: String| {
        Error::new(
            ErrorKind::Source,
            format!("cargo cannot read the crate `{}`", directory.display()),
        )
        .because(cause)
    };
    let mut command = tool::command(&toolchain.cargo);
    set_library_path(&mut command, toolchain.shared_libraries());
    command
        .current_dir(directory)
        .env("RUSTC", &toolchain.rustc);
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = output_of(&mut command).map_err(|said| unreadable(last_lines(&said)))?;
    serde_json::from_str(&output).map_err(|error| unreadable(error.to_string()))
}

/// The package of this manifest, and what of it is the program.
pub(crate) fn choose<'a>(
    metadata: &'a Metadata,
    manifest: &Path,
) -> Result<(&'a Package, Program), Error> {
    let refuse = |text: String| Error::new(ErrorKind::Source, text);
    let mut packages = metadata.packages.iter();
    let Some(package) = packages.find(|package| package.manifest_path == manifest) else {
        let names: Vec<&str> = metadata
            .packages
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        return Err(refuse(format!(
            "`{}` is a workspace, not a crate",
            manifest.display()
        ))
        .with_hint(format!(
            "name the directory of one of its crates: {}",
            names.join(", ")
        )));
    };
    let of_kind = |kind: &str| -> Vec<&str> {
        let targets = package.targets.iter();
        let targets = targets.filter(|target| target.kind.iter().any(|found| found == kind));
        targets.map(|target| target.name.as_str()).collect()
    };
    let binaries = of_kind("bin");
    let preferred = package.default_run.as_deref().unwrap_or(&package.name);
    match binaries.as_slice() {
        [only] => Ok((package, Program::Binary((*only).to_owned()))),
        [] => match of_kind("cdylib").as_slice() {
            [library, ..] => Ok((package, Program::Library((*library).to_owned()))),
            [] => Err(
                refuse(format!("the crate `{}` has no program", package.name))
                    .with_hint("add a `src/main.rs`, or `crate-type = [\"cdylib\"]` for a plugin"),
            ),
        },
        several if several.contains(&preferred) => {
            Ok((package, Program::Binary(preferred.to_owned())))
        }
        several => Err(refuse(format!(
            "the crate `{}` has several programs: {}",
            package.name,
            several.join(", ")
        ))
        .with_hint("name one as `default-run` in `[package]`")),
    }
}

/// Whether the workspace takes `isopod` from a registry. An unused patch would leave a warning and
/// a line in the lock file.
pub(crate) fn needs_patch(metadata: &Metadata) -> bool {
    metadata
        .packages
        .iter()
        .flat_map(|package| &package.dependencies)
        .any(|dependency| {
            dependency.name == "isopod"
                && dependency
                    .source
                    .as_deref()
                    .is_some_and(|source| source.starts_with("registry+"))
        })
}
