//! Takes long copies and fills of memory in pieces, so that they can be interrupted.
//!
//! `memory.copy` and `memory.fill` are one instruction each, however many bytes they are about: what fills
//! a gigabyte could not be ended meanwhile. So they become calls of functions that are added to the module, which do
//! the same in a loop, and at a loop an engine looks whether it is to end the program.
//!
//! The pieces of a copy are short enough for C libraries to copy them by vectors. For more, glibc before 2.40 takes
//! `rep movsb`, by which AMD's processors since Zen 3 copy at a sixteenth of the speed if the destination is not
//! aligned to 16 bytes.

use super::function::{Edit, Operators};
use super::module::Shape;
use wasm_encoder::{BlockType, Encode, Function, Instruction, MemArg};
use wasmparser::Operator;

/// The bytes of a piece of a copy.
const COPIED: i32 = 2 << 10;
/// The bytes of a piece of a fill: microseconds, as long as the pages are there.
const FILLED: i32 = 64 << 10;

/// The functions that are added, in this order.
#[derive(Clone, Copy)]
enum Helper {
    Copy,
    Fill,
}

/// The calls that stand for the copies and fills of a function, in their order.
pub(super) fn calls(function: &Operators<'_>, shape: &Shape) -> Vec<Edit> {
    let mut calls = Vec::new();
    if !shape.has_plain_memory() {
        return calls;
    }
    for (position, (operator, _)) in function.operators.iter().enumerate() {
        let (helper, piece) = match operator {
            Operator::MemoryCopy {
                dst_mem: 0,
                src_mem: 0,
            } => (Helper::Copy, COPIED),
            Operator::MemoryFill { mem: 0 } => (Helper::Fill, FILLED),
            _ => continue,
        };
        let before = position.checked_sub(1);
        let length = before.and_then(|before| function.operators.get(before));
        let is_short = matches!(length, Some((Operator::I32Const { value }, _)) if (0..=piece).contains(value));
        if !is_short && let Some(range) = function.range(position) {
            let mut bytes = Vec::new();
            let index = shape.functions.saturating_add(helper as u32);
            Instruction::Call(index).encode(&mut bytes);
            calls.push(Edit { range, bytes });
        }
    }
    calls
}

/// How many functions are added, and what backtraces call them.
pub(super) const HELPERS: u32 = 2;
pub(super) const NAMES: [&str; 2] = ["memory.copy", "memory.fill"];

/// The type of both, as an entry of a type section: a function of three `i32` that gives nothing. They say where
/// to, where from or what with, and how many bytes.
pub(super) const TYPE: [u8; 6] = [0x60, 3, 0x7f, 0x7f, 0x7f, 0];

/// The functions that are added, encoded as entries of a code section.
pub(super) fn helpers() -> Vec<u8> {
    let mut out = Vec::new();
    copy().encode(&mut out);
    fill().encode(&mut out);
    out
}

const TO: u32 = 0;
const FROM: u32 = 1;
/// What a fill has where a copy has its source.
const VALUE: u32 = FROM;
const LENGTH: u32 = 2;

/// Bytes that overlap are copied in the direction in which none is written before it is read.
fn copy() -> Function {
    use Instruction as I;
    let copy = I::MemoryCopy {
        src_mem: 0,
        dst_mem: 0,
    };
    let mut out = Code::new();
    out.copy_few();
    out.if_longer_than(COPIED);
    // If it is out of bounds, nothing is written: the ends are looked at first. An end past what 32 bits
    // hold is left to the instruction itself.
    for begin in [TO, FROM] {
        out.end(begin);
        out.add(&[I::LocalGet(begin), I::I32LtU]);
    }
    out.add(&[I::I32Or, I::If(BlockType::Empty)]);
    out.whole(&copy);
    out.add(&[I::Return, I::End]);
    out.end(TO);
    out.end(FROM);
    out.add(&[I::I32Const(0), copy.clone()]);

    // The destination is not within the source, or before it.
    out.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::I32Sub]);
    out.add(&[I::LocalGet(LENGTH), I::I32GeU, I::If(BlockType::Empty)]);
    out.add(&[I::Loop(BlockType::Empty)]);
    out.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::I32Const(COPIED)]);
    out.add(std::slice::from_ref(&copy));
    out.step(TO, COPIED, I::I32Add);
    out.step(FROM, COPIED, I::I32Add);
    out.step(LENGTH, COPIED, I::I32Sub);
    out.repeat_if_longer_than(COPIED);
    out.add(&[I::End, I::Else, I::Loop(BlockType::Empty)]);
    out.step(LENGTH, COPIED, I::I32Sub);
    out.end(TO);
    out.end(FROM);
    out.add(&[I::I32Const(COPIED), copy.clone()]);
    out.repeat_if_longer_than(COPIED);
    out.add(&[I::End, I::End, I::End]);

    out.whole(&copy);
    out.add(&[I::End]);
    out.0
}

