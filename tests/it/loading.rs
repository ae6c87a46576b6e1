//! Whatever the program, its loading is bounded, and every long step of its loading or run can be
//! interrupted.
//!
//! The tests assert bounds of time as an embedder sees them: the time of a call, and the time from a
//! deadline to the end of the process. The bounds are far above the times of an idle machine, and far below
//! the times that each of these programs once took.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_host::code::CompileLimits;
use isopod_host::{Command, Engine, ErrorKind, ExitStatus, LimitKind, Limits, Program};
use isopod_tests::{GUARD, assert_passed, rerun};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// The longest time from a deadline to the end of the process, including the clearing of its memory.
const SOON: Duration = Duration::from_secs(2);
/// The timeout of the program: long enough that it is in the middle of its loop.
const TIME: Duration = Duration::from_millis(300);

/// A component that exports `wasi:cli/run`, whose core module runs `body` for ever, this deep in components.
fn endless(fields: &str, body: &str, depth: usize) -> Vec<u8> {
    let mut text = format!(
        r#"(component $c
            (core module $m {fields} (func (export "run") (result i32)
                (loop $again {body} (br $again)) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func (export "run") (result (result)) (canon lift (core func $i "run"))))"#
    );
    for _ in 1..depth {
        text = format!(
            r#"(component $c {text} (instance $i (instantiate $c)) (export "run" (func $i "run")))"#
        );
    }
    wat::parse_str(format!(
        r#"(component {text} (instance $i (instantiate $c))
            (instance $run (export "run" (func $i "run")))
            (export "wasi:cli/run@0.2.12" (instance $run)))"#
    ))
    .unwrap()
}

/// Programs that once took seconds after the time-out, or as long as they wished.
#[test]
fn whatever_takes_long_ends_soon_after_its_deadline() {
    // The time of compiling is no matter of this test, and is long on a busy machine.
    let compile_limits = CompileLimits::default().time(Duration::from_secs(1_200));
    let engine = Engine::builder().max_processes(4);
    let engine = engine.compile_limits(compile_limits).build().unwrap();
    let fill = "(memory.fill $m (i32.const 0) (i32.const 1) (i32.const 0x3fffffff))";
    let largest = "(memory $m 65536)";
    let row = |instruction: &str| instruction.repeat(60_000);
    let cases: [(&str, &str, String, usize); 11] = [
        ("at once", "(memory $m 16384)", fill.to_owned(), 1),
        ("nested deep", "(memory $m 16384)", fill.to_owned(), 30),
        (
            "second memory",
            "(memory 1) (memory $m 16384)",
            fill.to_owned(),
            1,
        ),
        (
            "fill to 2^32",
            largest,
            "(memory.fill (i32.const 1) (i32.const 7) (i32.const -1))".to_owned(),
            1,
        ),
        (
            "copy to 2^32",
            largest,
            "(memory.copy (i32.const 1) (i32.const 0) (i32.const -1))".to_owned(),
            1,
        ),
        (
            "copy from 2^32",
            largest,
            "(memory.copy (i32.const 0) (i32.const 1) (i32.const -1))".to_owned(),
            1,
        ),
        (
            "between memories",
            "(memory $m 16384) (memory $n 16384)",
            "(memory.copy $n $m (i32.const 1) (i32.const 0) (i32.const 0x3ffffff0))".to_owned(),
            1,
        ),
        (
            "fills in a row",
            "(memory 1)",
            row("(memory.fill (i32.const 0) (i32.const 7) (i32.const 65536))"),
            1,
        ),
        (
            "tables in a row",
            "(table 20000 funcref)",
            row("(table.fill (i32.const 0) (ref.null func) (i32.const 20000))"),
            1,
        ),
        (
            "copies of tables in a row",
            "(table 20000 funcref)",
            row("(table.copy (i32.const 0) (i32.const 1) (i32.const 19999))"),
            1,
        ),
        (
            "segments in a row",
            &format!("(memory 2) (data $d \"{}\")", "x".repeat(65_536)),
            row("(memory.init $d (i32.const 0) (i32.const 0) (i32.const 65536))"),
            1,
        ),
    ];
    for (name, fields, body, depth) in cases {
        let program = Program::from_bytes(&engine, name, &endless(fields, &body, depth)).unwrap();
        let limits = Limits::default()
            .memory(4 << 30)
            .tree_memory(4 << 30)
            .timeout(TIME);
        let begin = Instant::now();
        let process = Command::new(&program).limits(limits).spawn().unwrap();
        let status = process.join_tree_timeout(GUARD).unwrap();
        let after = begin.elapsed().saturating_sub(TIME);
        assert!(
            matches!(status, ExitStatus::Deadline(_)),
            "{name}: {status}"
        );
        assert!(after < SOON, "{name} ended {after:?} after its deadline");
    }
}

