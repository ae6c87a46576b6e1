//! The functions that do in a loop, piece by piece, what is one instruction: each does exactly the same, and traps
//! where that would.
//!
//! Whatever is out of bounds is found before anything is written, as the instruction finds it. An end past what 32
//! bits hold is out of bounds of any memory, so it is left to the instruction, which traps at once.

use super::bulk::{COPIED, FILLED, Helper};
use wasm_encoder::{BlockType, Function, Instruction, MemArg};

/// The types of them, as entries of a type section: a function that takes and gives nothing, and one of three
/// `i32` that gives nothing. They say where to, where from or what with, and how many bytes.
pub(super) const TYPES: [u8; 9] = [0x60, 0, 0, 0x60, 3, 0x7f, 0x7f, 0x7f, 0];
/// How many these are.
pub(super) const TYPE_COUNT: u32 = 2;

const TO: u32 = 0;
const FROM: u32 = 1;
/// What a fill has where a copy has its source.
const VALUE: u32 = FROM;
const LENGTH: u32 = 2;

impl Helper {
    /// Its place in [`TYPES`].
    pub(super) fn kind(self) -> u32 {
        match self {
            Helper::Look => 0,
            Helper::Copy { .. } | Helper::Fill { .. } | Helper::Init { .. } => 1,
        }
    }
}

/// The function's code.
pub(super) fn function(helper: Helper) -> Function {
    match helper {
        Helper::Look => {
            let mut out = Code::new();
            out.add(&[Instruction::End]);
            out.0
        }
        Helper::Copy { to, from } => copy(to, from),
        Helper::Fill { memory } => fill(memory),
        Helper::Init { memory, segment } => init(memory, segment),
    }
}

/// Bytes that overlap are copied in the direction in which none is written before it is read.
fn copy(to: u32, from: u32) -> Function {
    use Instruction as I;
    let copy = I::MemoryCopy {
        src_mem: from,
        dst_mem: to,
    };
    let mut out = Code::new();
    out.copy_few(to, from);
    out.if_longer_than(COPIED);
    out.whole_if_out_of_numbers(&[TO, FROM], &copy);
    out.probe(TO, to);
    out.probe(FROM, from);

    // The destination is not within the source, or before it.
    out.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::I32Sub]);
    out.add(&[I::LocalGet(LENGTH), I::I32GeU]);
    if to != from {
        out.add(&[I::Drop, I::I32Const(1)]);
    }
    out.add(&[I::If(BlockType::Empty), I::Loop(BlockType::Empty)]);
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
fn fill(memory: u32) -> Function {
    use Instruction as I;
    let fill = I::MemoryFill(memory);
    let mut out = Code::new();
    out.if_longer_than(FILLED);
    out.whole_if_out_of_numbers(&[TO], &fill);
    out.probe(TO, memory);

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

/// As a copy from a segment, which never overlaps a memory. A segment cannot be read but by this, so whether
/// its end is in bounds is asked by what writes nothing.
fn init(memory: u32, segment: u32) -> Function {
    use Instruction as I;
    let init = I::MemoryInit {
        mem: memory,
        data_index: segment,
    };
    let mut out = Code::new();
    out.if_longer_than(FILLED);
    out.whole_if_out_of_numbers(&[TO, FROM], &init);
    out.probe(TO, memory);
    out.add(&[I::I32Const(0)]);
    out.end(FROM);
    out.add(&[I::I32Const(0), init.clone()]);

    out.add(&[I::Loop(BlockType::Empty)]);
    out.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::I32Const(FILLED)]);
    out.add(std::slice::from_ref(&init));
    out.step(TO, FILLED, I::I32Add);
    out.step(FROM, FILLED, I::I32Add);
    out.step(LENGTH, FILLED, I::I32Sub);
    out.repeat_if_longer_than(FILLED);
    out.add(&[I::End, I::End]);

    out.whole(&init);
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

    /// The last byte of what begins there; there is one.
    fn last(&mut self, begin: u32) {
        self.end(begin);
        self.add(&[Instruction::I32Const(1), Instruction::I32Sub]);
    }

    /// The copy or fill of all.
    fn whole(&mut self, instruction: &Instruction<'_>) {
        use Instruction as I;
        self.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::LocalGet(LENGTH)]);
        self.0.instruction(instruction);
    }

    /// If one of the last bytes is past what 32 bits hold, the instruction traps. An end of exactly 2^32 is not: that
    /// is the end of the largest memory.
    fn whole_if_out_of_numbers(&mut self, begins: &[u32], instruction: &Instruction<'_>) {
        use Instruction as I;
        for (position, begin) in begins.iter().enumerate() {
            self.last(*begin);
            self.add(&[I::LocalGet(*begin), I::I32LtU]);
            if position > 0 {
                self.add(&[I::I32Or]);
            }
        }
        self.add(&[I::If(BlockType::Empty)]);
        self.whole(instruction);
        self.add(&[I::Return, I::End]);
    }

    /// Traps as the instruction does, and before anything is written, if the last byte is out of bounds.
    fn probe(&mut self, begin: u32, memory: u32) {
        use Instruction as I;
        self.last(begin);
        self.add(&[I::I32Load8U(at(memory)), I::Drop]);
    }

    /// Copies of 1 to 16 bytes, most of all there are, are done at once: the instruction is a call of the host,
    /// which takes half as long again, and would make up for the call of this. They are read from both ends, which
    /// may overlap, before anything is written; the last byte is in what is written first, so that what is out of
    /// bounds traps before.
    fn copy_few(&mut self, to: u32, from: u32) {
        use Instruction as I;
        let widths = [
            (8, I::I64Load(at(from)), I::I64Store(at(to))),
            (4, I::I32Load(at(from)), I::I32Store(at(to))),
            (2, I::I32Load16U(at(from)), I::I32Store16(at(to))),
            (1, I::I32Load8U(at(from)), I::I32Store8(at(to))),
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

/// An access of a memory, aligned or not.
fn at(memory_index: u32) -> MemArg {
    MemArg {
        offset: 0,
        align: 0,
        memory_index,
    }
}