/// As a copy, without a source whose end matters.
fn fill() -> Function {
    use Instruction as I;
    let fill = I::MemoryFill(0);
    let mut out = Code::new();
    out.if_longer_than(FILLED);
    out.end(TO);
    out.add(&[I::LocalGet(TO), I::I32LtU, I::If(BlockType::Empty)]);
    out.whole(&fill);
    out.add(&[I::Return, I::End]);
    out.end(TO);
    out.add(&[I::LocalGet(VALUE), I::I32Const(0), fill.clone()]);

    out.add(&[I::Loop(BlockType::Empty)]);
    out.add(&[I::LocalGet(TO), I::LocalGet(VALUE), I::I32Const(FILLED)]);
    out.add(std::slice::from_ref(&fill));
    out.step(TO, FILLED, I::I32Add);
    out.step(LENGTH, FILLED, I::I32Sub);
    out.repeat_if_longer_than(FILLED);
    out.add(&[I::End, I::End]);

    out.whole(&fill);
    out.add(&[I::End]);
    out.0
}

/// A helper while it is written.
struct Code(Function);

impl Code {
    fn new() -> Code {
        Code(Function::new([]))
    }

    fn add(&mut self, instructions: &[Instruction<'_>]) {
        for instruction in instructions {
            self.0.instruction(instruction);
        }
    }

    /// Where what begins there ends.
    fn end(&mut self, begin: u32) {
        use Instruction as I;
        self.add(&[I::LocalGet(begin), I::LocalGet(LENGTH), I::I32Add]);
    }

    /// The copy or fill of all.
    fn whole(&mut self, instruction: &Instruction<'_>) {
        use Instruction as I;
        self.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::LocalGet(LENGTH)]);
        self.0.instruction(instruction);
    }

    /// Copies of 1 to 16 bytes, most of all there are, are done at once: the instruction is a call of the host,
    /// which takes half as long again, and would make up for the call of this. They are read from both ends, which
    /// may overlap, before anything is written; the last byte is in what is written first, so that what is out of
    /// bounds traps before.
    fn copy_few(&mut self) {
        use Instruction as I;
        let at = MemArg {
            offset: 0,
            align: 0,
            memory_index: 0,
        };
        let widths = [
            (8, I::I64Load(at), I::I64Store(at)),
            (4, I::I32Load(at), I::I32Store(at)),
            (2, I::I32Load16U(at), I::I32Store16(at)),
            (1, I::I32Load8U(at), I::I32Store8(at)),
        ];
        // 0 becomes the largest number; an end past what 32 bits hold is left to the instruction.
        self.add(&[I::LocalGet(LENGTH), I::I32Const(1), I::I32Sub]);
        self.add(&[I::I32Const(16), I::I32LtU]);
        for begin in [TO, FROM] {
            self.add(&[I::LocalGet(begin), I::I32Const(-16), I::I32LtU, I::I32And]);
        }
        self.add(&[I::If(BlockType::Empty)]);
        for (width, load, store) in widths {
            self.add(&[I::LocalGet(LENGTH), I::I32Const(width), I::I32GeU]);
            self.add(&[I::If(BlockType::Empty)]);
            self.add(&[I::LocalGet(TO), I::LocalGet(FROM), load.clone()]);
            for begin in [TO, FROM] {
                self.end(begin);
                self.add(&[I::I32Const(width), I::I32Sub]);
            }
            self.add(&[load, store.clone(), store, I::Return, I::End]);
        }
        self.add(&[I::End]);
    }

    fn if_longer_than(&mut self, piece: i32) {
        self.is_longer_than(piece);
        self.add(&[Instruction::If(BlockType::Empty)]);
    }

    fn repeat_if_longer_than(&mut self, piece: i32) {
        self.is_longer_than(piece);
        self.add(&[Instruction::BrIf(0)]);
    }

    fn is_longer_than(&mut self, piece: i32) {
        use Instruction as I;
        self.add(&[I::LocalGet(LENGTH), I::I32Const(piece), I::I32GtU]);
    }

    /// Adds a piece to a local, or takes it away.
    fn step(&mut self, local: u32, piece: i32, way: Instruction<'_>) {
        use Instruction as I;
        self.add(&[I::LocalGet(local), I::I32Const(piece), way]);
        self.add(&[I::LocalSet(local)]);
    }
}
