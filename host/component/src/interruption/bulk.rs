//! Splits long-running instructions into pieces, so that they can be interrupted.
//!
//! `memory.copy`, `memory.fill` and `memory.init` are one instruction each, for any number of bytes: a
//! program that fills a gigabyte could not be ended meanwhile. So they become calls of functions that
//! are added to the module, which do the same in a loop, and at each loop the engine checks whether it
//! must end the program.
//!
//! Other instructions are bounded, but long enough that many of them in a row take long (a function has a
//! million, without any loop). Each gets a call of an empty function before it, at whose head the engine
//! checks too. The instructions, the time of each, and its treatment:
//!
//! | instruction | time | treatment |
//! |---|---|---|
//! | `memory.copy`, `memory.fill` | the bytes, up to 4 GiB | pieces, unless the code gives a constant length of at most [`SHORT`] bytes |
//! | `memory.init` | the bytes, up to those of its segment | pieces if the segment is longer than one, else a check |
//! | `table.copy`, `table.fill`, `table.init`, `table.grow` | the elements, of which a table has 20,000 | a check |
//! | `memory.grow` | a system call | a check |
//! | calls of all kinds, loops | | the engine checks by itself |
//! | all others that [`FEATURES`](crate::FEATURES) allows | less than a microsecond | none: a function has at most [`MOST_FUNCTION_BYTES`](crate::MOST_FUNCTION_BYTES) |
//!
//! The pieces of a copy are short enough for C libraries to copy them with vector instructions. For longer
//! ones, glibc before 2.40 uses `rep movsb`, with which AMD's processors since Zen 3 copy at a sixteenth of
//! the speed if the destination is not aligned to 16 bytes.

use super::helpers;
use super::module::Shape;
use crate::Error;
use std::collections::BTreeMap;
use wasm_encoder::{Encode, Instruction};
use wasmparser::Operator;

/// The length of a piece of a copy, in bytes.
pub(super) const COPIED: i32 = 2 << 10;
/// The length of a piece of a fill, in bytes: it takes microseconds if the pages are present.
pub(super) const FILLED: i32 = 64 << 10;
/// The largest copy or fill, in bytes, that stays one instruction if its length is a constant: a
/// tenth of a microsecond.
const SHORT: i32 = 2 << 10;

/// The functions that may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    /// Does nothing, but the engine checks its counter at the head of each function.
    Look,
    Copy {
        to: u32,
        from: u32,
    },
    Fill {
        memory: u32,
    },
    Init {
        memory: u32,
        segment: u32,
    },
}

impl Helper {
    /// Its name in backtraces.
    pub(super) fn name(self) -> &'static str {
        match self {
            Helper::Look => "look",
            Helper::Copy { .. } => "memory.copy",
            Helper::Fill { .. } => "memory.fill",
            Helper::Init { .. } => "memory.init",
        }
    }
}

/// The call that replaces or precedes an instruction.
pub(super) struct Call {
    index: u32,
    /// The instruction follows the call.
    is_before: bool,
}

impl Call {
    /// Writes the call at the place of an instruction with these bytes.
    pub(super) fn write(&self, instruction: &[u8], out: &mut Vec<u8>) {
        Instruction::Call(self.index).encode(out);
        if self.is_before {
            out.extend_from_slice(instruction);
        }
    }
}

/// The functions that are called instead of instructions and must be added to a module.
pub(super) struct Helpers<'a> {
    shape: &'a Shape,
    numbers: BTreeMap<Helper, u32>,
    in_order: Vec<Helper>,
}

impl<'a> Helpers<'a> {
    /// No helpers yet.
    pub(super) fn new(shape: &'a Shape) -> Helpers<'a> {
        Helpers {
            shape,
            numbers: BTreeMap::new(),
            in_order: Vec::new(),
        }
    }

    /// The helpers in the order of their numbers, which follow those of the module's functions.
    pub(super) fn in_order(&self) -> &[Helper] {
        &self.in_order
    }

    /// The call for an instruction, if it needs one. `constant` is the constant that the previous operator
    /// pushed, if any: for a copy or fill it is the number of bytes.
    pub(super) fn call(
        &mut self,
        operator: &Operator<'_>,
        constant: Option<i32>,
    ) -> Result<Option<Call>, Error> {
        let is_short = constant.is_some_and(|bytes| (0..=SHORT).contains(&bytes));
        let (helper, is_before) = match *operator {
            Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } if is_short => {
                return Ok(None);
            }
            Operator::MemoryCopy { dst_mem, src_mem } => {
                let (to, from) = (dst_mem, src_mem);
                (Helper::Copy { to, from }, false)
            }
            Operator::MemoryFill { mem: memory } => (Helper::Fill { memory }, false),
            Operator::MemoryInit { data_index, mem } if self.shape.is_long(data_index) => {
                let (memory, segment) = (mem, data_index);
                (Helper::Init { memory, segment }, false)
            }
            Operator::MemoryInit { .. }
            | Operator::MemoryGrow { .. }
            | Operator::TableCopy { .. }
            | Operator::TableFill { .. }
            | Operator::TableInit { .. }
            | Operator::TableGrow { .. } => (Helper::Look, true),
            _ => return Ok(None),
        };
        let index = match self.numbers.get(&helper) {
            Some(index) => *index,
            None => self.add(helper)?,
        };
        Ok(Some(Call { index, is_before }))
    }

    fn add(&mut self, helper: Helper) -> Result<u32, Error> {
        let before = u32::try_from(self.in_order.len()).ok();
        let index = before.and_then(|before| self.shape.functions.checked_add(before));
        let index = index.ok_or_else(|| Error::Malformed("too many functions".to_owned()))?;
        self.in_order.push(helper);
        self.numbers.insert(helper, index);
        Ok(index)
    }

    /// The functions, encoded as entries of a code section.
    pub(super) fn code(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for helper in &self.in_order {
            helpers::function(*helper).encode(&mut out);
        }
        out
    }
}
