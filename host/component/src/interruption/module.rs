//! A core module: what of its shape matters here, and its sections with other code and more functions.

use super::bulk::{self, HELPERS};
use super::function::{Edit, Operators};
use super::{Section, loops};
use wasm_encoder::Encode;
use wasmparser::{
    BinaryReader, CodeSectionReader, ImportSectionReader, MemorySectionReader, MemoryType, TypeRef,
    TypeSectionReader,
};

const CUSTOM: u8 = 0;
const TYPES: u8 = 1;
const IMPORTS: u8 = 2;
const FUNCTIONS: u8 = 3;
const MEMORIES: u8 = 5;
const CODE: u8 = 10;

/// By how many bytes loops may make code grow, if it is shorter than that: else by its own length.
const ALWAYS: usize = 4 << 10;

/// What a module has, before its code.
#[derive(Default)]
pub(super) struct Shape {
    types: u32,
    /// With those that it imports.
    pub(super) functions: u32,
    memory: Option<MemoryType>,
}

/// Changes the sections of a module. None if they cannot be read; false if there is nothing to change.
pub(super) fn rewrite(sections: &mut [Section<'_>]) -> Option<bool> {
    let shape = Shape::of(sections)?;
    let Some(code) = sections.iter_mut().find(|section| section.id == CODE) else {
        return Some(false);
    };
    let Some(Rewritten { bytes, has_calls }) = rewritten(&code.bytes, &shape)? else {
        return Some(false);
    };
    code.bytes = bytes.into();
    if has_calls {
        shape.add_helpers(sections)?;
    }
    Some(true)
}

impl Shape {
    /// None if the sections cannot be read.
    fn of(sections: &[Section<'_>]) -> Option<Shape> {
        let mut shape = Shape::default();
        for section in sections {
            let reader = BinaryReader::new(&section.bytes, 0);
            match section.id {
                TYPES => {
                    for group in TypeSectionReader::new(reader).ok()? {
                        let types = group.ok()?.types().len();
                        shape.types = shape.types.checked_add(u32::try_from(types).ok()?)?;
                    }
                }
                IMPORTS => {
                    for import in ImportSectionReader::new(reader).ok()?.into_imports() {
                        match import.ok()?.ty {
                            TypeRef::Func(_) | TypeRef::FuncExact(_) => {
                                shape.functions = shape.functions.checked_add(1)?;
                            }
                            TypeRef::Memory(memory) => {
                                shape.memory.get_or_insert(memory);
                            }
                            _ => {}
                        }
                    }
                }
                FUNCTIONS => {
                    shape.functions = shape.functions.checked_add(count(&section.bytes)?)?;
                }
                MEMORIES => {
                    if let Some(first) = MemorySectionReader::new(reader).ok()?.into_iter().next() {
                        shape.memory.get_or_insert(first.ok()?);
                    }
                }
                _ => {}
            }
        }
        Some(shape)
    }

    /// Its first memory has addresses of 32 bits.
    pub(super) fn has_plain_memory(&self) -> bool {
        self.memory.is_some_and(|memory| !memory.memory64)
    }

    /// The helpers' type, declarations and names; the code has them already.
    fn add_helpers(&self, sections: &mut [Section<'_>]) -> Option<()> {
        for section in sections {
            match section.id {
                TYPES => {
                    section.bytes = append(&section.bytes, 1, &bulk::TYPE)?.into();
                }
                FUNCTIONS => {
                    let mut added = Vec::new();
                    for _ in 0..HELPERS {
                        self.types.encode(&mut added);
                    }
                    section.bytes = append(&section.bytes, HELPERS, &added)?.into();
                }
                // A module without it, or with a broken one, is as good.
                CUSTOM => {
                    if let Some(named) = self.with_names(&section.bytes) {
                        section.bytes = named.into();
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    /// A section of names with those of the helpers, for backtraces. None if it has no names of functions.
    fn with_names(&self, section: &[u8]) -> Option<Vec<u8>> {
        const NAMES_OF_FUNCTIONS: u8 = 1;
        let mut reader = BinaryReader::new(section, 0);
        if reader.read_string().ok()? != "name" {
            return None;
        }
        let mut out = section.get(..reader.original_position())?.to_vec();
        let mut is_named = false;
        while !reader.eof() {
            let id = reader.read_u8().ok()?;
            let length = usize::try_from(reader.read_var_u32().ok()?).ok()?;
            let names = reader.read_bytes(length).ok()?;
            out.push(id);
            if id == NAMES_OF_FUNCTIONS {
                // In the order of their numbers, and these are the highest.
                let mut added = Vec::new();
                for (number, name) in (self.functions..).zip(bulk::NAMES) {
                    number.encode(&mut added);
                    name.encode(&mut added);
                }
                append(names, HELPERS, &added)?.encode(&mut out);
                is_named = true;
            } else {
                names.encode(&mut out);
            }
        }
        is_named.then_some(out)
    }
}

/// A code section that has changed.
struct Rewritten {
    bytes: Vec<u8>,
    /// The helpers are called, and are there.
    has_calls: bool,
}

/// None within if nothing has changed.
fn rewritten(section: &[u8], shape: &Shape) -> Option<Option<Rewritten>> {
    let reader = CodeSectionReader::new(BinaryReader::new(section, 0)).ok()?;
    let count = reader.count();
    let mut functions = Vec::with_capacity(section.len() + section.len() / 2);
    let mut room = section.len().max(ALWAYS);
    let (mut has_changed, mut has_calls) = (false, false);
    for body in reader {
        let function = Operators::read(section, &body.ok()?)?;
        let mut edits = bulk::calls(&function, shape);
        has_calls |= !edits.is_empty();
        let loops = loops::unrolled(&function, &edits)?;
        let growth: usize = loops.iter().map(Edit::growth).sum();
        if growth <= room {
            room -= growth;
            edits.extend(loops);
            edits.sort_by_key(|edit| edit.range.start);
        }
        has_changed |= !edits.is_empty();
        function.edited(&edits)?.encode(&mut functions);
    }
    if !has_changed {
        return Some(None);
    }
    let mut bytes = Vec::with_capacity(functions.len());
    match has_calls {
        true => {
            count.checked_add(HELPERS)?.encode(&mut bytes);
            bytes.extend_from_slice(&functions);
            bytes.extend_from_slice(&bulk::helpers());
        }
        false => {
            count.encode(&mut bytes);
            bytes.extend_from_slice(&functions);
        }
    }
    Some(Some(Rewritten { bytes, has_calls }))
}

/// A section of counted entries with more of them.
fn append(section: &[u8], more: u32, added: &[u8]) -> Option<Vec<u8>> {
    let mut reader = BinaryReader::new(section, 0);
    let count = reader.read_var_u32().ok()?;
    let entries = section.get(reader.original_position()..)?;
    let mut out = Vec::with_capacity(section.len() + added.len() + 1);
    count.checked_add(more)?.encode(&mut out);
    out.extend_from_slice(entries);
    out.extend_from_slice(added);
    Some(out)
}

/// How many entries a section has.
fn count(section: &[u8]) -> Option<u32> {
    BinaryReader::new(section, 0).read_var_u32().ok()
}
