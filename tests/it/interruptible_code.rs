//! The change that makes code interruptible leaves its behaviour as it was. The tests compile random
//! functions, copies and fills both unchanged and changed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use isopod_tests::Random;
use std::fmt::Write as _;
use wasmtime::{Config, Engine, Instance, Memory, Module, Store, TypedFunc, UpdateDeadline};

/// Enough that most functions leave their loops in every possible way, and few enough to be fast.
const ROUNDS: u32 = 400;

/// Writes a function that goes around in loops and leaves them at random. Its state changes at each step
/// and decides the way, so two runs that differ once give different states.
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

    /// A loop. Its value is used if something surrounds it. It goes on to its next round at random, as long
    /// as all loops together have rounds left.
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
        // It branches only to labels without a value: not to the function's own.
        for _ in 0..3 {
            self.statement(1, 4);
            self.repeated("", 3, 1, ")").unwrap();
        }
        self.text.push_str(") (local.get $state)))");
        self.text
    }
}

/// The changed form of a module that has something to change.
fn changed(wasm: &[u8]) -> Vec<u8> {
    let changed = isopod_component::make_interruptible(wasm).unwrap();
    changed.expect("there is something to change")
}

fn instantiate<T: 'static>(engine: &Engine, wasm: &[u8], data: T) -> (Store<T>, Instance) {
    let module = Module::new(engine, wasm).unwrap();
    let mut store = Store::new(engine, data);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

