//! The error on a machine without a compiler for guests: it explains how to get one.

use crate::support::{empty_directory, isopod, program_source, run};
use std::fs;
use std::path::Path;

/// The error of a build on a machine without any compiler: nothing on `PATH`, no toolchain of rustup, and
/// Debian's compiler, if it is installed, without a library that it needs.
fn error_without_a_compiler(options: &[&str]) -> String {
    let directory = empty_directory();
    let nothing = directory.path().join("nothing");
    let broken = directory.path().join("broken");
    fs::create_dir(&nothing).unwrap();
    fs::create_dir(&broken).unwrap();
    for library in libraries_of_rustc() {
        fs::write(broken.join(library), "").unwrap();
    }
    let source = program_source("plain");
    let arguments = [&["run", source.to_str().unwrap()], options].concat();
    let mut command = isopod(directory.path(), &arguments);
    command
        .env("ISOPOD_CACHE", directory.path().join("cache"))
        .env("PATH", &nothing)
        .env("HOME", &nothing)
        .env("RUSTUP_HOME", &nothing)
        .env("CARGO_HOME", &nothing)
        .env("LD_LIBRARY_PATH", &broken);
    let ended = run(command);
    assert_eq!(
        (ended.exit_code, ended.stdout.as_str()),
        (125, ""),
        "{ended}"
    );
    let cache = directory.path().join("cache/toolchain");
    assert!(!cache.exists(), "nothing is installed");
    ended.stderr
}

/// The file names of the library that contains Debian's compiler.
fn libraries_of_rustc() -> Vec<String> {
    let directories = [
        "/usr/lib",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ];
    let entries = directories
        .iter()
        .filter_map(|directory| fs::read_dir(Path::new(directory)).ok());
    entries
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("librustc_driver"))
        .collect()
}

#[test]
fn no_install_names_both_ways() {
    insta::assert_snapshot!(error_without_a_compiler(&["--no-install"]), @"
    error: no Rust compiler for the target `wasm32-wasip1`, and installing it is forbidden
    hint: run `rustup target add wasm32-wasip1`, or on Debian `apt-get install --no-install-recommends rustc-web cargo-web rust-web-src wasi-libc`
    ");
}

#[test]
fn without_rustup_and_apt_nothing_can_be_installed() {
    insta::assert_snapshot!(error_without_a_compiler(&[]), @"
    isopod: there is no `rustup` to add the target with
    isopod: there is no `apt-get` to install Debian's packages with
    error: no Rust compiler for the target `wasm32-wasip1`, and it could not be installed
    cause: there is no `rustup` to add the target with
      there is no `apt-get` to install Debian's packages with
    hint: run `rustup target add wasm32-wasip1`, or on Debian `apt-get install --no-install-recommends rustc-web cargo-web rust-web-src wasi-libc`
    ");
}
