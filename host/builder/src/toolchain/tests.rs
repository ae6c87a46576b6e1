//! Tests of the search, with shell scripts as compilers in temporary directories.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

struct Machine {
    directory: tempfile::TempDir,
    places: Places,
    cache: Cache,
}

impl Machine {
    fn new() -> Machine {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let cache = Cache::open(Some(&root.join("cache"))).unwrap();
        let places = Places {
            path: vec![root.join("first"), root.join("second")],
            system: root.join("system"),
            unpacked: cache.path("toolchain/debian"),
            rustup_home: Some(root.join("rustup")),
            project: root.to_owned(),
        };
        Machine {
            directory,
            places,
            cache,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn script(&self, name: &str, script: &str) {
        self.file(name);
        fs::write(self.path(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn rustc(&self, name: &str, sysroot: &str) {
        self.script(name, &format!("echo {}", self.path(sysroot).display()));
    }

    /// Debian's packages below `root`.
    fn debian(&self, root: &str, version: &str) {
        self.script(
            &format!("{root}/usr/bin/rustc"),
            &format!("echo 'rustc {version} (x)'"),
        );
        self.script(&format!("{root}/usr/bin/cargo"), "true");
        self.file(&format!(
            "{root}/{}",
            "usr/lib/rustlib/src/rust/library/std/Cargo.toml"
        ));
        self.file(&format!("{root}/usr/lib/wasm32-wasi/crt1-command.o"));
    }

    fn rustup_linker(&self) {
        self.file("rustup/toolchains/stable/lib/rustlib/x/bin/rust-lld");
    }
}

const RECENT: &str = "1.200.0";

#[test]
fn nothing_is_found_on_an_empty_machine() {
    assert_eq!(present(&Machine::new().places), None);
}

#[test]
fn the_first_compiler_with_the_target_is_taken_with_its_own_cargo() {
    let machine = Machine::new();
    machine.rustc("first/rustc", "without");
    machine.script("first/cargo", "true");
    machine.rustc("second/rustc", "with");
    machine.script("second/cargo", "true");
    assert_eq!(present(&machine.places), None);
    machine.file("with/lib/rustlib/wasm32-wasip1/lib/libstd-0.rlib");
    let expected = Toolchain {
        cargo: machine.path("second/cargo"),
        rustc: machine.path("second/rustc"),
        sysroot: machine.path("with"),
        library: Library::Present,
    };
    assert_eq!(present(&machine.places), Some(expected));
}

#[test]
fn a_compiler_that_does_not_run_is_passed_over() {
    let machine = Machine::new();
    machine.script("first/rustc", "echo 'no default toolchain' >&2; exit 1");
    machine.rustc("second/rustc", "with");
    machine.script("second/cargo", "true");
    machine.file("with/lib/rustlib/wasm32-wasip1/lib/libstd-0.rlib");
    assert!(present(&machine.places).is_some());
}

#[test]
fn the_target_is_preferred_to_debian() {
    let machine = Machine::new();
    machine.debian("system", RECENT);
    machine.rustup_linker();
    machine.rustc("first/rustc", "with");
    machine.script("first/cargo", "true");
    machine.file("with/lib/rustlib/wasm32-wasip1/lib/libstd-0.rlib");
    assert_eq!(present(&machine.places).unwrap().library, Library::Present);
}

#[test]
fn debian_needs_all_of_its_parts() {
    for part in [
        "usr/bin/rustc",
        "usr/bin/cargo",
        "usr/lib/rustlib/src/rust/library/std/Cargo.toml",
        "usr/lib/wasm32-wasi/crt1-command.o",
    ] {
        let machine = Machine::new();
        machine.debian("system", RECENT);
        assert_eq!(present(&machine.places), None, "there is no linker");
        machine.rustup_linker();
        assert!(present(&machine.places).is_some());
        fs::remove_file(machine.path("system").join(part)).unwrap();
        assert_eq!(present(&machine.places), None, "without {part}");
    }
}

#[test]
fn an_old_compiler_of_debian_is_not_taken() {
    let machine = Machine::new();
    machine.debian("system", "1.63.0");
    machine.rustup_linker();
    assert_eq!(present(&machine.places), None);
}

#[test]
fn unpacked_packages_are_found_with_their_libraries_and_linker() {
    let machine = Machine::new();
    machine.debian("cache/toolchain/debian", RECENT);
    machine.file("cache/toolchain/debian/usr/lib/llvm-14/bin/wasm-ld");
    machine.file("cache/toolchain/debian/usr/lib/x86_64-linux-gnu/libLLVM.so");
    let root = machine.cache.path("toolchain/debian");
    let expected = Toolchain {
        cargo: root.join("usr/bin/cargo"),
        rustc: root.join("usr/bin/rustc"),
        sysroot: root.join("usr"),
        library: Library::FromSource {
            linker: root.join("usr/lib/llvm-14/bin/wasm-ld"),
            wasi_libc: root.join("usr/lib/wasm32-wasi"),
            shared_libraries: vec![root.join("usr/lib/x86_64-linux-gnu")],
        },
    };
    assert_eq!(present(&machine.places), Some(expected));
}

#[test]
fn rustup_is_tried_once_and_what_it_said_is_kept() {
    let machine = Machine::new();
    machine.script(
        "first/rustup",
        "echo \"$@\" >> $0.log; echo 'no network' >&2; exit 1",
    );
    let mut said = Vec::new();
    let mut announce = |step: &str| said.push(step.to_owned());
    let failure = rustup::add_target(&machine.cache, &machine.places, &mut announce).unwrap_err();
    assert_eq!(
        failure,
        "`rustup target add wasm32-wasip1` failed:\nno network"
    );
    let failure = rustup::add_target(&machine.cache, &machine.places, &mut announce).unwrap_err();
    assert!(failure.contains("is not tried again"), "{failure}");
    assert!(failure.contains("rustup-failed"), "{failure}");
    assert_eq!(
        said,
        ["the target is missing; running `rustup target add wasm32-wasip1`"]
    );
    let log = fs::read_to_string(machine.path("first/rustup.log")).unwrap();
    assert_eq!(log, "target add wasm32-wasip1\n");
}

#[test]
fn the_last_error_names_both_ways_and_what_was_tried() {
    let error = missing(
        &["one failed".to_owned(), "two failed".to_owned()],
        "it failed",
    );
    assert_eq!(error.kind(), ErrorKind::Toolchain);
    assert_eq!(error.cause(), Some("one failed\ntwo failed"));
    let hint = error.hint().unwrap();
    assert!(hint.contains("rustup target add wasm32-wasip1"), "{hint}");
    assert!(
        hint.contains("rustc-web cargo-web rust-web-src wasi-libc"),
        "{hint}"
    );
}
