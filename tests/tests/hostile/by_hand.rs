//! Programs that no compiler makes.

use crate::harness::Expectation::{self, Exits, Traps};
use crate::harness::arena;
use isopod_host::{Command, Program};

/// Runs a core module.
fn hostile_module(name: &str, text: &str, expectation: Expectation) {
    let arena = arena();
    let module = wat::parse_str(text).unwrap();
    let program = Program::from_bytes(&arena.engine, name, &module).unwrap();
    let command = Command::new(&program).memory_limit(16 << 20);
    arena.withstands(command, expectation);
}

#[test]
fn table_bomb() {
    let module = r#"(module
        (memory (export "memory") 1)
        (table $bomb 1 funcref)
        (func (export "_start")
            (if (i32.ne (table.grow $bomb (ref.null func) (i32.const -1)) (i32.const -1))
                (then unreachable))
            (loop $more
                (br_if $more (i32.ne
                    (table.grow $bomb (ref.null func) (i32.const 1000))
                    (i32.const -1))))
            (if (i32.gt_u (table.size $bomb) (i32.const 20000)) (then unreachable))))"#;
    hostile_module("table-bomb", module, Exits(""));
}

#[test]
fn memory_bomb_without_a_fault() {
    let module = r#"(module
        (memory (export "memory") 1)
        (func (export "_start")
            (if (i32.ne (memory.grow (i32.const 65535)) (i32.const -1)) (then unreachable))
            (loop $more
                (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
            (if (i32.gt_u (memory.size) (i32.const 256)) (then unreachable))))"#;
    hostile_module("memory-bomb-by-hand", module, Exits(""));
}

#[test]
fn endless_start_function() {
    let module = r#"(module
        (memory (export "memory") 1)
        (func $endless (loop $again (br $again)))
        (start $endless)
        (func (export "_start")))"#;
    let arena = arena();
    let module = wat::parse_str(module).unwrap();
    let program = Program::from_bytes(&arena.engine, "endless-start", &module).unwrap();
    let command = Command::new(&program).timeout(std::time::Duration::from_millis(20));
    arena.withstands(command, Expectation::ReachesItsDeadline);
}

#[test]
fn a_function_with_a_name_of_a_mebibyte() {
    let name = "n".repeat(1 << 20);
    let module = format!(
        r#"(module
            (memory (export "memory") 1)
            (func ${name} unreachable)
            (func (export "_start") (call ${name})))"#
    );
    hostile_module("giant-function-name", &module, Traps("unreachable"));
}
