//! A program whose instances no process could hold is refused at its loading, with the value and the limit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::{Command, Engine, ErrorKind, ExitStatus, Program};

/// A program of this core module with these fields, instantiated this many times, which ends at once.
fn program(fields: &str, count: usize) -> Vec<u8> {
    let more = "(core instance (instantiate $m))".repeat(count - 1);
    wat::parse_str(format!(
        r#"(component
            (core module $m {fields} (func (export "run") (result i32) (i32.const 0)))
            (core instance $i (instantiate $m)) {more}
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance $run (export "run" (func $run)))
            (export "wasi:cli/run@0.2.12" (instance $run)))"#
    ))
    .unwrap()
}

/// The same, but the module is handed to an inner component.
fn handed_over(fields: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(component
            (core module $m {fields} (func (export "run") (result i32) (i32.const 0)))
            (component $c
                (import "m" (core module $n (export "run" (func (result i32)))))
                (core instance $i (instantiate $n))
                (func (export "run") (result (result)) (canon lift (core func $i "run"))))
            (instance $i (instantiate $c (with "m" (core module $m))))
            (instance $run (export "run" (func $i "run")))
            (export "wasi:cli/run@0.2.12" (instance $run)))"#
    ))
    .unwrap()
}

fn runs(engine: &Engine, bytes: &[u8], case: &str) {
    let program = Program::from_bytes(engine, "p", bytes);
    let program = program.unwrap_or_else(|error| panic!("{case}: {error:?}"));
    let process = Command::new(&program).spawn().unwrap();
    assert_eq!(process.join(), ExitStatus::Exited(0), "{case}");
}

fn refusal(engine: &Engine, bytes: &[u8], case: &str) -> String {
    let refused = Program::from_bytes(engine, "p", bytes);
    let error = refused.err().unwrap_or_else(|| panic!("{case} loads"));
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{case}: {error:?}");
    error.to_string()
}

#[test]
fn instances_that_no_process_could_have_are_refused() {
    let builder = || Engine::builder().max_processes(4);
    let pooled = builder().build().unwrap();
    let on_demand = builder().pooling(false).build().unwrap();
    let globals = "(global i32 (i32.const 0))".repeat(140_000);
    let tables = |count: usize| "(table 1 funcref)".repeat(count);
    let memories = |count: usize| "(memory 1)".repeat(count);
    // The fields, the number of their instances, the rest of the text of the refusal, and whether the pool
    // refuses.
    for (fields, count, text, is_of_pool) in [
        (
            String::new(),
            21,
            "21 instances of core modules, above the limit of 20",
            false,
        ),
        (
            memories(3),
            1,
            "3 linear memories, above the limit of 2",
            false,
        ),
        (
            memories(1),
            3,
            "3 linear memories, above the limit of 2",
            false,
        ),
        (tables(21), 1, "21 tables, above the limit of 20", false),
        (tables(11), 2, "22 tables, above the limit of 20", false),
        (
            "(table 20001 funcref)".to_owned(),
            1,
            "a table of 20001 elements, above the limit of 20000 for instances from a pool",
            true,
        ),
        (globals, 1, "has instances beyond a limit of the pool", true),
    ] {
        let bytes = program(&fields, count);
        let told = refusal(&pooled, &bytes, text);
        assert!(told.contains(text), "{told}");
        assert_eq!(
            told.contains("EngineBuilder::pooling"),
            is_of_pool,
            "{told}"
        );
        match is_of_pool {
            true => runs(&on_demand, &bytes, text),
            false => assert_eq!(refusal(&on_demand, &bytes, text), told),
        }
    }
    // Exactly at the limits.
    for (fields, count) in [
        (String::new(), 20),
        (memories(2), 1),
        (memories(1), 2),
        (tables(20), 1),
        (tables(2), 10),
        ("(table 20000 funcref)".to_owned(), 1),
        ("(global i32 (i32.const 0))".repeat(120_000), 1),
    ] {
        let case = &fields[..fields.len().min(20)];
        runs(&pooled, &program(&fields, count), case);
        runs(&on_demand, &program(&fields, count), case);
    }
}

#[test]
fn what_only_the_engine_can_count_is_a_limit_all_the_same() {
    let engine = Engine::builder().max_processes(4).build().unwrap();
    runs(&engine, &handed_over(""), "none");
    for fields in ["(memory 1)".repeat(3), "(table 1 funcref)".repeat(21)] {
        let told = refusal(&engine, &handed_over(&fields), &fields);
        assert!(told.contains("beyond a limit of the pool"), "{told}");
    }
}
