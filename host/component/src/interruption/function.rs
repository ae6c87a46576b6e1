//! A function's code: its operators where they stand, and what is put in their place.

use std::ops::Range;
use wasmparser::{FunctionBody, Operator};

/// The operators of a function with their offsets into the code section.
pub(super) struct Operators<'a> {
    section: &'a [u8],
    /// With the locals before the operators.
    body: Range<usize>,
    pub(super) operators: Vec<(Operator<'a>, usize)>,
}

/// What stands in the place of some of the section's bytes.
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Edit {
    /// By how many bytes the function gets longer.
    pub(super) fn growth(&self) -> usize {
        self.bytes.len().saturating_sub(self.range.len())
    }
}

impl<'a> Operators<'a> {
    /// None if they cannot be read.
    pub(super) fn read(section: &'a [u8], body: &FunctionBody<'a>) -> Option<Operators<'a>> {
        let operators = body.get_operators_reader().ok()?;
        let operators = operators.into_iter_with_offsets().collect::<Result<_, _>>();
        Some(Operators {
            section,
            body: body.range(),
            operators: operators.ok()?,
        })
    }

    /// Where an operator stands.
    pub(super) fn range(&self, position: usize) -> Option<Range<usize>> {
        let (_, begin) = self.operators.get(position)?;
        let end = match self.operators.get(position + 1) {
            Some((_, next)) => *next,
            None => self.body.end,
        };
        Some(*begin..end)
    }

    pub(super) fn bytes(&self, position: usize) -> Option<&'a [u8]> {
        self.section.get(self.range(position)?)
    }

    /// The function with these edits, which are in their order and do not overlap.
    pub(super) fn edited(&self, edits: &[Edit]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(self.body.len());
        let mut copied = self.body.start;
        for edit in edits {
            out.extend_from_slice(self.section.get(copied..edit.range.start)?);
            out.extend_from_slice(&edit.bytes);
            copied = edit.range.end;
        }
        out.extend_from_slice(self.section.get(copied..self.body.end)?);
        Some(out)
    }
}
