//! Changes code so that a program can be interrupted soon and at a small cost.
//!
//! An engine that can end a busy program checks a counter at the head of each loop and of each function.
//! [Long-running instructions](bulk) have no such check, so they become [calls](helpers) of loops. In
//! [small loops](loops) the check costs more than the work, so they are unrolled.
//!
//! The bytes are validated first, and the later steps take time and memory in proportion to them.

mod bulk;
mod function;
mod helpers;
mod loops;
mod module;

use crate::{Error, Kind, validation};
use std::borrow::Cow;
use wasm_encoder::Encode;
use wasmparser::BinaryReader;

/// The ids of the sections that a component nests.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// The length of a magic number and a version, in bytes.
const PREAMBLE: usize = 8;

/// The contents of bytes, which decide the meaning of the ids of their sections.
#[derive(Clone, Copy)]
enum Form {
    Module,
    Component { depth: usize },
}

struct Section<'a> {
    id: u8,
    bytes: Cow<'a, [u8]>,
}

/// Validates a core module or a component, unrolls its small loops, or those of all modules in it, and
/// makes long-running instructions interruptible. `None` if there is nothing to change.
///
/// The program does the same as before and traps at the same places. The result has little more than twice
/// the code, or 4 KiB more, and one more function for each kind of long instruction, memory and long
/// segment that it uses. Offsets into the code change, so debug information no longer fits it.
///
/// It takes time and memory in proportion to the bytes. Does not block.
///
/// ```
/// let module = wat::parse_str("(module (func (param i32) (loop (br_if 0 (local.get 0)))))")?;
/// let unrolled = isopod_component::make_interruptible(&module)?.expect("it has a small loop");
/// assert!(unrolled.len() > module.len());
/// assert_eq!(isopod_component::make_interruptible(b"\0asm\x01\0\0\0")?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::NotWasm`] and [`Error::Version`] for other bytes; [`Error::Invalid`] for bytes that are not
/// valid WebAssembly of [`FEATURES`](crate::FEATURES). For bytes that exceed one of the limits:
/// [`Error::TooDeep`], [`Error::LongFunction`], [`Error::TooMany`], [`Error::ComponentAsValue`].
pub fn make_interruptible(wasm: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let form = match crate::kind_of(wasm) {
        Kind::CoreModule => Form::Module,
        Kind::Component => Form::Component { depth: 0 },
        Kind::OtherVersion(version) => return Err(Error::Version(version)),
        Kind::NotWasm => return Err(Error::not_wasm(wasm)),
    };
    validation::validate(wasm)?;
    rewritten(wasm, form)
}

/// The bytes with all changes; `None` if nothing has changed.
fn rewritten(wasm: &[u8], form: Form) -> Result<Option<Vec<u8>>, Error> {
    let Some((preamble, rest)) = wasm.split_at_checked(PREAMBLE) else {
        return Ok(None);
    };
    let mut sections = read(rest)?;
    let mut has_changed = false;
    match form {
        Form::Module => has_changed = module::rewrite(&mut sections)?,
        Form::Component { depth } => {
            for section in &mut sections {
                let form = match section.id {
                    CORE_MODULE => Form::Module,
                    // Validation has already counted them.
                    COMPONENT if depth < validation::DEEPEST => {
                        Form::Component { depth: depth + 1 }
                    }
                    COMPONENT => return Err(Error::TooDeep),
                    _ => continue,
                };
                if let Some(changed) = rewritten(&section.bytes, form)? {
                    section.bytes = changed.into();
                    has_changed = true;
                }
            }
        }
    }
    Ok(has_changed.then(|| written(preamble, &sections)))
}

/// The sections of a module or component, or the subsections of a name section.
fn read(bytes: &[u8]) -> Result<Vec<Section<'_>>, Error> {
    let mut reader = BinaryReader::new(bytes, 0);
    let mut sections = Vec::new();
    while !reader.eof() {
        let id = reader.read_u8()?;
        let length = usize::try_from(reader.read_var_u32()?).unwrap_or(usize::MAX);
        let bytes = reader.read_bytes(length)?.into();
        sections.push(Section { id, bytes });
    }
    Ok(sections)
}

/// The bytes before the sections, followed by the sections.
fn written(before: &[u8], sections: &[Section<'_>]) -> Vec<u8> {
    let mut out = before.to_vec();
    for section in sections {
        out.push(section.id);
        section.bytes.encode(&mut out);
    }
    out
}
