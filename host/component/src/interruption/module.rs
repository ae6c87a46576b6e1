//! A core module: what of its shape matters here, and its sections with other code and more functions.

use super::bulk::{self, HELPERS};
use super::function::{Edit, Operators};
use super::{Section, loops, read, written};
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

/// Changes the sections of a module. None if there is nothing to change, or if they cannot be read.
pub(super) fn rewrite(sections: &mut [Section<'_>]) -> Option<()> {
    let shape = Shape::of(sections)?;
    let code = sections.iter_mut().find(|section| section.id == CODE)?;
    let Rewritten { bytes, has_calls } = rewritten(&code.bytes, &shape)?;
    code.bytes = bytes.into();
    if has_calls {
        shape.add_helpers(sections)?;
    }
    Some(())
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

    /// The helpers: their type, declarations, code and names.
    fn add_helpers(&self, sections: &mut [Section<'_>]) -> Option<()> {
        for section in sections {
            let (more, added) = match section.id {
                TYPES => (1, bulk::TYPE.to_vec()),
                FUNCTIONS => {
                    let mut added = Vec::new();
                    for _ in 0..HELPERS {
                        self.types.encode(&mut added);
                    }
                    (HELPERS, added)
                }
                CODE => (HELPERS, bulk::helpers()),
                CUSTOM => {
                    // A module without names, or with broken ones, is as good.
                    if let Some(named) = self.with_names(&section.bytes) {
                        section.bytes = named.into();
                    }
                    continue;
                }
                _ => continue,
            };
            section.bytes = append(&section.bytes, more, &added)?.into();
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
        let (name, rest) = section.split_at_checked(reader.original_position())?;
        let mut names = read(rest)?;
        let of_functions = names
            .iter_mut()
            .find(|names| names.id == NAMES_OF_FUNCTIONS)?;
        // In the order of their numbers, and these are the highest.
        let mut added = Vec::new();
        for (number, name) in (self.functions..).zip(bulk::NAMES) {
            number.encode(&mut added);
            name.encode(&mut added);
        }
        of_functions.bytes = append(&of_functions.bytes, HELPERS, &added)?.into();
        Some(written(name, &names))
    }
}

/// A code section that has changed.
struct Rewritten {
    bytes: Vec<u8>,
    /// The helpers are called. They are not there yet.
    has_calls: bool,
}

/// None if nothing has changed, or if it cannot be read.
fn rewritten(section: &[u8], shape: &Shape) -> Option<Rewritten> {
    let reader = CodeSectionReader::new(BinaryReader::new(section, 0)).ok()?;
    let mut bytes = Vec::with_capacity(section.len() + section.len() / 2);
    reader.count().encode(&mut bytes);
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
        function.edited(&edits)?.encode(&mut bytes);
    }
    has_changed.then_some(Rewritten { bytes, has_calls })
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
