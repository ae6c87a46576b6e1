//! Unrolls small loops, so that an interruptible program pays less for the checks.
//!
//! In a loop of a few instructions the check of the engine's counter costs more than the loop. The check
//! itself is cheap, but if the counter has moved, a call follows, and all values that the loop keeps in
//! registers are saved for it. With several copies of the body in the loop, one check serves all of them.
//!
//! ```text
//! loop                    block $out
//!   body                    loop
//!   br_if 0                   block $next  body, br_if $next, br $out  end
//! end                         block $next  body, br_if $next, br $out  end
//!                             body, br_if 0
//!                           end
//!                         end
//! ```
//!
//! A branch to the loop's head continues with the next copy, and only from the last copy with the head.
//! Reaching the end of a copy leaves the loop. So this neither knows nor changes the effect of a body, and
//! needs no count of iterations.
//!
//! Only loops without loops and calls in them are unrolled: a call checks the counter anyway.
//!
//! Each operator costs the same time, however many blocks are open around it.

use super::function::{Placed, next};
use crate::Error;
use std::ops::Range;
use wasm_encoder::{BlockType as Block, Encode, Instruction};
use wasmparser::{BinaryReader, BlockType, Operator, OperatorsReader};

/// The largest number of copies of a body in its loop.
const MOST_COPIES: usize = 8;
/// The largest number of instructions of all copies together. Measured: with half as many, loops of medium
/// size stay unchanged; twice as many make the code larger and nothing faster.
const MOST_INSTRUCTIONS: usize = 240;
/// The longest body, in bytes: one instruction, a table of branches, can be as long as its function.
const MOST_BYTES: usize = 4 << 10;

/// A loop that is worth unrolling.
pub(super) struct SmallLoop {
    /// The place in the output at which the loop begins.
    pub(super) written: usize,
    /// The range in the code section between `loop` and `end`.
    body: Range<usize>,
    block: Block,
    copies: usize,
}

/// A block that is open while a function is read.
struct Open {
    /// Set if the block is a `loop` of a type that can be unrolled.
    begin: Option<Begin>,
    /// Whether any branch in it goes back to its head.
    is_repeated: bool,
}

/// The beginning of a loop.
struct Begin {
    block: Block,
    /// Its place in the output.
    written: usize,
    /// The place in the section at which its body begins.
    body: usize,
    /// The number of operators of the function before its body.
    operators: usize,
}

/// The blocks that are open at a place in a function.
#[derive(Default)]
pub(super) struct Loops {
    open: Vec<Open>,
    /// The number of outermost blocks that are not unrolled, because something in them forbids it.
    forbidden: usize,
    /// The number of operators read so far.
    operators: usize,
}

impl Loops {
    /// Forbids unrolling all open blocks.
    pub(super) fn forbid(&mut self) {
        self.forbidden = self.open.len();
    }

    /// Takes the next operator, which stands at `range` in the section and was written at `written`.
    /// Returns the loop that it ends, if that loop should be unrolled.
    pub(super) fn see(
        &mut self,
        operator: &Operator<'_>,
        range: &Range<usize>,
        written: usize,
    ) -> Option<SmallLoop> {
        self.operators += 1;
        match operator {
            Operator::Loop { blockty } => {
                self.forbid();
                let begin = plain(*blockty).map(|block| Begin {
                    block,
                    written,
                    body: range.end,
                    operators: self.operators,
                });
                self.open(begin);
            }
            Operator::Block { .. } | Operator::If { .. } => self.open(None),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.repeat(*relative_depth);
            }
            Operator::BrTable { targets } => {
                self.repeat(targets.default());
                for target in targets.targets().flatten() {
                    self.repeat(target);
                }
            }
            Operator::End => return self.close(range.start),
            // Calls check the counter themselves; tail calls leave the loop.
            Operator::Call { .. } | Operator::CallIndirect { .. } => self.forbid(),
            _ => {}
        }
        None
    }

    fn open(&mut self, begin: Option<Begin>) {
        self.open.push(Open {
            begin,
            is_repeated: false,
        });
    }

    /// Records a branch to the block at this relative depth.
    fn repeat(&mut self, depth: u32) {
        let depth = usize::try_from(depth).unwrap_or(usize::MAX);
        let index = self
            .open
            .len()
            .checked_sub(1)
            .and_then(|last| last.checked_sub(depth));
        if let Some(block) = index.and_then(|index| self.open.get_mut(index)) {
            block.is_repeated = true;
        }
    }

    /// Closes the innermost block, whose body ended before `end`.
    fn close(&mut self, end: usize) -> Option<SmallLoop> {
        let block = self.open.pop()?;
        let is_forbidden = self.open.len() < self.forbidden;
        self.forbidden = self.forbidden.min(self.open.len());
        let begin = block.begin.filter(|_| block.is_repeated && !is_forbidden)?;
        let body = begin.body..end;
        // Excluding the `end` itself.
        let instructions = self.operators.saturating_sub(begin.operators + 1);
        let copies = (MOST_INSTRUCTIONS / instructions.max(1)).min(MOST_COPIES);
        (copies > 1 && body.len() <= MOST_BYTES).then_some(SmallLoop {
            written: begin.written,
            body,
            block: begin.block,
            copies,
        })
    }
}

/// The type of a block that takes no values and returns at most one number.
fn plain(block: BlockType) -> Option<Block> {
    use wasm_encoder::ValType as To;
    use wasmparser::ValType as From;
    Some(match block {
        BlockType::Empty => Block::Empty,
        BlockType::Type(From::I32) => Block::Result(To::I32),
        BlockType::Type(From::I64) => Block::Result(To::I64),
        BlockType::Type(From::F32) => Block::Result(To::F32),
        BlockType::Type(From::F64) => Block::Result(To::F64),
        BlockType::Type(_) | BlockType::FuncType(_) => return None,
    })
}