/// A core module with `n` items of a kind whose cost for each could grow with their number.
fn many(what: &str, n: usize) -> String {
    let function = |body: String| format!("(module (func (param i32) {body}))");
    let repeated = |text: &str| text.repeat(n);
    let numbered = |write: &dyn Fn(usize) -> String| (0..n).map(write).collect::<String>();
    match what {
        "nested blocks" => function(format!("{}{}", repeated("block "), repeated("end "))),
        "nested loops" => function(format!("{}{}", repeated("loop "), repeated("end "))),
        "branches out of nested blocks" => function(format!(
            "{}{}{}",
            repeated("block "),
            numbered(&|depth| format!("local.get 0 br_if {depth} ")),
            repeated("end ")
        )),
        "calls in nested blocks" => function(format!(
            "{}{}{}",
            repeated("block "),
            repeated("local.get 0 call 0 "),
            repeated("end ")
        )),
        "small loops" => function(repeated("loop local.get 0 br_if 0 end ")),
        "targets of a branch" => function(format!(
            "(block (block (loop (br_table {} (local.get 0)))))",
            numbered(&|target| format!("{} ", target % 3))
        )),
        "copies" => format!(
            "(module (memory 1) (func (param i32) {}))",
            repeated("(memory.copy (local.get 0) (i32.const 0) (local.get 0))")
        ),
        "functions" => format!("(module {})", repeated("(func)")),
        "exports" => format!(
            "(module (func) {})",
            numbered(&|number| format!("(export \"{number}\" (func 0))"))
        ),
        "imports" => format!(
            "(module {})",
            numbered(&|number| format!("(import \"m\" \"{number}\" (func))"))
        ),
        "types" => format!("(module {})", repeated("(type (func (param i32)))")),
        "names" => format!(
            "(module {})",
            numbered(&|number| format!("(func $f{number})"))
        ),
        "segments" => format!(
            "(module (memory 1) {})",
            (0..n.min(90_000))
                .map(|_| "(data \"x\")")
                .collect::<String>()
        ),
        "custom sections" => format!("(module {})", repeated("(@custom \"name\" \"x\")")),
        "core modules" => format!("(component {})", "(core module (func))".repeat(n.min(900))),
        "types of components" => format!("(component {})", repeated("(type (list u8))")),
        other => panic!("{other}"),
    }
}

#[test]
fn changing_takes_time_in_proportion() {
    for what in [
        "nested blocks",
        "nested loops",
        "branches out of nested blocks",
        "calls in nested blocks",
        "small loops",
        "targets of a branch",
        "copies",
        "functions",
        "exports",
        "imports",
        "types",
        "names",
        "segments",
        "custom sections",
        "core modules",
        "types of components",
    ] {
        let time = |n: usize| {
            let wasm = wat::parse_str(many(what, n)).unwrap();
            let begin = Instant::now();
            isopod_component::make_interruptible(&wasm).unwrap();
            begin.elapsed()
        };
        let (few, many) = (time(25_000), time(200_000));
        // Eight times as many items, in at most 24 times the time; work that grows with the square takes 64
        // times. The constant covers times that are too short to tell apart.
        let bound = few * 24 + Duration::from_millis(400);
        assert!(many < bound, "{what}: {few:?}, then {many:?}");
    }
}

/// A function that is slow to compile: it changes `locals` locals in `blocks` blocks.
fn slow_to_compile(functions: usize, locals: usize, blocks: usize) -> Vec<u8> {
    let mut text =
        String::from("(module (memory (export \"memory\") 1) (func (export \"_start\"))");
    for number in 0..functions {
        let _ = write!(text, "(func (param i32) (local {})", "i64 ".repeat(locals));
        for block in 0..blocks {
            let local = 1 + (block * 7 + number) % locals;
            let other = 1 + (block * 13) % locals;
            let _ = write!(
                text,
                "(if (i32.and (local.get 0) (i32.const {block})) (then (local.set {local}
                    (i64.add (local.get {other}) (i64.const {block})))))"
            );
        }
        text.push(')');
    }
    text.push(')');
    wat::parse_str(text).unwrap()
}

#[test]
fn compiling_gives_up_in_time() {
    const LIMIT: Duration = Duration::from_millis(500);
    let limits = CompileLimits::default().time(LIMIT);
    let engine = Engine::builder()
        .max_processes(4)
        .compile_limits(limits)
        .build()
        .unwrap();
    let slow = slow_to_compile(40, 200, 2_000);
    let begin = Instant::now();
    let error = Program::from_bytes(&engine, "slow", &slow).unwrap_err();
    assert!(begin.elapsed() < LIMIT + SOON, "{:?}", begin.elapsed());
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert!(error.to_string().contains("CompileLimits::time"), "{error}");
    // The compilation goes on, as the documentation says; the work of the others goes on too.
    let engine = Engine::builder().max_processes(4).build().unwrap();
    let small =
        wat::parse_str("(module (memory (export \"memory\") 1) (func (export \"_start\")))");
    let program = Program::from_bytes(&engine, "small", &small.unwrap()).unwrap();
    let status = Command::new(&program).spawn().unwrap().join_tree();
    assert_eq!(status, ExitStatus::Exited(0));
}

