//! `isopod build` writes a component that `isopod run` runs, in any place.

use crate::support::{empty_directory, isopod, program, program_source, run};
use std::fs;
use std::time::{Duration, Instant};

/// The first bytes of a component.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn a_file_is_built_and_then_runs() {
    let directory = empty_directory();
    let source = program_source("plain");
    let arguments = ["build", "-q", source.to_str().unwrap(), "-o", "x.wasm"];
    let ended = run(isopod(directory.path(), &arguments));
    assert_eq!(ended.to_string(), "exit code: 0\n");
    let component = fs::read(directory.path().join("x.wasm")).unwrap();
    assert!(component.starts_with(COMPONENT));
    let ended = run(isopod(directory.path(), &["run", "x.wasm", "--", "3"]));
    insta::assert_snapshot!(ended, @"
    exit code: 3
    --- standard output
    way: 3
    ");
}

#[test]
fn the_name_and_the_size_are_printed() {
    let directory = empty_directory();
    // The time of the copy of a component, not of a build.
    fs::copy(program("plain"), directory.path().join("given.wasm")).unwrap();
    let ended = run(isopod(
        directory.path(),
        &["build", "given.wasm", "-o", "made.wasm"],
    ));
    let size = fs::metadata(directory.path().join("made.wasm"))
        .unwrap()
        .len();
    let kibibytes = size as f64 / 1024.0;
    assert_eq!(
        ended.to_string(),
        format!("exit code: 0\n--- standard output\nmade.wasm ({kibibytes:.1} KiB)\n")
    );
}

#[test]
fn a_module_becomes_a_component() {
    let directory = empty_directory();
    let module = wat::parse_str(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (func (export "_start") (call $exit (i32.const 9))))"#,
    );
    fs::write(directory.path().join("module.wasm"), module.unwrap()).unwrap();
    let arguments = ["build", "-q", "module.wasm", "-o", "component.wasm"];
    let ended = run(isopod(directory.path(), &arguments));
    assert_eq!(ended.to_string(), "exit code: 0\n");
    let component = fs::read(directory.path().join("component.wasm")).unwrap();
    assert!(component.starts_with(COMPONENT));
    let ended = run(isopod(directory.path(), &["run", "component.wasm"]));
    assert_eq!(ended.to_string(), "exit code: 9\n");
}

#[test]
fn outputs_that_cannot_be() {
    let directory = empty_directory();
    fs::copy(program("plain"), directory.path().join("app.wasm")).unwrap();
    let before = fs::read(directory.path().join("app.wasm")).unwrap();
    let mut told = String::new();
    // Without `-o` the component would get the name of the source, and replace it.
    for options in [
        &[][..],
        &["-o", "app.wasm"],
        &["-o", "."],
        &["-o", "no/such/app.wasm"],
    ] {
        let arguments = [&["build", "app.wasm"], options].concat();
        let ended = run(isopod(directory.path(), &arguments));
        told += &format!("{}\n{}\n", options.join(" "), ended.own_error());
    }
    insta::assert_snapshot!(told, @"

    error: the output `app.wasm` would replace the source
    hint: `-o FILE` names another file

    -o app.wasm
    error: the output `app.wasm` would replace the source
    hint: `-o FILE` names another file

    -o .
    error: the output `.` is a directory
    hint: `-o FILE` names the file to write

    -o no/such/app.wasm
    error: the output `no/such/app.wasm` cannot be written: there is no directory `no/such`
    ");
    assert_eq!(fs::read(directory.path().join("app.wasm")).unwrap(), before);
}

#[test]
fn a_warning_of_the_compiler_is_told_by_each_build() {
    let directory = empty_directory();
    fs::write(
        directory.path().join("warned.rs"),
        "fn main() { let unused = 1; }",
    )
    .unwrap();
    let begin = Instant::now();
    // Until the file is old enough for the cache to remember its build, and once more.
    let mut is_last = false;
    loop {
        let ended = run(isopod(
            directory.path(),
            &["build", "warned.rs", "-o", "x.wasm"],
        ));
        assert!(ended.stderr.contains("unused variable"), "{ended}");
        if is_last {
            break;
        }
        is_last = begin.elapsed() > Duration::from_secs(5);
    }
}
