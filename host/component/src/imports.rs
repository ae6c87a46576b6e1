//! The imports and exports of a core module that decide how it becomes a component.
//!
//! Imports that no host can provide are refused here, because wit-component's message for them explains
//! metadata and adapters rather than the remedy.

use crate::Error;
use crate::error::shown;
use std::collections::HashSet;
use std::sync::LazyLock;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Encoding, FuncType, Parser, Payload, TypeRef, ValType};

/// The known imports, as the text of [`Error::UnknownImports`] lists them.
pub(crate) const KNOWN: &str = "the functions of `wasi_snapshot_preview1`, and interfaces \
    (`package:name/interface`) whose bindings put their metadata into the module";

/// The number of unknown imports that an error names.
const LISTED: usize = 8;

/// The functions of preview 1, as the adapter exports them. Both adapters have the same.
static PREVIEW1_FUNCTIONS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| export_names(WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER).unwrap_or_default());

/// The facts about a core module that are needed before it is encoded.
#[derive(Debug, Default)]
pub(crate) struct Outline<'a> {
    /// Whether it exports `_start`: then it is a command, with a main function.
    pub(crate) exports_start: bool,
    /// Whether it imports `proc_exit` of preview 1, with its proper signature.
    pub(crate) imports_proc_exit: bool,
    /// Whether bindings left their metadata in it.
    has_metadata: bool,
    /// The imports, as module and name.
    imports: Vec<(&'a str, &'a str)>,
}

impl<'a> Outline<'a> {
    /// Reads the outline of a core module, and checks every section boundary on the way.
    pub(crate) fn read(core_module: &'a [u8]) -> Result<Outline<'a>, Error> {
        let mut outline = Outline::default();
        let mut is_exit_type: Vec<bool> = Vec::new();
        for payload in Parser::new(0).parse_all(core_module) {
            match payload? {
                Payload::Version {
                    encoding: Encoding::Component,
                    ..
                } => {
                    return Err(Error::AlreadyComponent);
                }
                Payload::TypeSection(section) => {
                    for group in section {
                        for sub_type in group?.types() {
                            is_exit_type.push(match &sub_type.composite_type.inner {
                                wasmparser::CompositeInnerType::Func(function) => {
                                    is_exit_signature(function)
                                }
                                _ => false,
                            });
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        outline.imports.push((import.module, import.name));
                        if is_proc_exit(import.module, import.name)
                            && let TypeRef::Func(index) = import.ty
                        {
                            let index = usize::try_from(index).unwrap_or(usize::MAX);
                            outline.imports_proc_exit |=
                                is_exit_type.get(index).copied().unwrap_or(false);
                        }
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        outline.exports_start |= export?.name == "_start";
                    }
                }
                Payload::CustomSection(section) => {
                    outline.has_metadata |= section.name().starts_with("component-type");
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    /// Refuses imports that certainly no host provides. If there is metadata to check imports of interfaces
    /// against, they are left to the encoder.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut unknown = self.imports.iter().filter(|(module, name)| {
            if *module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME {
                !PREVIEW1_FUNCTIONS.contains(name)
            } else {
                !self.has_metadata
            }
        });
        let names: Vec<String> = unknown
            .by_ref()
            .take(LISTED)
            .map(|(module, name)| format!("{}.{}", shown(module), shown(name)))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let more = unknown.count();
        Err(Error::UnknownImports { names, more })
    }
}

/// Whether this import is the exit function of preview 1.
pub(crate) fn is_proc_exit(module: &str, name: &str) -> bool {
    module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME && name == "proc_exit"
}

/// The names of imports for an error, and the number of the others.
pub(crate) fn list(imports: &[String], more: usize) -> String {
    let mut text = String::new();
    for (position, import) in imports.iter().enumerate() {
        text.push_str(if position == 0 { "`" } else { ", `" });
        text.push_str(import);
        text.push('`');
    }
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn is_exit_signature(function: &FuncType) -> bool {
    function.params() == [ValType::I32] && function.results().is_empty()
}

fn export_names(module: &'static [u8]) -> Result<HashSet<&'static str>, Error> {
    let mut names = HashSet::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(section) = payload? {
            for export in section {
                names.insert(export?.name);
            }
        }
    }
    Ok(names)
}