#[test]
fn not_everything_is_compiled_at_once_that_nobody_waits_for() {
    let limits = CompileLimits::default().time(Duration::from_millis(1));
    let engine = Engine::builder()
        .max_processes(4)
        .compile_limits(limits)
        .build()
        .unwrap();
    let slow = slow_to_compile(40, 200, 2_000);
    let mut texts: Vec<String> = Vec::new();
    for _ in 0..3 {
        texts.push(
            Program::from_bytes(&engine, "slow", &slow)
                .unwrap_err()
                .to_string(),
        );
    }
    let (last, first) = texts.split_last().unwrap();
    assert!(
        first
            .iter()
            .all(|text| text.contains("was not compiled within")),
        "{first:?}"
    );
    assert!(last.contains("2 compilations go on"), "{last}");
}

#[test]
fn what_is_too_large_is_refused_with_its_limit() {
    let limits = CompileLimits::default().program_bytes(1 << 20);
    let engine = Engine::builder()
        .max_processes(4)
        .compile_limits(limits)
        .build()
        .unwrap();
    let refused = |wasm: &[u8]| Program::from_bytes(&engine, "bomb", wasm).unwrap_err();
    let error = refused(
        &wat::parse_str(format!(
            "(module (memory 99) (data \"{}\"))",
            "x".repeat(1 << 20)
        ))
        .unwrap(),
    );
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(
        error.to_string().contains("CompileLimits::program_bytes"),
        "{error}"
    );

    // A file that does not give its size, and never ends.
    let error = format!(
        "{:?}",
        Program::from_file(&engine, "/dev/zero").unwrap_err()
    );
    assert!(error.contains("not a regular file"), "{error}");

    let engine = Engine::builder().max_processes(4).build().unwrap();
    let refused = |text: &str| {
        let begin = Instant::now();
        let error =
            Program::from_bytes(&engine, "bomb", &wat::parse_str(text).unwrap()).unwrap_err();
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{:?}",
            begin.elapsed()
        );
        // Beyond a limit, or something that no program may have.
        let kind = match error.limit() {
            Some(LimitKind::Program) => ErrorKind::LimitExceeded,
            _ => ErrorKind::InvalidProgram,
        };
        assert_eq!(error.kind(), kind, "{error:?}");
        (error.limit().is_some(), format!("{error:?}"))
    };
    let mut doubling = String::from("(component $c)");
    for _ in 0..30 {
        doubling = format!(
            "(component $c {doubling} (instance (instantiate $c)) (instance (instantiate $c)))"
        );
    }
    for (text, is_limit, limit) in [
        (doubling, true, "1000000 items"),
        (
            format!("{}{}", "(component ".repeat(60), ")".repeat(60)),
            true,
            "32 deep",
        ),
        (
            format!("(module (func {}))", "nop ".repeat(3 << 20)),
            true,
            "2097152 bytes",
        ),
        ("(module (memory i64 1))".to_owned(), false, "memory64"),
        ("(module (memory 1 1 shared))".to_owned(), false, "threads"),
        (
            format!("(component (import \"{}\" (component)))", "a".repeat(9_000)),
            false,
            "imports a component",
        ),
    ] {
        let (at_limit, error) = refused(&text);
        assert_eq!(at_limit, is_limit, "{error}");
        assert!(error.contains(limit), "{limit}: {error}");
        assert!(error.len() < 4_000, "{} bytes", error.len());
    }
}

/// Nothing in the environment changes the compilation: this test runs itself with such variables.
#[test]
fn no_variable_turns_interruption_off() {
    const MARK: &str = "ISOPOD_TEST_IN_ENVIRONMENT";
    if std::env::var_os(MARK).is_none() {
        let again = rerun(module_path!(), "no_variable_turns_interruption_off")
            .env(MARK, "1")
            .env("WASMTIME_BACKTRACE_DETAILS", "1")
            .output();
        assert_passed(again);
        return;
    }
    let engine = Engine::builder().max_processes(4).build().unwrap();
    let fill = "(memory.fill (i32.const 1) (i32.const 7) (i32.const -1))";
    let program = endless("(memory 65536)", fill, 1);
    let program = Program::from_bytes(&engine, "fill", &program).unwrap();
    let limits = Limits::default()
        .memory(4 << 30)
        .tree_memory(4 << 30)
        .timeout(TIME);
    let begin = Instant::now();
    let process = Command::new(&program).limits(limits).spawn().unwrap();
    assert!(matches!(
        process.join_tree_timeout(GUARD),
        Some(ExitStatus::Deadline(_))
    ));
    assert!(begin.elapsed() < TIME + SOON, "{:?}", begin.elapsed());
}
