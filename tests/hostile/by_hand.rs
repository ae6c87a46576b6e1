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

/// Names whose texts would take terabytes if the host read them whole.
#[test]
fn functions_with_names_that_repeat_what_they_said() {
    let mut nested = "_Z1fN1a1bE".to_owned();
    for level in 0..10 {
        nested.push_str("N1a1bI");
        nested.push_str(&format!("S{level}_").repeat(16));
        nested.push_str("EE");
    }
    let tuples = format!("_RINvC1a1bTaaE{}E", "TB8_B8_B8_E".repeat(200));
    for name in [
        nested,
        tuples,
        "_RINvC1a1bFGzzzzzzzzz_EuE".to_owned(),
        format!("_Z1f{}i", "P".repeat(4_000)),
        format!("_ZN{}E", "1a".repeat(2_000)),
        format!("_Z1f{}i{}", "1aI".repeat(1_000), "E".repeat(1_000)),
    ] {
        let module = format!(
            r#"(module
                (memory (export "memory") 1)
                (func $f (@name "{name}") unreachable)
                (func (export "_start") (call $f)))"#
        );
        let arena = arena();
        let module = wat::parse_str(module).unwrap();
        let program = Program::from_bytes(&arena.engine, "name-bomb", &module).unwrap();
        let begin = std::time::Instant::now();
        let process = Command::new(&program)
            .memory_limit(1 << 20)
            .timeout(std::time::Duration::from_secs(2))
            .spawn()
            .unwrap();
        let status = process.join_tree_timeout(isopod_tests::GUARD).unwrap();
        // The report exists before the end, so the time-out did not end the program.
        let text = status.to_string();
        assert!(text.starts_with("trapped: "), "{text}");
        assert!(text.len() < 2_000, "{} bytes", text.len());
        let took = begin.elapsed();
        assert!(took < std::time::Duration::from_secs(2), "{took:?}");
    }
}

#[test]
fn names_that_forge_frames_are_escaped() {
    let module = r#"(module
        (memory (export "memory") 1)
        (func $f (@name "a\0a    1: forged\u{202e}\1b[2J") unreachable)
        (func (export "_start") (call $f)))"#;
    let arena = arena();
    let module = wat::parse_str(module).unwrap();
    let program = Program::from_bytes(&arena.engine, "forged-name", &module).unwrap();
    let process = Command::new(&program).spawn().unwrap();
    process.join_tree_timeout(isopod_tests::GUARD).unwrap();
    let report = process.crash_report().unwrap().to_string();
    assert!(
        report.contains("0: a\\n    1: forged\\u{202e}\\u{1b}[2J at "),
        "{report}"
    );
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

/// The charge for the kept parts of an end lasts as long as the record of the process.
#[test]
fn what_a_backtrace_takes_is_charged() {
    let arena = arena();
    let charged = |name: &str| {
        let module = format!(
            r#"(module
                (memory (export "memory") 1)
                (func $f (@name "{name}") (param i32)
                    (if (i32.eqz (local.get 0)) (then unreachable))
                    (call $f (i32.sub (local.get 0) (i32.const 1))))
                (func (export "_start") (call $f (i32.const 200))))"#
        );
        let module = wat::parse_str(module).unwrap();
        let program = Program::from_bytes(&arena.engine, "deep", &module).unwrap();
        let process = Command::new(&program).spawn().unwrap();
        let status = process.join_tree_timeout(isopod_tests::GUARD).unwrap();
        let frames = process.crash_report().unwrap().backtrace;
        let names: usize = frames.iter().map(|frame| frame.function.len()).sum();
        let text = status.to_string().len();
        // The charge for the life of the process ends a moment after it.
        let life = 128 << 10;
        let usage = || process.tree_usage().host_memory_bytes;
        isopod_tests::eventually("only its record is charged", || usage() < life);
        (
            usize::try_from(usage()).unwrap(),
            names + text,
            frames.len(),
        )
    };
    let (short, of_short, _) = charged("f");
    let (long, of_long, frames) = charged(&"f".repeat(300));
    assert!(frames >= 50, "{frames} frames");
    assert!(of_long - of_short >= frames * 290, "{of_short} {of_long}");
    // The memory of a short name is longer than the name itself.
    let unused = frames * 8;
    assert!(
        long - short + unused >= of_long - of_short,
        "{short} bytes for {of_short}, {long} for {of_long}"
    );
}
