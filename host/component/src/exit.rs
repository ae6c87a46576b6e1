//! Keeps exit codes: `proc_exit` of preview 1 becomes `exit` of our own `process` interface.
//!
//! The adapter serves `proc_exit(code)` with `wasi:cli/exit.exit(result)`, which loses the code. The
//! core import has the signature of a WIT function `exit: func(code: u32)`, so renaming the import is
//! enough; no code of the module changes. If the module's own bindings do not know the interface, this
//! adds metadata that imports it.

use crate::Error;
use crate::error::shown;
use crate::imports::{Outline, is_proc_exit};
use std::borrow::Cow;
use std::sync::LazyLock;
use wasm_encoder::{CustomSection, ImportSection, Module, RawSection, reencode};
use wasmparser::{ImportSectionReader, Parser, Payload};
use wit_component::{StringEncoding, metadata};
use wit_parser::{Resolve, SourceMap, WorldItem};

/// The interface that replaces preview 1 for `proc_exit`, and its function.
const INTERFACE: &str = "isopod:multiprocessing/process@0.1.0";
const FUNCTION: &str = "exit";

/// The section that describes [`INTERFACE`] to wit-component, which looks for the prefix.
const METADATA_SECTION: &str = "component-type:isopod-exit";

/// The files of the WIT package that declare `exit`, and a world that imports only this interface, so that
/// changes of other interfaces do not matter here.
const WIT: [(&str, &str); 4] = [
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("process.wit", include_str!("../../../wit/process.wit")),
    ("pool.wit", include_str!("../../../wit/pool.wit")),
    (
        "exit.wit",
        "package isopod:multiprocessing@0.1.0; world exit { import process; }",
    ),
];

/// The payload of [`METADATA_SECTION`], or why it cannot be made. It never changes, so it is made once.
static METADATA: LazyLock<Result<Vec<u8>, String>> = LazyLock::new(encode_metadata);

/// Renames the module's import of `proc_exit`, if it has one. Otherwise returns the module unchanged.
pub(crate) fn redirect_proc_exit<'a>(
    core_module: &'a [u8],
    outline: &Outline<'_>,
) -> Result<Cow<'a, [u8]>, Error> {
    if !outline.imports_proc_exit {
        return Ok(core_module.into());
    }
    let (_, bindings) = metadata::decode(core_module)
        .map_err(|error| Error::Encode(shown(&format!("{error:#}"))))?;
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(core_module) {
        let payload = payload?;
        if let Payload::ImportSection(section) = payload {
            module.section(&with_exit(section)?);
        } else if let Some((id, range)) = payload.as_section() {
            let data = core_module.get(range).unwrap_or_default();
            module.section(&RawSection { id, data });
        }
    }
    if !imports_interface(&bindings.resolve, bindings.world) {
        let data = METADATA
            .as_ref()
            .map_err(|error| Error::Encode(error.clone()))?;
        module.section(&CustomSection {
            name: METADATA_SECTION.into(),
            data: data.into(),
        });
    }
    Ok(module.finish().into())
}

/// The imports of a module, with `proc_exit` renamed.
fn with_exit(section: ImportSectionReader<'_>) -> Result<ImportSection, Error> {
    let mut imports = ImportSection::new();
    for import in section.into_imports() {
        let import = import?;
        let (name_space, name) = if is_proc_exit(import.module, import.name) {
            (INTERFACE, FUNCTION)
        } else {
            (import.module, import.name)
        };
        let entity = wasm_encoder::EntityType::try_from(import.ty)
            .map_err(|error: reencode::Error| Error::Malformed(shown(&error.to_string())))?;
        imports.import(name_space, name, entity);
    }
    Ok(imports)
}

/// Whether the world already imports [`INTERFACE`].
fn imports_interface(resolve: &Resolve, world: wit_parser::WorldId) -> bool {
    resolve.worlds.get(world).is_some_and(|world| {
        world.imports.values().any(|item| match item {
            WorldItem::Interface { id, .. } => resolve.id_of(*id).as_deref() == Some(INTERFACE),
            _ => false,
        })
    })
}

fn encode_metadata() -> Result<Vec<u8>, String> {
    let mut sources = SourceMap::new();
    for (name, text) in WIT {
        sources.push_str(name, text);
    }
    let group = sources.parse().map_err(|(_, error)| error.to_string())?;
    let mut resolve = Resolve::new();
    let package = resolve
        .push_group(group)
        .map_err(|error| error.to_string())?;
    let world = resolve
        .select_world(&[package], Some("exit"))
        .map_err(|error| format!("{error:#}"))?;
    metadata::encode(&resolve, world, StringEncoding::UTF8, None)
        .map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole method rests on this: the core signature of the WIT function is that of `proc_exit`, and
    /// its name has not changed.
    #[test]
    fn the_wit_declares_exit_with_the_signature_of_proc_exit() {
        let payload = METADATA.as_ref().expect("the WIT is valid");
        let mut module = Module::new().finish();
        let section = CustomSection {
            name: METADATA_SECTION.into(),
            data: payload.into(),
        };
        wasm_encoder::Section::append_to(&section, &mut module);
        let (_, bindings) = metadata::decode(&module).expect("what was encoded decodes");
        assert!(imports_interface(&bindings.resolve, bindings.world));
        let (_, interface) = bindings
            .resolve
            .interfaces
            .iter()
            .find(|(id, _)| bindings.resolve.id_of(*id).as_deref() == Some(INTERFACE))
            .expect("the interface is there");
        let exit = interface.functions.get(FUNCTION).expect("`exit` is there");
        assert_eq!(exit.result, None);
        let parameters: Vec<_> = exit.params.iter().map(|parameter| parameter.ty).collect();
        assert_eq!(parameters, [wit_parser::Type::U32]);
    }
}
