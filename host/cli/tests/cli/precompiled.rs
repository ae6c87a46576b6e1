//! Native code runs only with `--allow-precompiled`, and only from a file whose name declares it.

use crate::support::{empty_directory, isopod, program, run};
use std::fs;
use std::path::Path;

/// A program with its native code, in the form of isopod's cache, as `app.cwasm`.
fn precompiled(directory: &Path) {
    let cache = directory.join("cache");
    let path = program("plain");
    let mut command = isopod(directory, &["run", path.to_str().unwrap(), "--", "normal"]);
    command.env("ISOPOD_CACHE", &cache);
    assert_eq!(run(command).exit_code, 0);
    let entries = fs::read_dir(cache.join("code")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    // Beside it is its seal, and maybe a note that lets the cache recognise the program's file.
    let (code, others): (Vec<_>, Vec<_>) =
        paths.partition(|path| path.extension().is_some_and(|ending| ending == "cwasm"));
    assert_eq!(code.len(), 1, "one program, one entry");
    for other in others {
        let ending = other.extension().unwrap();
        assert!(ending == "note" || ending == "seal", "{}", other.display());
    }
    fs::copy(code.first().unwrap(), directory.join("app.cwasm")).unwrap();
}

#[test]
fn native_code_needs_permission() {
    let directory = empty_directory();
    precompiled(directory.path());
    let run = |arguments: &[&str]| run(isopod(directory.path(), arguments));

    let refused = run(&["run", "app.cwasm", "--", "3"]);
    insta::assert_snapshot!(refused.own_error(), @"
    error: `app.cwasm` holds native code, which no sandbox checks
    hint: `--allow-precompiled` runs it anyway; use it only for files from a source that you trust
    ");
    let allowed = run(&["run", "--allow-precompiled", "app.cwasm", "--", "3"]);
    insta::assert_snapshot!(allowed, @"
    exit code: 3
    --- standard output
    way: 3
    ");
    let built = run(&["build", "app.cwasm"]);
    insta::assert_snapshot!(built.own_error(), @"error: `app.cwasm` is already native code and cannot be built");

    // Under another name it does not count as native code, and it is not WebAssembly.
    fs::rename(
        directory.path().join("app.cwasm"),
        directory.path().join("app.wasm"),
    )
    .unwrap();
    let renamed = run(&["run", "--allow-precompiled", "app.wasm", "--", "3"]);
    insta::assert_snapshot!(renamed.own_error(), @r"
    error: `app.wasm` is not a WebAssembly component or module: it begins with `\x7fELF\x02\x01\x01\xc8`
    hint: give a WebAssembly file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory
    ");
}

#[test]
fn what_is_no_native_code_is_refused_with_permission_too() {
    let directory = empty_directory();
    let run_bytes = |bytes: &[u8]| {
        fs::write(directory.path().join("app.cwasm"), bytes).unwrap();
        run(isopod(
            directory.path(),
            &["run", "--allow-precompiled", "app.cwasm"],
        ))
    };
    for bytes in [&b""[..], b"no native code", b"\0asm\x0d\0\x01\0"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(run_bytes(bytes).own_error(), @"error: `app.cwasm` holds no precompiled program");
        }
    }
}

#[test]
fn the_permission_does_no_harm_to_other_files() {
    let path = program("plain");
    let arguments = [
        "run",
        "--allow-precompiled",
        path.to_str().unwrap(),
        "--",
        "3",
    ];
    assert_eq!(run(isopod(Path::new("."), &arguments)).exit_code, 3);
}
