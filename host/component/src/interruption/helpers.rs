//! Functions that replace one instruction by a loop over pieces: each has exactly the same effect, and
//! traps where the instruction would.
//!
//! Out-of-bounds accesses are found before anything is written, as the instruction finds them. An end
//! beyond the range of 32 bits is out of bounds of any memory, so that case is left to the instruction,
//! which traps at once.

use super::bulk::{COPIED, FILLED, Helper};
use wasm_encoder::{BlockType, Function, Instruction, MemArg};

/// The types of the helpers, as entries of a type section: a function without parameters and results, and
/// one with three `i32` parameters and no result. The parameters are the destination, the source or the
/// value, and the number of bytes.
pub(super) const TYPES: [u8; 9] = [0x60, 0, 0, 0x60, 3, 0x7f, 0x7f, 0x7f, 0];
/// The number of these types.
pub(super) const TYPE_COUNT: u32 = 2;

const TO: u32 = 0;
const FROM: u32 = 1;
/// A fill has its value where a copy has its source.
const VALUE: u32 = FROM;
const LENGTH: u32 = 2;

impl Helper {
    /// Its index in [`TYPES`].
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

/// Overlapping bytes are copied in the direction in which no byte is written before it is read.
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

    // The destination does not begin within the source, or begins before it.
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

/// Like a copy, without a source whose end matters.
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

/// Like a copy from a segment, which never overlaps a memory. Only this instruction can read a segment, so
/// an `init` that writes nothing checks that its end is in bounds.
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

/// A helper under construction.
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

    /// Pushes the end of the range that begins at this local.
    fn end(&mut self, begin: u32) {
        use Instruction as I;
        self.add(&[I::LocalGet(begin), I::LocalGet(LENGTH), I::I32Add]);
    }

    /// Pushes the address of the last byte of the range that begins at this local. The range
    /// must not be empty.
    fn last(&mut self, begin: u32) {
        self.end(begin);
        self.add(&[Instruction::I32Const(1), Instruction::I32Sub]);
    }

    /// The instruction for the whole range.
    fn whole(&mut self, instruction: &Instruction<'_>) {
        use Instruction as I;
        self.add(&[I::LocalGet(TO), I::LocalGet(FROM), I::LocalGet(LENGTH)]);
        self.0.instruction(instruction);
    }

    /// If one of the last bytes is beyond the range of 32 bits, runs the instruction, which traps. An end
    /// of exactly 2^32 is allowed: it is the end of the largest memory.
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

    /// Traps as the instruction does, before anything is written, if the last byte is out of bounds.
    fn probe(&mut self, begin: u32, memory: u32) {
        use Instruction as I;
        self.last(begin);
        self.add(&[I::I32Load8U(at(memory)), I::Drop]);
    }

    /// Copies of 1 to 16 bytes, which are the most frequent, are done at once: the instruction is a call of
    /// the host, which takes half as long again, so saving it offsets the call of this helper. The bytes
    /// are read from both ends, which may overlap, before anything is written. The first write includes the
    /// last byte, so an out-of-bounds access traps before any change.
    fn copy_few(&mut self, to: u32, from: u32) {
        use Instruction as I;
        let widths = [
            (8, I::I64Load(at(from)), I::I64Store(at(to))),
            (4, I::I32Load(at(from)), I::I32Store(at(to))),
            (2, I::I32Load16U(at(from)), I::I32Store16(at(to))),
            (1, I::I32Load8U(at(from)), I::I32Store8(at(to))),
        ];
        // A length of 0 becomes the largest number; an end beyond the range of 32 bits is left
        // to the instruction.
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

    /// Adds a piece to a local, or subtracts it.
    fn step(&mut self, local: u32, piece: i32, way: Instruction<'_>) {
        use Instruction as I;
        self.add(&[I::LocalGet(local), I::I32Const(piece), way]);
        self.add(&[I::LocalSet(local)]);
    }
}

/// An access to a memory, with no required alignment.
fn at(memory_index: u32) -> MemArg {
    MemArg {
        offset: 0,
        align: 0,
        memory_index,
    }
}
