//! Unrolls small loops, so that a program that can be interrupted pays less for it.
//!
//! In a loop of a few instructions the look at the engine's counter costs more than the loop: not for itself,
//! but because what follows if the counter has moved is a call, and everything that the loop keeps in registers
//! is saved for it. With the body several times in the loop, the look comes once for all of these.
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
//! A branch to the loop's head goes on with the next copy, and only from the last one to the head; whoever
//! comes to the end of a copy leaves the loop. So nothing is known or changed of what a body does, and no
//! count of rounds is needed.
//!
//! Only loops without loops and calls in them are unrolled: a call looks at the counter anyway.

use super::function::{Edit, Operators};
use std::ops::Range;
use wasm_encoder::{BlockType as Block, Encode, Instruction};
use wasmparser::{BlockType, Operator};

/// How often a body stands in its loop at most.
const MOST_COPIES: usize = 8;
/// How many instructions all copies have together at most. Measured: with half as many, loops of medium
/// size stay as they are; twice as many make code larger and nothing faster.
const MOST_INSTRUCTIONS: usize = 240;

/// The small loops of a function, unrolled, in their order. None that has one of the `added` calls in it.
pub(super) fn unrolled(function: &Operators<'_>, added: &[Edit]) -> Option<Vec<Edit>> {
    let loops = small_loops(function, added);
    loops.iter().map(|small| unroll(function, small)).collect()
}

/// A loop that is worth it.
struct SmallLoop {
    /// The operators between `loop` and `end`.
    body: Range<usize>,
    block: Block,
    copies: usize,
}

/// A block that is open while a function is read.
struct Open {
    /// The position of a `loop`, and its type, if it may be unrolled.
    unrollable: Option<(usize, Block)>,
    /// Whether anything in it goes back to it.
    is_repeated: bool,
}

/// The loops that are to be unrolled, in their order. They do not overlap, since none has a loop in it.
fn small_loops(function: &Operators<'_>, added: &[Edit]) -> Vec<SmallLoop> {
    let mut open: Vec<Open> = Vec::new();
    let mut found = Vec::new();
    let mut added = added.iter().peekable();
    for (position, (operator, offset)) in function.operators.iter().enumerate() {
        if added.next_if(|call| call.range.start == *offset).is_some() {
            forbid(&mut open);
        }
        match operator {
            Operator::Loop { blockty } => {
                forbid(&mut open);
                let block = plain(*blockty).map(|block| (position, block));
                open.push(Open::new(block));
            }
            Operator::Block { .. } | Operator::If { .. } => open.push(Open::new(None)),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                repeat(&mut open, *relative_depth);
            }
            Operator::BrTable { targets } => {
                repeat(&mut open, targets.default());
                for target in targets.targets().flatten() {
                    repeat(&mut open, target);
                }
            }
            Operator::End => {
                let Some(Open {
                    unrollable: Some((begin, block)),
                    is_repeated: true,
                }) = open.pop()
                else {
                    continue;
                };
                let body = begin + 1..position;
                let copies = (MOST_INSTRUCTIONS / body.len().max(1)).min(MOST_COPIES);
                if copies > 1 {
                    found.push(SmallLoop {
                        body,
                        block,
                        copies,
                    });
                }
            }
            // Its catches have labels of their own.
            Operator::TryTable { .. } => {
                forbid(&mut open);
                open.push(Open::new(None));
            }
            // Exceptions as they were before the standard: no engine of ours takes them.
            Operator::Try { .. } => return Vec::new(),
            operator if calls(operator) || branches_otherwise(operator) => forbid(&mut open),
            _ => {}
        }
    }
    found
}

impl Open {
    fn new(unrollable: Option<(usize, Block)>) -> Open {
        Open {
            unrollable,
            is_repeated: false,
        }
    }
}

/// None of the blocks that are open is unrolled.
fn forbid(open: &mut [Open]) {
    for block in open {
        block.unrollable = None;
    }
}

/// Something goes to the block that is so far out.
fn repeat(open: &mut [Open], depth: u32) {
    let depth = usize::try_from(depth).unwrap_or(usize::MAX);
    if let Some(block) = open.iter_mut().rev().nth(depth) {
        block.is_repeated = true;
    }
}

/// The type of a block that takes nothing and gives at most one number.
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

