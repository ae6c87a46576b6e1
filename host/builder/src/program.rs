//! Chooses the target of a crate that is built, as `cargo metadata` reads it from the manifest.

use crate::sandbox::Sandbox;
use crate::tool::last_lines;
use crate::{Error, ErrorKind};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The parts of the output of `cargo metadata` that a build needs.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// The package's name in arguments of cargo.
    pub(crate) id: String,
    pub(crate) name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
    default_run: Option<String>,
}

impl Package {
    /// The package's directory and those of its dependencies by path, with their names.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&str, &Path)> {
        let own = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        let dependencies = self.dependencies.iter();
        let dependencies =
            dependencies.filter_map(|one| Some((one.name.as_str(), one.path.as_deref()?)));
        std::iter::once((self.name.as_str(), own)).chain(dependencies)
    }

    /// The dependencies that cargo fetches, each with its source.
    pub(crate) fn fetched(&self) -> impl Iterator<Item = (&str, &str)> {
        let dependencies = self.dependencies.iter();
        dependencies.filter_map(|one| Some((one.name.as_str(), one.source.as_deref()?)))
    }

    /// The package's `Cargo.toml`.
    pub(crate) fn manifest(&self) -> &Path {
        &self.manifest_path
    }

    /// Whether a build of the package runs the package's own code: a build script or a macro.
    pub(crate) fn runs_code(&self) -> bool {
        let mut kinds = self.targets.iter().flat_map(|target| &target.kind);
        kinds.any(|kind| kind == "custom-build" || kind == "proc-macro")
    }
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
    path: Option<PathBuf>,
}

/// The target of a package that is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The binary of this name: a command.
    Binary(String),
    /// The library of this name, a `cdylib` without a main function.
    Library(String),
}

/// Reads the manifest with a `cargo metadata`, without resolving dependencies.
pub(crate) fn read_metadata(
    sandbox: &Sandbox,
    mut command: Command,
    directory: &Path,
) -> Result<Metadata, Error> {
    let unreadable = |cause: String| {
        Error::new(
            ErrorKind::Source,
            format!("cargo cannot read the crate `{}`", directory.display()),
        )
        .because(cause)
    };
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    let manifest = directory.join("Cargo.toml");
    command.arg("--manifest-path").arg(manifest);
    let output = sandbox
        .output_of(&mut command)
        .map_err(|said| unreadable(last_lines(&said)))?;
    serde_json::from_str(&output).map_err(|error| unreadable(error.to_string()))
}

/// The package of this manifest, and its program.
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

/// Whether the workspace takes `isopod` from a registry. Only then is the patch used; an unused patch would
/// leave a warning and a line in the lock file.
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
