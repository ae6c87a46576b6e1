//! Programs with random changes to their bytes: each is refused with an error, or runs and ends within its
//! limits, and the engine goes on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]
#![allow(clippy::print_stdout, reason = "shown with a test that fails")]

use isopod_host::{Capture, Command, Engine, ErrorKind, ExitStatus, Limits, Output, Program};
use isopod_tests::{GUARD, Random};
use std::time::Duration;

/// The number of rounds for each kind of bytes, unless the variable `ISOPOD_MUTATIONS` sets another.
const ROUNDS: u64 = 3_000;

/// Writes four bytes by way of a table and ends with 3.
const MODULE: &str = r#"(module
    (type $write (func (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (type $write)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (memory (export "memory") 1 4)
    (table 4 8 funcref)
    (elem (i32.const 0) $fd_write)
    (global $rounds (mut i32) (i32.const 3))
    (data (i32.const 8) "\10\00\00\00\04\00\00\00text")
    (func $begin (drop (memory.grow (i32.const 1))))
    (start $begin)
    (func (export "_start")
        (loop $more
            (global.set $rounds (i32.sub (global.get $rounds) (i32.const 1)))
            (br_if $more (global.get $rounds)))
        (drop (call_indirect (type $write)
            (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0) (i32.const 0)))
        (call $proc_exit (i32.const 3))))"#;

/// Changes bytes, or removes, repeats or cuts them.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.position(3) {
        let at = random.position(bytes.len().max(1));
        let length = random.position(16).min(bytes.len() - at);
        match random.position(8) {
            0 => drop(bytes.drain(at..at + length)),
            1 => {
                let repeated = bytes[at..at + length].to_vec();
                bytes.splice(at..at, repeated);
            }
            2 if random.position(8) == 0 => bytes.truncate(at),
            3 => bytes.insert(at, [0, 1, 0x7f, 0x80, 0xff][random.position(5)]),
            _ if bytes.is_empty() => {}
            4 | 5 => bytes[at] ^= 1 << random.position(8),
            _ => bytes[at] = random.draw().to_le_bytes()[0],
        }
    }
}

/// The exit status of the program with these bytes; none if it is refused.
fn ending(engine: &Engine, bytes: &[u8]) -> Option<ExitStatus> {
    let program = match Program::from_bytes(engine, "mutated", bytes) {
        Ok(program) => program,
        Err(error) => {
            let kinds = [
                ErrorKind::NotWasm,
                ErrorKind::InvalidProgram,
                ErrorKind::UnknownImport,
                ErrorKind::LimitExceeded,
            ];
            assert!(kinds.contains(&error.kind()), "{error:?}");
            return None;
        }
    };
    let limits = Limits::default()
        .memory(1 << 20)
        .cpu_time(Duration::from_millis(20))
        .timeout(Duration::from_millis(100));
    let output = || Output::Capture(Capture::new());
    let process = Command::new(&program)
        .limits(limits)
        .stdout(output())
        .stderr(output())
        .spawn()
        .unwrap();
    let status = process.join_tree_timeout(GUARD);
    Some(status.expect("a program ends"))
}

fn are_refused_or_end(original: &[u8], seed: u64) {
    let engine = Engine::new().unwrap();
    assert_eq!(ending(&engine, original), Some(ExitStatus::Exited(3)));
    let mut random = Random::new(seed);
    let (mut refused, mut as_before, mut otherwise) = (0, 0, 0);
    let rounds = match std::env::var("ISOPOD_MUTATIONS") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => ROUNDS,
    };
    for _ in 0..rounds {
        let mut bytes = original.to_vec();
        mutate(&mut bytes, &mut random);
        match ending(&engine, &bytes) {
            None => refused += 1,
            Some(ExitStatus::Exited(3)) => as_before += 1,
            Some(_) => otherwise += 1,
        }
    }
    println!("{refused} refused, {as_before} ended as before, {otherwise} otherwise");
    // Otherwise the mutations reach nothing.
    assert!(refused > 100 && as_before > 10 && otherwise > 5);
    assert_eq!(ending(&engine, original), Some(ExitStatus::Exited(3)));
    assert!(engine.processes().is_empty());
}

#[test]
fn modules_are_refused_or_end() {
    are_refused_or_end(&wat::parse_str(MODULE).unwrap(), 11);
}

#[test]
fn components_are_refused_or_end() {
    let module = wat::parse_str(MODULE).unwrap();
    are_refused_or_end(&isopod_component::componentize(&module).unwrap(), 12);
}