/// A loop with its copies.
pub(super) fn unrolled(section: &[u8], small: &SmallLoop) -> Result<Vec<u8>, Error> {
    // In a copy, three blocks are open where one was: the copy's own, the loop and the one around it.
    const OUT: u32 = 2;
    let bytes = section.get(small.body.clone()).unwrap_or_default();
    let mut reader = OperatorsReader::new(BinaryReader::new(bytes, 0));
    let mut body = Vec::new();
    while let Some(placed) = next(&mut reader)? {
        body.push(placed);
    }
    let mut out = Vec::new();
    Instruction::Block(small.block).encode(&mut out);
    Instruction::Loop(small.block).encode(&mut out);
    for _ in 1..small.copies {
        Instruction::Block(Block::Empty).encode(&mut out);
        copy(bytes, &body, OUT, &mut out)?;
        Instruction::Br(OUT).encode(&mut out);
        Instruction::End.encode(&mut out);
    }
    copy(bytes, &body, 1, &mut out)?;
    Instruction::End.encode(&mut out);
    Instruction::End.encode(&mut out);
    Ok(out)
}

/// Copies a body. Its branches to the loop go to the block that it is in now, which stands for the
/// loop or is the loop. Branches that leave the loop go out `further` blocks more. No other
/// instruction of [`crate::FEATURES`] has labels.
fn copy(bytes: &[u8], body: &[Placed<'_>], further: u32, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut depth = 0_u32;
    for Placed { operator, range } in body {
        let moved = |target: u32| match target > depth {
            true => target.saturating_add(further),
            false => target,
        };
        match operator {
            Operator::Br { relative_depth } => Instruction::Br(moved(*relative_depth)).encode(out),
            Operator::BrIf { relative_depth } => {
                Instruction::BrIf(moved(*relative_depth)).encode(out);
            }
            Operator::BrTable { targets } => {
                let labels: Result<Vec<u32>, _> =
                    targets.targets().map(|target| target.map(moved)).collect();
                Instruction::BrTable(labels?.into(), moved(targets.default())).encode(out);
            }
            operator => {
                match operator {
                    Operator::Block { .. } | Operator::If { .. } => depth += 1,
                    Operator::End => depth = depth.saturating_sub(1),
                    _ => {}
                }
                out.extend_from_slice(bytes.get(range.clone()).unwrap_or_default());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::make_interruptible;
    use wasmparser::Operator;

    fn unrolled(text: &str) -> Option<usize> {
        let wasm = wat::parse_str(text).unwrap();
        let unrolled = make_interruptible(&wasm).unwrap()?;
        wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
            .validate_all(&unrolled)
            .unwrap();
        Some(loops(&unrolled))
    }

    /// The number of blocks in a module.
    fn loops(wasm: &[u8]) -> usize {
        let payloads = wasmparser::Parser::new(0).parse_all(wasm);
        let bodies = payloads.filter_map(|payload| match payload.unwrap() {
            wasmparser::Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
        let operators = bodies.flat_map(|body| body.get_operators_reader().unwrap());
        operators
            .filter(|operator| matches!(operator, Ok(Operator::Block { .. })))
            .count()
    }

    #[test]
    fn a_small_loop_stands_eight_times() {
        let text = "(module (func (param i32) (loop
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))";
        // Seven copies in a block of their own, and one around the loop.
        assert_eq!(unrolled(text), Some(8));
    }

    #[test]
    fn what_is_larger_has_fewer_copies_and_what_is_large_none() {
        let body = |nops: usize| {
            format!(
                "(module (func (param i32) (loop {} (br_if 0 (local.get 0)))))",
                "nop ".repeat(nops)
            )
        };
        assert_eq!(unrolled(&body(78)), Some(3));
        assert_eq!(unrolled(&body(118)), Some(2));
        assert_eq!(unrolled(&body(119)), None);
    }

    #[test]
    fn loops_that_need_it_not_stay_as_they_are() {
        for text in [
            // Never repeated; with a call; with an argument.
            "(module (func (loop nop)))",
            "(module (func $f (param i32) (loop (call $f (i32.const 1)) (br_if 0 (local.get 0)))))",
            "(module (func (i32.const 3) (loop (param i32) (br 0 (i32.const 3)))))",
        ] {
            assert_eq!(unrolled(text), None, "{text}");
        }
        // Of nested loops, only the inner one.
        let nested = "(module (func (param i32) (loop (loop (br_if 1 (local.get 0))
            (br_if 0 (local.get 0))))))";
        assert_eq!(unrolled(nested), Some(8));
    }

    #[test]
    fn the_code_at_most_doubles() {
        let small = "(loop (br_if 0 (local.get 0)))".repeat(5_000);
        let wasm = wat::parse_str(format!("(module (func (param i32) {small}))")).unwrap();
        let unrolled = make_interruptible(&wasm).unwrap().unwrap();
        assert!(unrolled.len() > 3 * wasm.len() / 2, "some are unrolled");
        assert!(
            unrolled.len() <= 2 * wasm.len(),
            "8 copies of all are too many"
        );
    }

    #[test]
    fn bytes_that_end_early_are_refused() {
        let wasm = wat::parse_str(
            "(module (func (param i32) (loop (br_if 0 (local.get 0)))) (func (loop (br 0))))",
        )
        .unwrap();
        for length in 0..wasm.len() {
            let cut = wasm.get(..length).unwrap();
            // Bytes that are cut between two sections may be a module without code.
            let changed = make_interruptible(cut);
            assert!(matches!(changed, Err(_) | Ok(None)), "{length}");
            assert!(changed.is_err() || length < wasm.len() / 2, "{length}");
        }
    }
}
