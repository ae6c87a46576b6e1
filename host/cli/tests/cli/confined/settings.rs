//! Settings of a crate that would run a program: isopod refuses each by name, and the program has not run.

use super::{Place, manifest};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A crate, and a program beside it that leaves a mark when it runs.
fn place() -> Place {
    let place = Place::new();
    place.write("hostile/Cargo.toml", &manifest("hostile-settings", ""));
    place.write("hostile/src/main.rs", "fn main() { println!(\"built\"); }");
    let script = format!(
        "#!/bin/sh\ntouch {}\nexit 1\n",
        place.path("mark").display()
    );
    for name in ["program", "toolchain/bin/rustc", "toolchain/bin/cargo"] {
        place.write(name, &script);
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    place
}

#[test]
fn settings_that_run_a_program_are_refused() {
    let place = place();
    let program = place.path("program");
    let program = program.to_str().unwrap();
    for (key, text) in [
        (
            "build.rustc-wrapper",
            format!("[build]\nrustc-wrapper = {program:?}"),
        ),
        ("build.rustc", format!("[build]\nrustc = {program:?}")),
        (
            "build.rustflags",
            format!("[build]\nrustflags = [\"-Clinker={program}\"]"),
        ),
        (
            "target.wasm32-wasip1.linker",
            format!("[target.wasm32-wasip1]\nlinker = {program:?}"),
        ),
        ("env", "[env]\nLD_PRELOAD = \"/x.so\"".to_owned()),
    ] {
        place.write("hostile/.cargo/config.toml", &text);
        place.assert_refused(
            "hostile",
            &[
                "hostile/.cargo/config.toml` sets `",
                &format!("`{key}`"),
                "`--trust-build`",
            ],
        );
        assert!(!place.path("mark").exists(), "{key}");
    }
}

#[test]
fn a_toolchain_of_the_source_is_refused() {
    let place = place();
    let text = format!("[toolchain]\npath = {:?}\n", place.path("toolchain"));
    place.write("hostile/rust-toolchain.toml", &text);
    place.assert_refused(
        "hostile",
        &[
            "rust-toolchain.toml` sets `toolchain.path`",
            "`--trust-build`",
        ],
    );
    assert!(!place.path("mark").exists());
}

#[test]
fn settings_that_are_harmless_are_taken() {
    let place = place();
    place.write(
        "hostile/.cargo/config.toml",
        "[build]\ntarget = \"wasm32-wasip1\"\n[profile.release]\nopt-level = 1\n",
    );
    let Some(ended) = place.build("hostile", &[]) else {
        return;
    };
    assert_eq!(ended.to_string(), "exit code: 0\n");
    assert_eq!(place.output(), "built\n");
}

#[test]
fn settings_above_the_source_are_not_read() {
    let place = place();
    let text = format!("[build]\nrustc-wrapper = {:?}\n", place.path("program"));
    place.write(".cargo/config.toml", &text);
    let Some(ended) = place.build("hostile", &[]) else {
        return;
    };
    assert_eq!(ended.to_string(), "exit code: 0\n");
    assert!(!place.path("mark").exists());
}
