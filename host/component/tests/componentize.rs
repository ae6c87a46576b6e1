//! Small core modules, made components and read back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use isopod_component::{Error, Kind, componentize, kind_of};
use wit_component::DecodedWasm;
use wit_parser::WorldItem;

/// The names of what a component imports and exports.
fn world_of(component: &[u8]) -> (Vec<String>, Vec<String>) {
    assert_eq!(kind_of(component), Kind::Component);
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(component)
        .expect("the component is valid");
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component).unwrap() else {
        panic!("not a component")
    };
    let names = |items: Vec<&WorldItem>| {
        items
            .into_iter()
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => resolve.id_of(*id),
                WorldItem::Function(function) => Some(function.name.clone()),
                WorldItem::Type { .. } => None,
            })
            .collect()
    };
    let world = &resolve.worlds[world];
    (
        names(world.imports.values().collect()),
        names(world.exports.values().collect()),
    )
}

fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

const COMMAND: &str = r#"(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_write"
        (func (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (i32.const 3)))
    (@custom "name-like" "kept")
)"#;

#[test]
fn a_command_keeps_its_exit_code_and_exports_run() {
    let (imports, exports) = world_of(&componentize(&module(COMMAND)).unwrap());
    assert!(
        imports.contains(&"isopod:multiprocessing/process@0.1.0".to_owned()),
        "exit goes to our interface: {imports:?}"
    );
    assert!(
        !imports
            .iter()
            .any(|name| name.starts_with("isopod:multiprocessing/queue")),
        "what is not called is not imported: {imports:?}"
    );
    assert!(
        exports.iter().any(|name| name.starts_with("wasi:cli/run@")),
        "{exports:?}"
    );
}

#[test]
fn a_command_that_never_exits_needs_no_interface_of_ours() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_write"
            (func (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start")))"#;
    let (imports, exports) = world_of(&componentize(&module(text)).unwrap());
    assert!(
        !imports.iter().any(|name| name.starts_with("isopod:")),
        "{imports:?}"
    );
    assert!(
        exports.iter().any(|name| name.starts_with("wasi:cli/run@")),
        "{exports:?}"
    );
}

#[test]
fn a_module_without_start_does_not_export_run() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (memory (export "memory") 1))"#;
    let (imports, exports) = world_of(&componentize(&module(text)).unwrap());
    assert!(
        imports.contains(&"isopod:multiprocessing/process@0.1.0".to_owned()),
        "{imports:?}"
    );
    assert_eq!(exports, Vec::<String>::new());
}

/// A module whose own bindings know the interface, as wit-bindgen leaves it.
#[test]
fn metadata_of_the_whole_world_is_kept_and_not_added_twice() {
    let mut resolve = wit_parser::Resolve::new();
    let (package, _) = resolve.push_dir("../../wit").unwrap();
    let world = resolve.select_world(&[package], Some("program")).unwrap();
    let text = r#"(module
        (import "isopod:multiprocessing/process@0.1.0" "current-id" (func $id (result i64)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (drop (call $id)) (call $exit (i32.const 3))))"#;
    let mut core_module = module(text);
    wit_component::embed_component_metadata(
        &mut core_module,
        &resolve,
        world,
        wit_component::StringEncoding::UTF8,
    )
    .unwrap();
    let (imports, _) = world_of(&componentize(&core_module).unwrap());
    let ours = imports
        .iter()
        .filter(|name| name.starts_with("isopod:multiprocessing/process"));
    assert_eq!(ours.count(), 1, "{imports:?}");
}

