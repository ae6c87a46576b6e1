//! The input is not a program: one paragraph, exit code 125, nothing runs.

use crate::support::{Ended, empty_directory, isopod, program, program_source, run};
use std::fs;
use std::path::Path;

/// Runs a file with this content, under the name `app.wasm`.
fn run_bytes(bytes: &[u8]) -> Ended {
    let directory = empty_directory();
    fs::write(directory.path().join("app.wasm"), bytes).unwrap();
    run(isopod(directory.path(), &["run", "app.wasm"]))
}

fn run_text(text: &str) -> Ended {
    run_bytes(&wat::parse_str(text).unwrap())
}

/// The text with each number as `N`: the place of a fault depends on the compiler.
fn without_numbers(text: &str) -> String {
    let mut output = String::new();
    for character in text.chars() {
        match character.is_ascii_digit() {
            false => output.push(character),
            true if output.ends_with('N') => {}
            true => output.push('N'),
        }
    }
    output
}

#[test]
fn a_file_that_is_no_wasm() {
    insta::assert_snapshot!(run_bytes(b"#!/bin/sh\necho no\n").own_error(), @"
    error: `app.wasm` is not a WebAssembly component or module: it begins with `#!/bin/s`
    hint: give a WebAssembly file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory
    ");
    insta::assert_snapshot!(run_bytes(b"").own_error(), @"
    error: `app.wasm` is not a WebAssembly component or module: it is empty
    hint: give a WebAssembly file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory
    ");
    insta::assert_snapshot!(run_bytes(b"\0as").own_error(), @r"
    error: `app.wasm` is not a WebAssembly component or module: it begins with `\x00as`
    hint: give a WebAssembly file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory
    ");
    insta::assert_snapshot!(run_bytes(b"\x1b[31m\0\xff").own_error(), @r"
    error: `app.wasm` is not a WebAssembly component or module: it begins with `\x1b[31m\x00\xff`
    hint: give a WebAssembly file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory
    ");
}

#[test]
fn wasm_of_another_version() {
    insta::assert_snapshot!(run_bytes(b"\0asm\x07\0\0\0").own_error(), @r"
    error: `app.wasm` is not a valid program
    cause: WebAssembly of the unknown version [07, 00, 00, 00]; known are core modules and components
    ");
}

#[test]
fn a_truncated_component() {
    let whole = fs::read(program("plain")).unwrap();
    let header = run_bytes(&whole[..8]);
    insta::assert_snapshot!(header.own_error(), @"
    error: `app.wasm` is no program: it does not export `wasi:cli/run`, which each program with a main function does
    cause: no exported instance named `wasi:cli/run@0.2.12`
    ");
    let half = run_bytes(&whole[..whole.len() / 2]);
    insta::assert_snapshot!(without_numbers(half.own_error()), @"
    error: `app.wasm` is not a valid program
    cause: not valid WebAssembly: unexpected end-of-file (at offset Nx..)
    ");
}

#[test]
fn a_truncated_module() {
    let whole = wat::parse_str(
        r#"(module (memory (export "memory") 1) (func (export "_start") (drop (i32.const 7))))"#,
    )
    .unwrap();
    for length in 8..whole.len() {
        run_bytes(&whole[..length]).own_error();
    }
    insta::assert_snapshot!(run_bytes(&whole[..whole.len() - 5]).own_error(), @"
    error: `app.wasm` is not a valid program
    cause: not valid WebAssembly: unexpected end-of-file (at offset 0x..)
    ");
}

#[test]
fn an_invalid_module() {
    let ended = run_text(r#"(module (memory (export "memory") 1) (func (export "_start") drop))"#);
    insta::assert_snapshot!(without_numbers(ended.own_error()), @"
    error: `app.wasm` is not a valid program
    cause: not valid WebAssembly: type mismatch: expected a type but nothing on stack (at offset Nx..)
    ");
}

#[test]
fn a_module_with_unknown_imports() {
    let ended = run_text(
        r#"(module
            (import "env" "launch" (func (param i32) (result i32)))
            (import "env" "table" (table 1 funcref))
            (import "wasi_snapshot_preview1" "fd_explode" (func (param i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start")))"#,
    );
    insta::assert_snapshot!(ended.own_error(), @"
    error: `app.wasm` cannot be made a component
    cause: the module imports `env.launch`, `env.table`, `wasi_snapshot_preview1.fd_explode`, which no host provides; known are the functions of `wasi_snapshot_preview1`, and interfaces (`package:name/interface`) whose bindings put their metadata into the module
    ");
}

#[test]
fn a_component_with_unknown_imports() {
    let ended = run_text(
        r#"(component
            (import "space:ship/engine@1.0.0" (instance (export "launch" (func)))))"#,
    );
    insta::assert_snapshot!(ended.own_error(), @"
    error: `app.wasm` imports something that this host does not provide
    cause: component imports instance `space:ship/engine@1.0.0`, but a matching implementation was not found in the linker
    cause: instance export `launch` has the wrong type
    cause: function implementation is missing
    ");
}

#[test]
fn a_module_and_a_component_without_a_main_function() {
    insta::assert_snapshot!(run_text("(module)").own_error(), @"
    error: `app.wasm` is no program: it does not export `wasi:cli/run`, which each program with a main function does
    cause: no exported instance named `wasi:cli/run@0.2.12`
    ");
    insta::assert_snapshot!(run_text("(component)").own_error(), @"
    error: `app.wasm` is no program: it does not export `wasi:cli/run`, which each program with a main function does
    cause: no exported instance named `wasi:cli/run@0.2.12`
    ");
}

#[test]
fn paths_that_lead_to_no_program() {
    let directory = empty_directory();
    fs::create_dir(directory.path().join("empty")).unwrap();
    fs::create_dir(directory.path().join("app.wasm")).unwrap();
    let mut told = String::new();
    for command in ["run", "build"] {
        for path in [
            "no/such.wasm",
            "no/such.rs",
            "empty",
            "app.wasm",
            "",
            "a\u{1b}[31m\nb",
        ] {
            let ended = run(isopod(directory.path(), &[command, path]));
            told += &format!("{command} {}\n{}\n", path.escape_debug(), ended.own_error());
        }
    }
    insta::assert_snapshot!(told, @r"
    run no/such.wasm
    error: `no/such.wasm` does not exist
    hint: give a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory

    run no/such.rs
    error: `no/such.rs` does not exist
    hint: give a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory

    run empty
    error: the directory `empty` contains no program or plugin
    hint: it must contain a `Cargo.toml`, or a file `main` or `plugin` that ends in `.c`, `.py` or `.js`

    run app.wasm
    error: the directory `app.wasm` contains no program or plugin
    hint: it must contain a `Cargo.toml`, or a file `main` or `plugin` that ends in `.c`, `.py` or `.js`

    run 
    error: a value is required for `[PATH]` but none was supplied
    hint: `isopod help run` lists the arguments and options

    run a\u{1b}[31m\nb
    error: `a\u{1b}[31m
      b` does not exist
    hint: give a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory

    build no/such.wasm
    error: `no/such.wasm` does not exist
    hint: give a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory

    build no/such.rs
    error: `no/such.rs` does not exist
    hint: give a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory

    build empty
    error: the directory `empty` contains no program or plugin
    hint: it must contain a `Cargo.toml`, or a file `main` or `plugin` that ends in `.c`, `.py` or `.js`

    build app.wasm
    error: the directory `app.wasm` contains no program or plugin
    hint: it must contain a `Cargo.toml`, or a file `main` or `plugin` that ends in `.c`, `.py` or `.js`

    build 
    error: a value is required for `<PATH>` but none was supplied
    hint: `isopod help build` lists the arguments and options

    build a\u{1b}[31m\nb
    error: `a\u{1b}[31m
      b` does not exist
    hint: give a `.wasm` file, a source file (`.rs`, `.c`, `.py`, `.js`), or a source directory
    ");
}

/// The last paragraph, after the output of the compiler.
fn compiler_then_error(ended: &Ended, compiler: &str) -> String {
    assert_eq!(
        (ended.exit_code, ended.stdout.as_str()),
        (125, ""),
        "{ended}"
    );
    assert!(ended.stderr.contains(compiler), "{ended}");
    assert!(!ended.stderr.contains("panicked"), "{ended}");
    let start = ended.stderr.rfind("\nerror: ").unwrap() + 1;
    ended.stderr[start..].to_owned()
}

#[test]
fn a_file_that_does_not_compile() {
    let source = program_source("does_not_compile");
    let arguments = ["run", "-q", source.to_str().unwrap()];
    let ended = run(isopod(Path::new("."), &arguments));
    // The place in the author's own file.
    assert!(
        ended.stderr.contains("--> does_not_compile.rs:5:23"),
        "{ended}"
    );
    let error = compiler_then_error(&ended, "expected `u32`, found `&str`");
    insta::assert_snapshot!(error, @"error: `does_not_compile` does not compile");
}

/// Builds a crate with this manifest and main file.
fn build_crate(manifest: &str, main: &str) -> Ended {
    let directory = empty_directory();
    fs::create_dir_all(directory.path().join("app/src")).unwrap();
    fs::write(directory.path().join("app/Cargo.toml"), manifest).unwrap();
    fs::write(directory.path().join("app/src/main.rs"), main).unwrap();
    let ended = run(isopod(directory.path(), &["build", "-q", "app"]));
    let files = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(files, 1, "nothing is written where nothing was built");
    let path = directory.path().canonicalize().unwrap();
    ended.replace(path.to_str().unwrap(), "DIRECTORY")
}

#[test]
fn a_crate_that_does_not_compile() {
    let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\
                    [dependencies]\nisopod = \"0.1\"\n[workspace]\n";
    let ended = build_crate(manifest, "#[isopod::main]\nfn main() { unknown(); }\n");
    let error = compiler_then_error(&ended, "cannot find function `unknown`");
    insta::assert_snapshot!(error, @"error: `app` does not compile");
}

#[test]
fn a_crate_with_a_broken_manifest() {
    let ended = build_crate("[package\n", "fn main() {}\n");
    // The cause is cargo's own text.
    let error = ended.own_error();
    assert!(error.starts_with("error: cargo cannot read the crate `DIRECTORY/app`\ncause: "));
    assert!(error.contains("Cargo.toml"), "{error}");
}
