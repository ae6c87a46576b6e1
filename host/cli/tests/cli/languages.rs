//! Programs and plugins in each language, as a new user makes them: `isopod new`, `isopod build`, and
//! `isopod run` or `isopod call`. Also every part of the bindings of the languages other than Rust.
//!
//! Where a language's tools are not available, its tests print that and pass.

#![allow(clippy::print_stdout, reason = "a line says what was skipped, and why")]

use crate::support::{Ended, clone_root, empty_directory, isopod, run};
use isopod_host::plugin::Plugin;
use isopod_host::sync::{Bounds, Queue};
use isopod_host::{Engine, Program};
use std::path::Path;

/// The first words of errors for a language whose tools are missing here, and cannot be installed.
const MISSING: [&str; 5] = [
    "error: no C compiler for WebAssembly, and none could be installed",
    "error: there is no ",
    "error: the `node` of this machine is too old",
    "error: `@bytecodealliance/componentize-js",
    "error: `componentize-py",
];

/// Builds the source; if this machine cannot try that, prints a message.
fn is_built(directory: &Path, source: &str, output: &str) -> bool {
    let ended = run(isopod(directory, &["build", "-q", source, "-o", output]));
    if MISSING.iter().any(|text| ended.stderr.contains(text)) {
        println!("skipped: {}", ended.stderr);
        return false;
    }
    assert_eq!(ended.to_string(), "exit code: 0\n", "building `{source}`");
    true
}

fn in_three_commands(language: &str, kind: &str, name: &str, component: &str) {
    let directory = empty_directory();
    let arguments = ["new", "--lang", language, "--kind", kind, name];
    let made = run(isopod(directory.path(), &arguments));
    assert_eq!(made.exit_code, 0, "{made}");
    let readme = std::fs::read_to_string(directory.path().join(name).join("README.md")).unwrap();
    let commands: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("isopod "))
        .collect();
    assert_eq!(
        commands[..2],
        [&*arguments.join(" "), &*format!("build {name}")],
        "{readme}"
    );
    if !is_built(directory.path(), name, component) {
        return;
    }
    let words: Vec<&str> = commands[2].split(' ').collect();
    assert_eq!(words[1], component, "{readme}");
    let used = run(isopod(directory.path(), &words));
    assert_eq!((used.exit_code, &*used.stderr), (0, ""), "{used}");
    let expected = format!("```text\n{}\n```", used.stdout.trim_end());
    assert!(readme.contains(&expected), "{readme}\n{used}");
    if kind == "program" {
        let used = run(isopod(directory.path(), &["run", component, "--", "1000"]));
        assert_eq!(used.stdout, "168 primes below 1000\n", "{used}");
    } else {
        let call = |input: &str| {
            let arguments = ["call", component, "count_words", "--input", input];
            run(isopod(directory.path(), &arguments))
        };
        assert_eq!(call("one two  three").stdout, "3");
        let failed = call(" ");
        assert_eq!(failed.exit_code, 1, "{failed}");
        assert!(failed.stderr.contains("the text has no words"), "{failed}");
    }
}

#[test]
fn a_program_in_rust() {
    in_three_commands("rust", "program", "two-words", "two-words.wasm");
}

#[test]
fn a_plugin_in_rust() {
    in_three_commands("rust", "plugin", "two-words", "two_words.wasm");
}

#[test]
fn a_program_in_c() {
    in_three_commands("c", "program", "primes", "primes.wasm");
}

#[test]
fn a_plugin_in_c() {
    in_three_commands("c", "plugin", "words", "words.wasm");
}

#[test]
fn a_program_in_python() {
    in_three_commands("python", "program", "primes", "primes.wasm");
}

#[test]
fn a_plugin_in_python() {
    in_three_commands("python", "plugin", "words", "words.wasm");
}

#[test]
fn a_program_in_javascript() {
    in_three_commands("js", "program", "primes", "primes.wasm");
}

#[test]
fn a_plugin_in_javascript() {
    in_three_commands("js", "plugin", "words", "words.wasm");
}

/// Builds a file of `tests/languages` and runs it with arguments.
fn binding(file: &str) -> Option<Ended> {
    let directory = empty_directory();
    let source = clone_root().join("tests/languages").join(file);
    if !is_built(directory.path(), source.to_str().unwrap(), "binding.wasm") {
        return None;
    }
    let arguments = ["run", "binding.wasm", "--", "a", "b c"];
    Some(run(isopod(directory.path(), &arguments)))
}

