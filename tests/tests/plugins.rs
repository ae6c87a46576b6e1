//! Plugins: their functions are called, whatever they do, and nobody else is the worse for it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::{Engine, Plugin, Program};
use isopod_tests::plugins;

fn program(engine: &Engine) -> Program {
    Program::from_bytes(engine, "plugins", plugins().unwrap()).unwrap()
}

#[test]
fn a_function_is_called_by_name() {
    let engine = Engine::new().unwrap();
    let plugin = Plugin::new(&program(&engine)).unwrap();
    let names: Vec<String> = plugin
        .functions()
        .iter()
        .map(|function| function.name.clone())
        .collect();
    assert!(names.contains(&"numbers.sum".to_owned()), "{names:?}");
    let output = plugin.call_here("upper", b"hello", &[]).unwrap();
    assert_eq!(output.bytes, b"HELLO");
    let output = plugin.call_here("numbers.sum", b"[1, 2, 3]", &[]).unwrap();
    assert_eq!(output.bytes, b"6");
}