fn calls(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Call { .. } | Operator::CallIndirect { .. } | Operator::CallRef { .. }
    )
}

/// Whether it has labels that [`copy`] does not know. What is not in the list has none, or is an
/// instruction of tail calls, which leave the loop.
fn branches_otherwise(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::BrOnNull { .. }
            | Operator::BrOnNonNull { .. }
            | Operator::BrOnCast { .. }
            | Operator::BrOnCastFail { .. }
            | Operator::BrOnCastDescEq { .. }
            | Operator::BrOnCastDescEqFail { .. }
            | Operator::Resume { .. }
            | Operator::ResumeThrow { .. }
            | Operator::ResumeThrowRef { .. }
            | Operator::Switch { .. }
    )
}

/// A loop with its copies.
fn unroll(function: &Operators<'_>, small: &SmallLoop) -> Option<Edit> {
    // In a copy, three blocks are open where one was: its own, the loop and the one around it.
    const OUT: u32 = 2;
    let mut out = Vec::new();
    Instruction::Block(small.block).encode(&mut out);
    Instruction::Loop(small.block).encode(&mut out);
    for _ in 1..small.copies {
        Instruction::Block(Block::Empty).encode(&mut out);
        copy(function, &small.body, OUT, &mut out)?;
        Instruction::Br(OUT).encode(&mut out);
        Instruction::End.encode(&mut out);
    }
    copy(function, &small.body, 1, &mut out)?;
    Instruction::End.encode(&mut out);
    Instruction::End.encode(&mut out);
    let begin = function.range(small.body.start.checked_sub(1)?)?.start;
    let end = function.range(small.body.end)?.end;
    Some(Edit {
        range: begin..end,
        bytes: out,
    })
}

/// Copies a body. Its branches to the loop go to the block that it is in now, which stands for the loop, or
/// is it; those that leave the loop go `further` by so many blocks.
fn copy(
    function: &Operators<'_>,
    body: &Range<usize>,
    further: u32,
    out: &mut Vec<u8>,
) -> Option<()> {
    let mut depth = 0_u32;
    for position in body.clone() {
        let (operator, _) = function.operators.get(position)?;
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
                Instruction::BrTable(labels.ok()?.into(), moved(targets.default())).encode(out);
            }
            operator => {
                match operator {
                    Operator::Block { .. } | Operator::If { .. } => depth += 1,
                    Operator::End => depth = depth.checked_sub(1)?,
                    _ => {}
                }
                out.extend_from_slice(function.bytes(position)?);
            }
        }
    }
    Some(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::make_interruptible;
    use wasmparser::Operator;

    fn unrolled(text: &str) -> Option<usize> {
        let wasm = wat::parse_str(text).unwrap();
        let unrolled = make_interruptible(&wasm)?;
        wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
            .validate_all(&unrolled)
            .unwrap();
        Some(loops(&unrolled))
    }

    /// How many blocks a module has.
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
            // Never repeated, with a call, with an argument.
            "(module (func (loop nop)))",
            "(module (func $f (param i32) (loop (call $f (i32.const 1)) (br_if 0 (local.get 0)))))",
            "(module (func (i32.const 3) (loop (param i32) (br 0 (i32.const 3)))))",
        ] {
            assert_eq!(unrolled(text), None, "{text}");
        }
        // Of nested ones the inner.
        let nested = "(module (func (param i32) (loop (loop (br_if 1 (local.get 0))
            (br_if 0 (local.get 0))))))";
        assert_eq!(unrolled(nested), Some(8));
    }

    #[test]
    fn the_code_at_most_doubles() {
        let small = "(loop (br_if 0 (local.get 0)))".repeat(500);
        let wasm = wat::parse_str(format!("(module (func (param i32) {small}))")).unwrap();
        assert_eq!(
            make_interruptible(&wasm),
            None,
            "8 copies of all of it are too many"
        );
    }

    #[test]
    fn bytes_that_end_early_give_nothing() {
        let wasm = wat::parse_str(
            "(module (func (param i32) (loop (br_if 0 (local.get 0)))) (func (loop (br 0))))",
        )
        .unwrap();
        for length in 0..wasm.len() {
            let cut = wasm.get(..length).unwrap();
            assert_eq!(make_interruptible(cut), None, "{length}");
        }
    }
}