#[test]
fn each_part_of_the_binding_for_c() {
    let Some(ended) = binding("binding.c") else {
        return;
    };
    assert_eq!(ended.exit_code, 5, "{ended}");
    insta::assert_snapshot!(ended.stdout, @"
    a core
    queue: `hello`, 5 bytes, 0 left
    greet: kind 0, code 0, ``
    an empty queue: 2, there is nothing to take
    no lock: 11, the handle belongs to an object of another kind
    a full queue: 3, there is no room
    a closed queue: 4, the object was closed
    pipe: `PING`, ready 1
    shout: kind 0, code 7, ``
    lock: abandoned 1
    released twice: 9, released more often than acquired
    alive: 1
    join: 1
    killed: kind 3, code -9, ``
    limited: kind 6, code -24
    refused: kind 1, code 1, `no more than 3`
    more than the parent has: refused
    job: `25`
    job: kind 1, `0 is no divisor`
    job: kind 3, `wasm trap: wasm `unreachable` instruction executed`
    job: `20`
    after the last: there is nothing to take
    inherited: 21
    ");
}

#[test]
fn each_part_of_the_binding_for_javascript() {
    let Some(ended) = binding("binding.js") else {
        return;
    };
    assert_eq!(ended.exit_code, 5, "{ended}");
    insta::assert_snapshot!(ended.stdout, @r#"
    arguments: ["a","b c"] true
    queue: hello 1,2,255 0 greeter {"tag":"exited","val":0}
    empty: empty: empty
    full: full: full
    closed: closed: closed
    pipe: PING false
    killed: {"tag":"killed"}
    lock: abandoned
    with: held not-held: not held
    alive: true timed-out: timed out
    terminated: {"tag":"terminated"}
    failed: failed RangeError: no more than 3
    not exported: invalid-argument: the task `() => 1` is not exported by the program's main module
    pool: 100,50,25 20
    pool failed: failed: RangeError: 0 is no divisor
    lost: worker-lost: the worker ended before its job: exited: 9
    unordered: 0,10;1,5
    "#);
}

/// A plugin of `tests/languages` receives handles, returns errors, and is ended when it loops.
fn behaves(file: &str) {
    let directory = empty_directory();
    let source = clone_root().join("tests/languages").join(file);
    if !is_built(directory.path(), source.to_str().unwrap(), "plugin.wasm") {
        return;
    }
    let path = directory.path().join("plugin.wasm");
    let call = |arguments: &[&str]| {
        let arguments = [&["call", "plugin.wasm"], arguments].concat();
        run(isopod(directory.path(), &arguments))
    };
    assert_eq!(call(&["echo", "--input", "hä"]).stdout, "hä");
    let failed = call(&["fail"]);
    assert_eq!(failed.exit_code, 1, "{failed}");
    assert!(failed.stderr.contains("function-failed"), "{failed}");
    assert!(failed.stderr.contains("on purpose"), "{failed}");
    let looped = call(&["loop", "--timeout", "100ms"]);
    assert_eq!(looped.exit_code, 124, "{looped}");

    let engine = Engine::new().unwrap();
    let program = Program::from_file(&engine, path).unwrap();
    let plugin = Plugin::new(&program).unwrap();
    let functions = plugin.functions();
    let echo = functions.iter().find(|function| function.name == "echo");
    assert_eq!(echo.unwrap().text, "The input.");
    let queue = Queue::new(Bounds::default());
    for input in [&b"first"[..], b"", b"\0\xff"] {
        let handles = [queue.to_handle()];
        plugin.call_here("put", input, &handles).unwrap();
        assert_eq!(queue.get().unwrap().bytes, input);
    }
    let error = plugin.call_here("put", b"", &[]).unwrap_err().to_string();
    assert!(error.contains("one queue is to come"), "{error}");
    let error = plugin.call_here("no-such", b"", &[]).unwrap_err();
    assert!(error.to_string().contains("no-such"), "{error}");
}

#[test]
fn a_plugin_in_c_behaves() {
    behaves("plugin.c");
}

#[test]
fn a_plugin_in_python_behaves() {
    behaves("plugin.py");
}

#[test]
fn a_plugin_in_javascript_behaves() {
    behaves("plugin.js");
}

#[test]
fn what_exists_is_not_touched() {
    let directory = empty_directory();
    std::fs::create_dir(directory.path().join("here")).unwrap();
    let mut told = String::new();
    for name in ["here", "no/where", "..", "std", "-x"] {
        let ended = run(isopod(
            directory.path(),
            &["new", "--lang", "c", "--", name],
        ));
        told += &format!("{name}\n{}\n", ended.own_error());
    }
    insta::assert_snapshot!(told, @"
    here
    error: `here` already exists
    hint: give another name, or remove it first

    no/where
    error: `no/where` cannot be the name
    hint: a name consists of letters, digits, `-` and `_`, starts with a letter, and has at most 64 bytes

    ..
    error: `..` cannot be the name
    hint: a name consists of letters, digits, `-` and `_`, starts with a letter, and has at most 64 bytes

    std
    error: `std` cannot be the name: it belongs to a library
    hint: give another name

    -x
    error: `-x` cannot be the name
    hint: a name consists of letters, digits, `-` and `_`, starts with a letter, and has at most 64 bytes
    ");
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 1);
    let inside = std::fs::read_dir(directory.path().join("here")).unwrap();
    assert_eq!(inside.count(), 0);
}

#[test]
fn what_comes_next_is_told() {
    let directory = empty_directory();
    let arguments = ["new", "--lang", "js", "--kind", "plugin", "words"];
    insta::assert_snapshot!(run(isopod(directory.path(), &arguments)), @"
    exit code: 0
    --- standard output
    created `words`, a plugin in JavaScript
      isopod build words
      isopod call words.wasm upper --input hello
    ");
}

#[test]
fn a_source_that_does_not_compile_is_an_error_that_names_the_place() {
    let directory = empty_directory();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("bad.c"), "int main(void) { return nothing; }\n").unwrap();
    std::fs::write(at("bad.py"), "import isopod\n\n@isopod.function\ndef f(:\n").unwrap();
    std::fs::write(at("bad.js"), "export function main( {\n").unwrap();
    for (name, place) in [
        ("bad.c", "bad.c:1:"),
        ("bad.py", "line 4"),
        ("bad.js", "bad.js"),
    ] {
        let ended = run(isopod(directory.path(), &["build", "-q", name]));
        if MISSING.iter().any(|text| ended.stderr.contains(text)) {
            println!("skipped: {}", ended.stderr);
            continue;
        }
        assert_eq!(ended.exit_code, 125, "{ended}");
        assert!(ended.stderr.contains(place), "{ended}");
        assert!(!at(name).with_extension("wasm").exists());
    }
}

#[test]
fn a_directory_with_two_main_files_is_refused() {
    let directory = empty_directory();
    std::fs::create_dir(directory.path().join("both")).unwrap();
    for name in ["main.c", "plugin.py"] {
        std::fs::write(directory.path().join("both").join(name), "").unwrap();
    }
    let ended = run(isopod(directory.path(), &["build", "both"]));
    let told = ended.own_error();
    assert!(
        told.contains("holds several main files: main.c, plugin.py"),
        "{told}"
    );
}

#[test]
fn without_permission_nothing_is_installed() {
    let directory = empty_directory();
    let nothing = directory.path().join("nothing");
    std::fs::create_dir(&nothing).unwrap();
    std::fs::write(directory.path().join("a.js"), "").unwrap();
    std::fs::write(directory.path().join("a.py"), "").unwrap();
    let mut told = String::new();
    for name in ["a.js", "a.py"] {
        let mut command = isopod(directory.path(), &["build", "--no-install", name]);
        command
            .env("PATH", &nothing)
            .env("ISOPOD_CACHE", directory.path().join("cache"));
        let ended = run(command);
        told += &format!("{name}\n{}\n", ended.own_error());
    }
    insta::assert_snapshot!(told, @"
    a.js
    error: there is no `node` to build JavaScript with
    cause: `node`: No such file or directory (os error 2)
    hint: install Node.js 18 or later with npm (Debian: nodejs, npm); it is needed for builds, programs run without it

    a.py
    error: there is no Python 3 to install `componentize-py==0.25.1` with
    cause: `python3`: No such file or directory (os error 2)
    hint: install Python 3.9 or later with its `venv` and pip (Debian: python3-venv); it is needed for builds, programs run without it
    ");
}
