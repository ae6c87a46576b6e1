//! A core module: the parts of its shape that matter here, and its sections with changed code
//! and added functions.

use super::bulk::{FILLED, Helpers};
use super::helpers::{TYPE_COUNT, TYPES as HELPER_TYPES};
use super::{Section, function, read, written};
use crate::{Error, MOST_FUNCTION_BYTES};
use wasm_encoder::Encode;
use wasmparser::{
    BinaryReader, CodeSectionReader, DataSectionReader, ImportSectionReader, TypeRef,
    TypeSectionReader,
};

const CUSTOM: u8 = 0;
const TYPES: u8 = 1;
const IMPORTS: u8 = 2;
const FUNCTIONS: u8 = 3;
const CODE: u8 = 10;
const DATA: u8 = 11;

/// The number of bytes by which unrolled loops may make code grow, if its own length is less than that.
/// Otherwise the code may grow by its own length.
const ALWAYS: usize = 4 << 10;

/// The parts of a module besides its code.
#[derive(Default)]
pub(super) struct Shape {
    types: u32,
    /// Imported functions included.
    pub(super) functions: u32,
    /// For each segment of data, whether it is longer than a piece.
    long_segments: Vec<bool>,
}

/// Changes the sections of a module. Returns whether there was anything to change.
pub(super) fn rewrite(sections: &mut [Section<'_>]) -> Result<bool, Error> {
    let shape = Shape::of(sections)?;
    let mut helpers = Helpers::new(&shape);
    let Some(code) = sections.iter_mut().find(|section| section.id == CODE) else {
        return Ok(false);
    };
    let Some(bytes) = rewritten(&code.bytes, &mut helpers)? else {
        return Ok(false);
    };
    code.bytes = bytes.into();
    if !helpers.in_order().is_empty() {
        shape.add(&helpers, sections)?;
    }
    Ok(true)
}

impl Shape {
    fn of(sections: &[Section<'_>]) -> Result<Shape, Error> {
        let mut shape = Shape::default();
        for section in sections {
            let reader = BinaryReader::new(&section.bytes, 0);
            match section.id {
                TYPES => {
                    for group in TypeSectionReader::new(reader)? {
                        shape.types = sum(shape.types, group?.types().len())?;
                    }
                }
                IMPORTS => {
                    for import in ImportSectionReader::new(reader)?.into_imports() {
                        if let TypeRef::Func(_) | TypeRef::FuncExact(_) = import?.ty {
                            shape.functions = sum(shape.functions, 1)?;
                        }
                    }
                }
                FUNCTIONS => {
                    let mut reader = reader;
                    let count = usize::try_from(reader.read_var_u32()?).unwrap_or(usize::MAX);
                    shape.functions = sum(shape.functions, count)?;
                }
                DATA => {
                    let piece = usize::try_from(FILLED).unwrap_or(usize::MAX);
                    for segment in DataSectionReader::new(reader)? {
                        shape.long_segments.push(segment?.data.len() > piece);
                    }
                }
                _ => {}
            }
        }
        Ok(shape)
    }

    /// Whether a segment of data is longer than a piece.
    pub(super) fn is_long(&self, segment: u32) -> bool {
        let segment = usize::try_from(segment).unwrap_or(usize::MAX);
        self.long_segments.get(segment).copied().unwrap_or(true)
    }

    /// Adds the helpers: their types, declarations, code and names.
    fn add(&self, helpers: &Helpers<'_>, sections: &mut [Section<'_>]) -> Result<(), Error> {
        let count = sum(0, helpers.in_order().len())?;
        for section in sections {
            let (more, added) = match section.id {
                TYPES => (TYPE_COUNT, HELPER_TYPES.to_vec()),
                FUNCTIONS => {
                    let mut added = Vec::new();
                    for helper in helpers.in_order() {
                        self.types.saturating_add(helper.kind()).encode(&mut added);
                    }
                    (count, added)
                }
                CODE => (count, helpers.code()),
                CUSTOM => {
                    // A module without names, or with broken ones, works as well.
                    if let Some(named) = self.with_names(&section.bytes, helpers) {
                        section.bytes = named.into();
                    }
                    continue;
                }
                _ => continue,
            };
            section.bytes = append(&section.bytes, more, &added)?.into();
        }
        Ok(())
    }

    /// A name section with the names of the helpers added, for backtraces. `None` if it has no
    /// names of functions.
    fn with_names(&self, section: &[u8], helpers: &Helpers<'_>) -> Option<Vec<u8>> {
        const NAMES_OF_FUNCTIONS: u8 = 1;
        let mut reader = BinaryReader::new(section, 0);
        if reader.read_string().ok()? != "name" {
            return None;
        }
        let (name, rest) = section.split_at_checked(reader.original_position())?;
        let mut names = read(rest).ok()?;
        let of_functions = names
            .iter_mut()
            .find(|names| names.id == NAMES_OF_FUNCTIONS)?;
        // Names stand in the order of the function numbers, and the helpers have the highest.
        let mut added = Vec::new();
        for (number, helper) in (self.functions..).zip(helpers.in_order()) {
            number.encode(&mut added);
            helper.name().encode(&mut added);
        }
        let count = sum(0, helpers.in_order().len()).ok()?;
        of_functions.bytes = append(&of_functions.bytes, count, &added).ok()?.into();
        Some(written(name, &names))
    }
}

/// A code section that calls the helpers, which are not yet in it, and whose small loops are unrolled.
/// `None` if nothing has changed.
fn rewritten(section: &[u8], helpers: &mut Helpers<'_>) -> Result<Option<Vec<u8>>, Error> {
    let reader = CodeSectionReader::new(BinaryReader::new(section, 0))?;
    let mut bytes = Vec::with_capacity(section.len() + section.len() / 2);
    reader.count().encode(&mut bytes);
    let mut room = section.len().max(ALWAYS);
    let mut has_changed = false;
    let mut function = Vec::new();
    for body in reader {
        let body = body?;
        if body.range().len() > MOST_FUNCTION_BYTES {
            return Err(Error::LongFunction(body.range().len()));
        }
        function.clear();
        has_changed |= function::rewrite(section, &body, helpers, &mut room, &mut function)?;
        function.encode(&mut bytes);
    }
    Ok(has_changed.then_some(bytes))
}

/// A section of counted entries with more entries added.
fn append(section: &[u8], more: u32, added: &[u8]) -> Result<Vec<u8>, Error> {
    let mut reader = BinaryReader::new(section, 0);
    let count = reader.read_var_u32()?;
    let entries = section.get(reader.original_position()..);
    let entries = entries.unwrap_or_default();
    let mut out = Vec::with_capacity(section.len() + added.len() + 1);
    sum(count, usize::try_from(more).unwrap_or(usize::MAX))?.encode(&mut out);
    out.extend_from_slice(entries);
    out.extend_from_slice(added);
    Ok(out)
}

/// A sum of counts, if a module can have that many.
fn sum(count: u32, more: usize) -> Result<u32, Error> {
    let more = u32::try_from(more).ok();
    let sum = more.and_then(|more| count.checked_add(more));
    sum.ok_or_else(|| Error::Malformed("it counts more than 2^32 things".to_owned()))
}