/// Bindings of some other package do not stand in the way of the interface that `exit` needs.
#[test]
fn metadata_of_another_package_is_merged() {
    let mut resolve = wit_parser::Resolve::new();
    let package = resolve
        .push_source(
            "other.wit",
            "package a:b; interface c { d: func() -> u32; } world w { import c; }",
        )
        .unwrap();
    let world = resolve.select_world(&[package], Some("w")).unwrap();
    let text = r#"(module
        (import "a:b/c" "d" (func $d (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (call $d))))"#;
    let mut core_module = module(text);
    wit_component::embed_component_metadata(
        &mut core_module,
        &resolve,
        world,
        wit_component::StringEncoding::UTF8,
    )
    .unwrap();
    let (imports, _) = world_of(&componentize(&core_module).unwrap());
    for name in ["a:b/c", "isopod:multiprocessing/process@0.1.0"] {
        assert!(imports.contains(&name.to_owned()), "{imports:?}");
    }
}

#[test]
fn unknown_imports_are_named() {
    let text = r#"(module
        (import "env" "emscripten_sleep" (func (param i32)))
        (import "wasi_snapshot_preview1" "thread_spawn" (func (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (memory (export "memory") 1)
        (func (export "_start")))"#;
    let error = componentize(&module(text)).unwrap_err();
    assert_eq!(
        error,
        Error::UnknownImports {
            names: vec![
                "env.emscripten_sleep".to_owned(),
                "wasi_snapshot_preview1.thread_spawn".to_owned(),
            ],
            more: 0,
        }
    );
    let text = error.to_string();
    assert!(
        text.starts_with("the module imports `env.emscripten_sleep`, `wasi_"),
        "{text}"
    );
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn a_long_list_of_unknown_imports_is_cut() {
    let functions: String = (0..20)
        .map(|n| format!("(import \"env\" \"f{n}\" (func))"))
        .collect();
    let error = componentize(&module(&format!("(module {functions})")))
        .unwrap_err()
        .to_string();
    assert!(error.contains("`env.f7` and 12 more"), "{error}");
}

/// An import with another signature is not the function we know; nothing is renamed.
#[test]
fn proc_exit_with_another_signature_is_an_error() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i64)))
        (memory (export "memory") 1)
        (func (export "_start")))"#;
    let result = componentize(&module(text));
    assert!(matches!(result, Err(Error::Encode(_))), "{result:?}");
}

#[test]
fn every_truncation_is_an_error_and_none_panics() {
    let whole = module(COMMAND);
    let mut ends_of_sections = 0;
    for length in 0..whole.len() {
        let result = componentize(&whole[..length]);
        match result {
            // Cut between two sections, with nothing missing that the rest needs, it is a module.
            Ok(_) => ends_of_sections += 1,
            Err(Error::NotWasm(_)) => assert!(length < 8, "{length}"),
            Err(Error::Malformed(_) | Error::Encode(_)) => assert!(length >= 8, "{length}"),
            Err(error) => panic!("{length}: {error}"),
        }
    }
    assert!(ends_of_sections < 10, "{ends_of_sections}");
}

#[test]
fn other_bytes_are_refused_with_what_they_are() {
    for (bytes, expected) in [
        (&b""[..], "not a WebAssembly file: it is empty"),
        (
            b"#!/bin/sh\necho",
            "not a WebAssembly file: it starts with `#!/bin/sh\\necho`",
        ),
        (
            b"(module)",
            "not a WebAssembly file: it looks like the text format (`.wat`); make it binary first, with `wasm-tools parse`",
        ),
        (
            b"\0asm\x0d\0\x01\0",
            "already a component, not a core module",
        ),
        (
            b"\0asm\x09\0\0\0",
            "WebAssembly of the unknown version [09, 00, 00, 00]; known are core modules and components",
        ),
    ] {
        assert_eq!(componentize(bytes).unwrap_err().to_string(), expected);
    }
}

/// Found by fuzzing: the parser of metadata panics on it.
#[test]
fn malformed_metadata_is_an_error() {
    let module = include_bytes!("../../../fuzz/corpus/component/malformed-metadata");
    let error = componentize(module).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the module cannot be made a component: the metadata of its bindings is malformed"
    );
}
