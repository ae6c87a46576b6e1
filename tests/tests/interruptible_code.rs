//! What loops do is the same when they are unrolled: random functions, compiled as they are and unrolled.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_tests::Random;
use std::fmt::Write as _;
use wasmtime::{Engine, Instance, Module, Store};

/// Enough that most functions leave their loops in every way that they can, few enough to be fast.
const ROUNDS: u32 = 400;

/// Writes a function that goes around in loops and leaves them as chance has it. Its state changes at each
/// step, and decides which way it goes, so two runs that differ once give different states.
struct Writer<'a> {
    random: &'a mut Random,
    text: String,
}

impl Writer<'_> {
    fn number(&mut self, below: u64) -> u64 {
        self.random.draw() % below
    }

    fn statements(&mut self, labels: u64, depth: u32) {
        for _ in 0..=self.number(4) {
            self.statement(labels, depth);
        }
    }

    /// `labels` are open; the outermost is the function's own, which gives a value.
    fn statement(&mut self, labels: u64, depth: u32) {
        let choice = if depth == 0 { 4 } else { 9 };
        let bit = self.number(60);
        let condition = format!("(i32.wrap_i64 (i64.shr_u (local.get $state) (i64.const {bit})))");
        let target = self.number(labels);
        match self.number(choice) {
            0 => write!(
                self.text,
                "(br_if {target} (i32.and {condition} (i32.const 1)))"
            ),
            1 if self.number(3) == 0 => write!(self.text, "(br {target})"),
            2 if self.number(2) == 0 => {
                let others: Vec<String> = (0..=self.number(3))
                    .map(|_| self.number(labels).to_string())
                    .collect();
                let mask = self.number(8);
                write!(
                    self.text,
                    "(br_table {} {target} (i32.and {condition} (i32.const {mask})))",
                    others.join(" ")
                )
            }
            4 => {
                self.text.push_str("(block ");
                self.statements(labels + 1, depth - 1);
                self.text.write_str(")")
            }
            5 => {
                write!(
                    self.text,
                    "(if (i32.and {condition} (i32.const 1)) (then "
                )
                .unwrap();
                self.statements(labels + 1, depth - 1);
                self.text.push_str(") (else ");
                self.statements(labels + 1, depth - 1);
                self.text.write_str("))")
            }
            6 | 7 => self.repeated("", depth, labels, ")"),
            8 => self.repeated(
                "(local.set $state (i64.xor (local.get $state)",
                depth,
                labels,
                "(local.get $state))))",
            ),
            _ => {
                let number = self.random.draw();
                write!(
                    self.text,
                    "(local.set $state (i64.add (i64.mul (local.get $state) (i64.const 6364136223846793005)) (i64.const {number})))"
                )
            }
        }
        .unwrap();
    }

    /// A loop, whose value is used if it has something around it. It goes on with its next round as chance has
    /// it, as long as there are rounds left for all loops.
    fn repeated(&mut self, before: &str, depth: u32, labels: u64, after: &str) -> std::fmt::Result {
        let result = if before.is_empty() {
            ""
        } else {
            "(result i64)"
        };
        write!(
            self.text,
            "{before} (loop {result}
                (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                (if (i32.eqz (local.get $left)) (then (return (local.get $state))))"
        )?;
        self.statements(labels + 1, depth - 1);
        let bit = self.number(60);
        let shift = format!("(i64.shr_u (local.get $state) (i64.const {bit}))");
        write!(
            self.text,
            "(br_if 0 (i32.and (i32.wrap_i64 {shift}) (i32.const 3))) {after}"
        )
    }

    fn module(mut self) -> String {
        self.text.push_str(
            "(module (func (export \"run\") (param $state i64) (param $left i32) (result i64) (block ",
        );
        // Of its labels only those are gone to that give no value: not the function's.
        for _ in 0..3 {
            self.statement(1, 4);
            self.repeated("", 3, 1, ")").unwrap();
        }
        self.text.push_str(") (local.get $state)))");
        self.text
    }
}

fn run(engine: &Engine, wasm: &[u8], state: u64) -> u64 {
    let module = Module::new(engine, wasm).unwrap();
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance
        .get_typed_func::<(u64, u32), u64>(&mut store, "run")
        .unwrap();
    run.call(&mut store, (state, ROUNDS)).unwrap()
}

#[test]
fn random_functions_do_the_same() {
    let mut random = Random::from_environment();
    let engine = Engine::default();
    let (mut written, mut unrolled, mut gave_something) = (0, 0, 0);
    // About each third one has a loop that is small enough.
    while unrolled < 100 {
        written += 1;
        assert!(written < 3_000, "only {unrolled} have small loops");
        let text = Writer {
            random: &mut random,
            text: String::new(),
        }
        .module();
        let wasm = wat::parse_str(&text).unwrap();
        let Some(other) = isopod_component::unroll_loops(&wasm) else {
            continue;
        };
        unrolled += 1;
        assert!(
            other.len() <= (2 * wasm.len()).max(wasm.len() + (4 << 10)) + 10,
            "{} bytes became {}",
            wasm.len(),
            other.len()
        );
        for _ in 0..3 {
            let state = random.draw();
            let expected = run(&engine, &wasm, state);
            assert_eq!(run(&engine, &other, state), expected, "{state}: {text}");
            gave_something += u32::from(expected != state);
        }
    }
    assert!(
        gave_something > unrolled,
        "hardly any function did anything"
    );
}
