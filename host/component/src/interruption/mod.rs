//! Changes code so that a program can be interrupted soon, and pays little for it.
//!
//! An engine that can end a busy program looks at a counter at the head of each loop and of each function. [Long
//! copies and fills](bulk) of memory are instructions without either, so they become loops; [small loops](loops) pay
//! for the look more than for what they do, so they are unrolled.

mod bulk;
mod function;
mod loops;
mod module;

use std::borrow::Cow;
use wasm_encoder::Encode;
use wasmparser::BinaryReader;

/// The ids of what a component nests.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// Components in components that are looked into. Compilers make one or two.
const DEEPEST: usize = 8;

/// The bytes of a magic number and a version.
const PREAMBLE: usize = 8;

/// What bytes hold, and so what the ids of their sections mean.
#[derive(Clone, Copy)]
enum Form {
    Module,
    Component { depth: usize },
}

struct Section<'a> {
    id: u8,
    bytes: Cow<'a, [u8]>,
}

/// Unrolls the small loops of a core module, or of all modules in a component, and lets long copies and fills of
/// memory be interrupted. None if there are none, or if the bytes cannot be read: whoever compiles them says
/// better why.
///
/// What the program does is the same, and where it traps. What it gives has little more than twice the code, or
/// 4 KiB more, and in a module with copies or fills two functions more. Offsets into the code are others than before,
/// so debug information does not fit it any more.
///
/// Does not block.
///
/// ```
/// let module = wat::parse_str("(module (func (param i32) (loop (br_if 0 (local.get 0)))))")?;
/// let unrolled = isopod_component::make_interruptible(&module).expect("it has a small loop");
/// assert!(unrolled.len() > module.len());
/// assert_eq!(isopod_component::make_interruptible(b"\0asm\x01\0\0\0"), None);
/// # Ok::<(), wat::Error>(())
/// ```
pub fn make_interruptible(wasm: &[u8]) -> Option<Vec<u8>> {
    let form = match crate::kind_of(wasm) {
        crate::Kind::CoreModule => Form::Module,
        crate::Kind::Component => Form::Component { depth: 0 },
        _ => return None,
    };
    rewritten(wasm, form)
}

/// The whole with what has changed of it; none if nothing has.
fn rewritten(wasm: &[u8], form: Form) -> Option<Vec<u8>> {
    let (preamble, rest) = wasm.split_at_checked(PREAMBLE)?;
    let mut sections = read(rest)?;
    match form {
        Form::Module => module::rewrite(&mut sections)?,
        Form::Component { depth } => {
            let mut has_changed = false;
            for section in &mut sections {
                let changed = match section.id {
                    CORE_MODULE => rewritten(&section.bytes, Form::Module),
                    COMPONENT if depth < DEEPEST => {
                        rewritten(&section.bytes, Form::Component { depth: depth + 1 })
                    }
                    _ => None,
                };
                if let Some(changed) = changed {
                    section.bytes = changed.into();
                    has_changed = true;
                }
            }
            if !has_changed {
                return None;
            }
        }
    }
    Some(written(preamble, &sections))
}

/// The sections of a module or component, or those of a section of names. None if they cannot be read.
fn read(bytes: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut reader = BinaryReader::new(bytes, 0);
    let mut sections = Vec::new();
    while !reader.eof() {
        let id = reader.read_u8().ok()?;
        let length = usize::try_from(reader.read_var_u32().ok()?).ok()?;
        let bytes = reader.read_bytes(length).ok()?.into();
        sections.push(Section { id, bytes });
    }
    Some(sections)
}

/// What comes before the sections, and they.
fn written(before: &[u8], sections: &[Section<'_>]) -> Vec<u8> {
    let mut out = before.to_vec();
    for section in sections {
        out.push(section.id);
        section.bytes.encode(&mut out);
    }
    out
}