fn run(engine: &Engine, wasm: &[u8], state: u64) -> u64 {
    let (mut store, instance) = instantiate(engine, wasm, ());
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
    // About one in three has a loop that is small enough.
    while unrolled < 100 {
        written += 1;
        assert!(written < 3_000, "only {unrolled} have small loops");
        let text = Writer {
            random: &mut random,
            text: String::new(),
        }
        .module();
        let wasm = wat::parse_str(&text).unwrap();
        let Some(other) = isopod_component::make_interruptible(&wasm).unwrap() else {
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

/// Copies and fills, in five pages of memory; and short ones, which are not changed.
const BULK: &str = r#"(module (memory (export "memory") 5)
    (func (export "copy") (param i32 i32 i32)
        (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill") (param i32 i32 i32)
        (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "few") (param i32 i32 i32) (local $rounds i32)
        (loop
            (memory.copy (local.get 0) (local.get 1) (i32.const 64))
            (memory.fill (local.get 0) (local.get 1) (i32.const 2048))
            (br_if 0 (i32.lt_u (local.tee $rounds (i32.add (local.get $rounds) (i32.const 1)))
                (i32.and (local.get 2) (i32.const 15)))))))"#;

const MEMORY_BYTES: u32 = 5 << 16;

struct Bulk {
    store: Store<()>,
    memory: Memory,
    operations: [TypedFunc<(u32, u32, u32), ()>; 3],
}

impl Bulk {
    fn new(wasm: &[u8]) -> Bulk {
        let (mut store, instance) = instantiate(&Engine::default(), wasm, ());
        let operations =
            ["copy", "fill", "few"].map(|name| instance.get_typed_func(&mut store, name).unwrap());
        Bulk {
            memory: instance.get_memory(&mut store, "memory").unwrap(),
            store,
            operations,
        }
    }

    /// Runs an operation and returns the trap, if it traps.
    fn run(&mut self, operation: usize, arguments: (u32, u32, u32)) -> Option<wasmtime::Trap> {
        let operation = self.operations.get(operation).unwrap();
        let error = operation.call(&mut self.store, arguments).err()?;
        Some(*error.downcast_ref::<wasmtime::Trap>().unwrap())
    }
}

#[test]
fn copies_and_fills_do_the_same() {
    let mut random = Random::from_environment();
    let wasm = wat::parse_str(BULK).unwrap();
    let other = changed(&wasm);
    let (mut as_it_is, mut changed) = (Bulk::new(&wasm), Bulk::new(&other));
    let bytes: Vec<u8> = (0..MEMORY_BYTES)
        .map(|_| random.draw().to_le_bytes()[0])
        .collect();
    for bulk in [&mut as_it_is, &mut changed] {
        bulk.memory.write(&mut bulk.store, 0, &bytes).unwrap();
    }
    let mut below = |limit: u32| u32::try_from(random.draw() % u64::from(limit)).unwrap();
    let mut traps = 0;
    for _ in 0..4_000 {
        // Lengths mostly around that of the pieces; ranges near each other and far apart; at the end of the
        // memory and of the range of 32 bits.
        let length = match below(8) {
            0 | 1 => below(20),
            2..=4 => (below(8) * 2048 + below(5)).saturating_sub(2),
            5 => below(MEMORY_BYTES + 2),
            6 => (below(6) * 65_536 + below(5)).saturating_sub(2),
            _ => u32::MAX - below(MEMORY_BYTES),
        };
        let to = match below(8) {
            0..=4 => below(MEMORY_BYTES),
            5 => 0,
            6 => MEMORY_BYTES.saturating_sub(length.saturating_sub(below(3))),
            _ => u32::MAX - below(5_000),
        };
        let from = match below(4) {
            0 => below(MEMORY_BYTES),
            1 => to.saturating_add(below(5_000)),
            2 => to.saturating_sub(below(5_000)),
            _ => to,
        };
        let arguments = (to, from, length);
        let operation = usize::try_from(below(3)).unwrap();
        let expected = as_it_is.run(operation, arguments);
        assert_eq!(changed.run(operation, arguments), expected, "{arguments:?}");
        traps += u32::from(expected.is_some());
        // Equal byte for byte, also after a trap. Only `few` may have written something before its trap, in
        // both forms alike.
        assert!(
            changed.memory.data(&changed.store) == as_it_is.memory.data(&as_it_is.store),
            "operation {operation} with {arguments:?}, {expected:?}"
        );
    }
    assert!((400..3_600).contains(&traps), "{traps} traps");
}

#[test]
fn backtraces_name_the_instruction() {
    let wasm = wat::parse_str(
        r#"(module $named (memory 1) (func $careless (export "run") (param i32)
            (memory.fill (local.get 0) (i32.const 7) (local.get 0))))"#,
    )
    .unwrap();
    let changed = changed(&wasm);
    let (mut store, instance) = instantiate(&Engine::default(), &changed, ());
    let run = instance
        .get_typed_func::<u32, ()>(&mut store, "run")
        .unwrap();
    let error = run.call(&mut store, 100_000).unwrap_err();
    let backtrace = error.downcast_ref::<wasmtime::WasmBacktrace>().unwrap();
    let names: Vec<_> = backtrace
        .frames()
        .iter()
        .map(|frame| frame.func_name())
        .collect();
    assert_eq!(names, [Some("memory.fill"), Some("careless")]);
}

/// Two memories and a segment that is longer than a piece. Numbers choose the operations on them.
const MEMORIES: &str = r#"
    (func (export "0->1") (param i32 i32 i32)
        (memory.copy $one $zero (local.get 0) (local.get 1) (local.get 2)))
    (func (export "1->0") (param i32 i32 i32)
        (memory.copy $zero $one (local.get 0) (local.get 1) (local.get 2)))
    (func (export "1->1") (param i32 i32 i32)
        (memory.copy $one $one (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill 1") (param i32 i32 i32)
        (memory.fill $one (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init 0") (param i32 i32 i32)
        (memory.init $zero $long (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init 1") (param i32 i32 i32)
        (memory.init $one $long (local.get 0) (local.get 1) (local.get 2)))
    (func (export "short") (param i32 i32 i32)
        (memory.init $one $short (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (param i32 i32 i32)
        (data.drop $long)))"#;
const OPERATIONS: [&str; 8] = [
    "0->1", "1->0", "1->1", "fill 1", "init 0", "init 1", "short", "drop",
];

/// A module of two memories with `pages` pages each, unchanged and changed.
fn of_two_memories(pages: u32) -> [(Store<()>, Instance); 2] {
    let long: String = (0..200_000_u32)
        .map(|byte| format!("\\{:02x}", byte.wrapping_mul(2_654_435_761) >> 24))
        .collect();
    let wasm = wat::parse_str(format!(
        r#"(module (memory $zero (export "zero") {pages}) (memory $one (export "one") {pages})
            (data $long "{long}") (data $short "abc") {MEMORIES}"#
    ))
    .unwrap();
    let changed = changed(&wasm);
    let engine = Engine::default();
    [wasm, changed].map(|wasm| instantiate(&engine, &wasm, ()))
}

/// Runs the same operation on both, and compares the traps and these ranges of the memories afterwards.
fn compare_memories(
    both: &mut [(Store<()>, Instance); 2],
    operation: &str,
    arguments: (u32, u32, u32),
    ranges: &[std::ops::Range<usize>],
) -> bool {
    let traps = both.each_mut().map(|(store, instance)| {
        let function = instance
            .get_typed_func::<(u32, u32, u32), ()>(&mut *store, operation)
            .unwrap();
        let result = function.call(&mut *store, arguments);
        result
            .err()
            .map(|error| *error.downcast_ref::<wasmtime::Trap>().unwrap())
    });
    let [as_it_is, changed] = traps;
    assert_eq!(changed, as_it_is, "{operation} {arguments:?}");
    for name in ["zero", "one"] {
        for range in ranges {
            let [as_it_is, changed] = both.each_mut().map(|(store, instance)| {
                let memory = instance.get_memory(&mut *store, name).unwrap();
                memory.data(&*store).get(range.clone()).unwrap()
            });
            assert!(
                changed == as_it_is,
                "{name} after {operation} {arguments:?}"
            );
        }
    }
    as_it_is.is_some()
}

#[test]
fn several_memories_and_segments_do_the_same() {
    let mut random = Random::from_environment();
    let mut below = |limit: u32| u32::try_from(random.draw() % u64::from(limit)).unwrap();
    let mut both = of_two_memories(5);
    let whole = 0..usize::try_from(MEMORY_BYTES).unwrap();
    let mut traps = 0;
    const ROUNDS: u32 = 2_000;
    for round in 0..ROUNDS {
        let length = match below(5) {
            0 => below(20),
            1 => (below(8) * 2048 + below(5)).saturating_sub(2),
            2 => (below(4) * 65_536 + below(5)).saturating_sub(2),
            3 => below(MEMORY_BYTES + 2),
            _ => u32::MAX - below(MEMORY_BYTES),
        };
        let place = |below: &mut dyn FnMut(u32) -> u32| match below(5) {
            0 => 0,
            1 => below(MEMORY_BYTES),
            2 => (MEMORY_BYTES + 1).saturating_sub(length.saturating_add(below(3))),
            3 => 200_001_u32.saturating_sub(length.saturating_add(below(3))),
            _ => u32::MAX - below(5_000),
        };
        let arguments = (place(&mut below), place(&mut below), length);
        // After three quarters the segment is dropped, and reads of it trap.
        let operation = match round == 3 * ROUNDS / 4 {
            true => "drop",
            false => OPERATIONS.get(usize::try_from(below(7)).unwrap()).unwrap(),
        };
        let range = std::slice::from_ref(&whole);
        traps += u32::from(compare_memories(&mut both, operation, arguments, range));
    }
    assert!((200..ROUNDS - 200).contains(&traps), "{traps} traps");
}

/// The largest possible memories, and ends of ranges around 2^32, with 4 GiB of address space.
#[test]
fn ends_at_the_largest_address_do_the_same() {
    let mut both = of_two_memories(65_536);
    let end = 1_u64 << 32;
    let around = |middle: u64, bytes: u64| {
        usize::try_from(middle.saturating_sub(bytes)).unwrap()
            ..usize::try_from((middle + bytes).min(end)).unwrap()
    };
    let ranges = [around(0, 1 << 17), around(end, 1 << 18)];
    let mut traps = 0;
    let fill = |both: &mut [_; 2], begin: u64, value: u32| {
        let arguments = (u32::try_from(begin).unwrap(), value, 150_000);
        compare_memories(both, "fill 1", arguments, &ranges)
    };
    fill(&mut both, 0, 1);
    fill(&mut both, end - 200_000, 2);
    for length in [5_u64, 16, 17, 2_048, 2_049, 6_000, 65_536, 65_537, 150_000] {
        for beyond in [-1_i64, 0, 1, 2] {
            let to = u32::try_from(end.wrapping_add_signed(beyond) - length);
            let (Ok(to), Ok(length)) = (to, u32::try_from(length)) else {
                continue;
            };
            for from in [0, 7, to - 100, to] {
                for operation in ["0->1", "1->0", "1->1", "fill 1", "init 1"] {
                    let arguments = (to, from, length);
                    traps += u32::from(compare_memories(&mut both, operation, arguments, &ranges));
                    let arguments = (from, to, length);
                    traps += u32::from(compare_memories(&mut both, operation, arguments, &ranges));
                }
            }
        }
    }
    assert!(traps > 100, "{traps}");
}

#[test]
fn tables_do_the_same() {
    let wasm = wat::parse_str(
        r#"(module (table $t (export "t") 10 5000 funcref) (elem $e func $f $g) (func $f) (func $g)
            (func (export "run") (param i32 i32 i32) (result i32)
                (drop (table.grow (ref.func $f) (local.get 2)))
                (table.init $t $e (local.get 0) (i32.const 0) (i32.const 2))
                (table.copy (local.get 1) (local.get 0) (local.get 2))
                (table.fill (local.get 0) (ref.null func) (local.get 2))
                (memory.grow (i32.const 1)))
            (memory 1))"#,
    )
    .unwrap();
    let engine = Engine::default();
    let changed = changed(&wasm);
    let mut both = [wasm, changed].map(|wasm| instantiate(&engine, &wasm, ()));
    let mut random = Random::from_environment();
    for _ in 0..300 {
        let mut below = |limit: u64| u32::try_from(random.draw() % limit).unwrap();
        let arguments = (below(600), below(600), below(20));
        let [as_it_is, changed] = both.each_mut().map(|(store, instance)| {
            let run = instance
                .get_typed_func::<(u32, u32, u32), u32>(&mut *store, "run")
                .unwrap();
            let result = run.call(&mut *store, arguments);
            let result = result.map_err(|error| *error.downcast_ref::<wasmtime::Trap>().unwrap());
            let table = instance.get_table(&mut *store, "t").unwrap();
            let is_null: Vec<bool> = (0..table.size(&*store))
                .map(|index| table.get(&mut *store, index).unwrap().is_null())
                .collect();
            (result, is_null)
        });
        assert_eq!(changed, as_it_is, "{arguments:?}");
    }
}

/// The number of checks for an end of the program while a module runs.
fn looks_of(wasm: &[u8]) -> u32 {
    let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
    let module = Module::new(&engine, wasm).unwrap();
    let mut store = Store::new(&engine, 0_u32);
    // Making the instance runs a check too, if there are tables.
    store.set_epoch_deadline(0);
    store.epoch_deadline_callback(|mut store| {
        *store.data_mut() += 1;
        Ok(UpdateDeadline::Continue(0))
    });
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance
        .get_typed_func::<(), ()>(&mut store, "run")
        .unwrap();
    *store.data_mut() = 0;
    run.call(&mut store, ()).unwrap();
    *store.data()
}

/// A function can have a million instructions and no loop.
#[test]
fn long_instructions_in_a_row_can_be_interrupted() {
    const IN_A_ROW: u32 = 300;
    for instruction in [
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))",
        "(memory.copy (i32.const 0) (i32.const 9) (i32.const 60000))",
        "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 3))",
        "(table.fill (i32.const 0) (ref.null func) (i32.const 1000))",
        "(table.copy (i32.const 0) (i32.const 9) (i32.const 900))",
        "(table.init $e (i32.const 0) (i32.const 0) (i32.const 1))",
        "(drop (table.grow (ref.null func) (i32.const 0)))",
        "(drop (memory.grow (i32.const 0)))",
    ] {
        let row = instruction.repeat(usize::try_from(IN_A_ROW).unwrap());
        let wasm = wat::parse_str(format!(
            r#"(module (memory 1) (table 1000 funcref) (data $d "abc") (elem $e func $f) (func $f)
                (func (export "run") {row}))"#
        ))
        .unwrap();
        // The engine interrupts some of these by itself; for others it checks at once, when the function
        // begins.
        assert!(looks_of(&changed(&wasm)) >= IN_A_ROW, "{instruction}");
    }
}

/// The number of checks for an end of the program in one copy or fill.
#[test]
fn long_copies_and_fills_can_be_interrupted() {
    let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
    let looks = |wasm: &[u8], name: &str, length: u32| {
        let (mut store, instance) = instantiate(&engine, wasm, 0_u32);
        let operation = instance
            .get_typed_func::<(u32, u32, u32), ()>(&mut store, name)
            .unwrap();
        store.set_epoch_deadline(0);
        store.epoch_deadline_callback(|mut store| {
            *store.data_mut() += 1;
            Ok(UpdateDeadline::Continue(0))
        });
        operation.call(&mut store, (9, 5, length)).unwrap();
        *store.data()
    };
    let wasm = wat::parse_str(BULK).unwrap();
    let changed = changed(&wasm);
    for (name, piece) in [("copy", 2048), ("fill", 65_536)] {
        let length = 300_000;
        assert!(looks(&wasm, name, length) <= 2, "{name}: at its beginning");
        assert!(looks(&changed, name, length) >= length / piece, "{name}");
    }
}

/// Wherever the instruction is, and whatever its memory: it is changed, or the module is refused.
#[test]
fn no_long_instruction_is_left() {
    const FILL: &str =
        "(memory $m 1) (func (memory.fill $m (i32.const 0) (i32.const 0) (i32.const 9999999)))";
    for text in [
        format!("(module {FILL})"),
        format!("(module (memory 1) {FILL})"),
        format!("(module (memory 1) (memory 1) {FILL})"),
        format!("(component (core module {FILL}))"),
        format!("(component (component (component (core module {FILL}))))"),
        format!(
            "{} (core module {FILL}) {}",
            "(component ".repeat(30),
            ")".repeat(30)
        ),
    ] {
        let changed = changed(&wat::parse_str(&text).unwrap());
        assert!(has_call(&changed), "{text}");
    }
    let wide =
        "(module (memory i64 1) (func (memory.fill (i64.const 0) (i32.const 0) (i64.const 9))))";
    let error = isopod_component::make_interruptible(&wat::parse_str(wide).unwrap()).unwrap_err();
    assert!(error.to_string().contains("memory64"), "{error}");
}

/// Whether the module got a helper: the helper's loop contains this comparison.
fn has_call(wasm: &[u8]) -> bool {
    // `local.get 2`, `i32.const 65536`, `i32.gt_u`.
    let asks = [0x20, 2, 0x41, 0x80, 0x80, 4, 0x4b];
    wasm.windows(asks.len()).any(|bytes| bytes == asks)
}
