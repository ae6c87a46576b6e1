//! The crates depend on each other as ARCHITECTURE.md says, and carry one version.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic is how a test fails"
)]

mod modules;
mod wings;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;

fn metadata() -> Metadata {
    let manifest = isopod_tests::root().join("Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .unwrap()
}

/// The dependencies of a package for its build and its run, without those of its tests.
fn dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn data_flows_one_way() {
    let metadata = metadata();
    let arrows: [(&str, &[&str]); 9] = [
        (
            "isopod-cli",
            &["isopod-build", "isopod-file", "isopod-host", "isopod-text"],
        ),
        (
            "isopod-host",
            &[
                "isopod-component",
                "isopod-file",
                "isopod-sync",
                "isopod-text",
            ],
        ),
        ("isopod-build", &["isopod-component", "isopod-file"]),
        ("isopod-file", &[]),
        ("isopod-component", &[]),
        ("isopod-sync", &[]),
        ("isopod-text", &[]),
        ("isopod", &["isopod-macros"]),
        ("isopod-macros", &[]),
    ];
    for (name, expected) in arrows {
        let package = metadata
            .packages
            .iter()
            .find(|package| package.name == name);
        let package = package.unwrap_or_else(|| panic!("no package {name}"));
        let ours: BTreeSet<&str> = dependencies(package)
            .into_iter()
            .filter(|dependency| dependency.starts_with("isopod"))
            .collect();
        assert_eq!(ours, expected.iter().copied().collect(), "{name}");
    }
}

#[test]
fn only_one_crate_names_the_engine_and_one_the_command_line() {
    for (dependency, only) in [("wasmtime", "isopod-host"), ("clap", "isopod-cli")] {
        let metadata = metadata();
        let users: Vec<&str> = metadata
            .packages
            .iter()
            .filter(|package| dependencies(package).contains(dependency))
            .map(|package| package.name.as_str())
            .collect();
        assert_eq!(users, [only], "{dependency}");
    }
}

#[test]
fn there_is_one_version() {
    let versions: BTreeSet<String> = metadata()
        .packages
        .iter()
        .map(|package| package.version.to_string())
        .collect();
    assert_eq!(versions.len(), 1, "{versions:?}");
}

#[test]
fn primitives_have_no_unsafe_code() {
    let lib = isopod_tests::root().join("host/sync/src/lib.rs");
    let text = std::fs::read_to_string(lib).unwrap();
    assert!(text.contains("#![forbid(unsafe_code)]"));
}
