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
    let mut length = None;
    for (position, (operator, _)) in function.operators.iter().enumerate() {
        let (helper, piece) = match operator {
            Operator::MemoryCopy {
                dst_mem: 0,
                src_mem: 0,
            } => (Some(Helper::Copy), COPIED),
            Operator::MemoryFill { mem: 0 } => (Some(Helper::Fill), FILLED),
            _ => (None, 0),
        };
        let is_short = length.is_some_and(|length| (0..=piece).contains(&length));
        if let Some(helper) = helper
            && !is_short
            && let Some(range) = function.range(position)
        {
            let mut bytes = Vec::new();
            let index = shape.functions.saturating_add(helper as u32);
            Instruction::Call(index).encode(&mut bytes);
            calls.push(Edit { range, bytes });
        }
        length = match operator {
            Operator::I32Const { value } => Some(*value),
            _ => None,
        };
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
const VALUE: u32 = 1;
const LENGTH: u32 = 2;

/// Bytes that overlap are copied in the direction in which none is written before it is read.
fn copy() -> Function {
    use Instruction as I;
    let whole = I::MemoryCopy {
        src_mem: 0,
        dst_mem: 0,
    };
    let mut out = Code::new();
    out.copy_few();
    out.if_longer_than(COPIED);
    // If it is out of bounds, nothing is written: the ends are looked at first. An end past what 32 bits
    // hold is left to the instruction itself.
    for begin in [TO, FROM] {
        out.add(&[
            I::LocalGet(begin),
            I::LocalGet(LENGTH),
            I::I32Add,
            I::LocalGet(begin),
            I::I32LtU,
        ]);
    }
    out.add(&[I::I32Or, I::If(BlockType::Empty)]);
    out.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::LocalGet(LENGTH)]);
    out.add(&[whole.clone(), I::Return, I::End]);
    for begin in [TO, FROM] {
        out.add(&[I::LocalGet(begin), I::LocalGet(LENGTH), I::I32Add]);
    }
    out.add(&[I::I32Const(0), whole.clone()]);

    // The destination is not within the source, or before it.
    out.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::I32Sub]);
    out.add(&[I::LocalGet(LENGTH), I::I32GeU, I::If(BlockType::Empty)]);
    out.add(&[I::Loop(BlockType::Empty)]);
    out.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::I32Const(COPIED)]);
    out.add(std::slice::from_ref(&whole));
    out.advance(TO, COPIED);
    out.advance(FROM, COPIED);
    out.shorten(COPIED);
    out.repeat_if_longer_than(COPIED);
    out.add(&[I::End, I::Else, I::Loop(BlockType::Empty)]);
    out.shorten(COPIED);
    for begin in [TO, FROM] {
        out.add(&[I::LocalGet(begin), I::LocalGet(LENGTH), I::I32Add]);
    }
    out.add(&[I::I32Const(COPIED), whole.clone()]);
    out.repeat_if_longer_than(COPIED);
    out.add(&[I::End, I::End, I::End]);

    out.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::LocalGet(LENGTH)]);
    out.add(&[whole, I::End]);
    out.0
}

fn fill() -> Function {
    use Instruction as I;
    let mut out = Code::new();
    out.if_longer_than(FILLED);
    out.add(&[I::LocalGet(TO), I::LocalGet(LENGTH), I::I32Add]);
    out.add(&[I::LocalGet(TO), I::I32LtU, I::If(BlockType::Empty)]);
    out.add(&[I::LocalGet(TO), I::LocalGet(VALUE), I::LocalGet(LENGTH)]);
    out.add(&[I::MemoryFill(0), I::Return, I::End]);
    out.add(&[I::LocalGet(TO), I::LocalGet(LENGTH), I::I32Add]);
    out.add(&[I::LocalGet(VALUE), I::I32Const(0), I::MemoryFill(0)]);

    out.add(&[I::Loop(BlockType::Empty)]);
    out.add(&[I::LocalGet(TO), I::LocalGet(VALUE), I::I32Const(FILLED)]);
    out.add(&[I::MemoryFill(0)]);
    out.advance(TO, FILLED);
    out.shorten(FILLED);
    out.repeat_if_longer_than(FILLED);
    out.add(&[I::End, I::End]);

    out.add(&[I::LocalGet(TO), I::LocalGet(VALUE), I::LocalGet(LENGTH)]);
    out.add(&[I::MemoryFill(0), I::End]);
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

    /// Copies of 1 to 16 bytes, most of all there are, are done at once: the instruction is a call of the host,
    /// which takes half as long again, and would make up for the call of this. They are read from both ends, which may overlap, before anything is written; the last byte is
    /// in what is written first, so that what is out of bounds traps before.
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
        let last = |begin: u32, width: i32| {
            [
                I::LocalGet(begin),
                I::LocalGet(LENGTH),
                I::I32Add,
                I::I32Const(width),
                I::I32Sub,
            ]
        };
        // 0 becomes the largest number; an end past what 32 bits hold is left to the instruction.
        self.add(&[I::LocalGet(LENGTH), I::I32Const(1), I::I32Sub]);
        self.add(&[I::I32Const(16), I::I32LtU]);
        self.add(&[I::LocalGet(TO), I::I32Const(-16), I::I32LtU, I::I32And]);
        self.add(&[I::LocalGet(FROM), I::I32Const(-16), I::I32LtU, I::I32And]);
        self.add(&[I::If(BlockType::Empty)]);
        for (width, load, store) in widths {
            self.add(&[I::LocalGet(LENGTH), I::I32Const(width), I::I32GeU]);
            self.add(&[I::If(BlockType::Empty)]);
            self.add(&[I::LocalGet(TO), I::LocalGet(FROM), load.clone()]);
            self.add(&last(TO, width));
            self.add(&last(FROM, width));
            self.add(&[load, store.clone(), store, I::Return, I::End]);
        }
        self.add(&[I::End]);
    }

    fn if_longer_than(&mut self, piece: i32) {
        use Instruction as I;
        self.add(&[I::LocalGet(LENGTH), I::I32Const(piece), I::I32GtU]);
        self.add(&[I::If(BlockType::Empty)]);
    }

    fn repeat_if_longer_than(&mut self, piece: i32) {
        use Instruction as I;
        self.add(&[I::LocalGet(LENGTH), I::I32Const(piece), I::I32GtU]);
        self.add(&[I::BrIf(0)]);
    }

    fn advance(&mut self, local: u32, piece: i32) {
        use Instruction as I;
        self.add(&[I::LocalGet(local), I::I32Const(piece), I::I32Add]);
        self.add(&[I::LocalSet(local)]);
    }

    fn shorten(&mut self, piece: i32) {
        use Instruction as I;
        self.add(&[I::LocalGet(LENGTH), I::I32Const(piece), I::I32Sub]);
        self.add(&[I::LocalSet(LENGTH)]);
    }
}
