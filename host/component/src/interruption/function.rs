//! The code of a function, read and written in one pass, so that time and memory are bounded by its length.

use super::bulk::Helpers;
use super::loops::{Loops, unrolled};
use crate::Error;
use std::ops::Range;
use wasmparser::{FunctionBody, Operator, OperatorsReader};

/// An operator, and its place in the code section.
pub(super) struct Placed<'a> {
    pub(super) operator: Operator<'a>,
    pub(super) range: Range<usize>,
}

/// Reads the next operator; `None` at the end.
pub(super) fn next<'a>(reader: &mut OperatorsReader<'a>) -> Result<Option<Placed<'a>>, Error> {
    if reader.eof() {
        return Ok(None);
    }
    let begin = reader.original_position();
    let operator = reader.read()?;
    Ok(Some(Placed {
        operator,
        range: begin..reader.original_position(),
    }))
}

/// Writes a function with its locals into `out`. Unrolled loops may make it longer by at most `room` bytes,
/// and this subtracts the growth from `room`. Returns whether anything has changed.
pub(super) fn rewrite(
    section: &[u8],
    body: &FunctionBody<'_>,
    helpers: &mut Helpers<'_>,
    room: &mut usize,
    out: &mut Vec<u8>,
) -> Result<bool, Error> {
    let mut reader = body.get_operators_reader()?;
    let locals = body.range().start..reader.original_position();
    out.extend_from_slice(section.get(locals).unwrap_or_default());
    let mut loops = Loops::default();
    let mut constant = None;
    let mut has_changed = false;
    while let Some(Placed { operator, range }) = next(&mut reader)? {
        let call = helpers.call(&operator, constant)?;
        constant = match operator {
            Operator::I32Const { value } => Some(value),
            _ => None,
        };
        let begin = out.len();
        let bytes = section.get(range.clone()).unwrap_or_default();
        match call {
            Some(call) => {
                has_changed = true;
                loops.forbid();
                call.write(bytes, out);
            }
            None => out.extend_from_slice(bytes),
        }
        let Some(small) = loops.see(&operator, &range, begin) else {
            continue;
        };
        let before = out.len();
        let unrolled = unrolled(section, &small)?;
        let growth = unrolled.len().saturating_sub(before - small.written);
        if growth <= *room {
            *room -= growth;
            out.truncate(small.written);
            out.extend_from_slice(&unrolled);
            has_changed = true;
        }
    }
    Ok(has_changed)
}
