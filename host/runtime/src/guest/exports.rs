//! The functions that a program exports, with their types as WIT spells them.

use super::program::Program;
use super::spelling::signature;
use wasmtime::component::types::{ComponentFunc, ComponentItem};

/// The separator between the name of an interface and the name of its function.
pub(crate) const OF: char = '#';

/// A function that a component exports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginExport {
    /// The name to call it by: its own name, after the name of its interface if it is in one, as in
    /// `docs:adder/add@0.1.0#add`.
    pub name: String,
    /// Its parameters and its result, as WIT spells them: `func(x: u32, y: u32) -> u32`.
    pub signature: String,
}

/// The most functions that are listed of a program, and the most bytes in the name of each. Functions beyond
/// these bounds cannot be called.
const MOST_EXPORTS: usize = 10_000;
const LONGEST_EXPORT: usize = 1_000;

/// All functions that a program exports.
pub(crate) fn exports(program: &Program) -> Vec<PluginExport> {
    let engine = &program.engine().machinery().wasmtime;
    let kind = program.component().component_type();
    let mut exports = Vec::new();
    let mut add = |interface: Option<&str>, name: &str, function: &ComponentFunc| {
        let length = interface.map_or(0, |interface| interface.len() + 1) + name.len();
        if exports.len() < MOST_EXPORTS && length <= LONGEST_EXPORT {
            exports.push(PluginExport {
                name: match interface {
                    Some(interface) => format!("{interface}{OF}{name}"),
                    None => name.to_owned(),
                },
                signature: signature(function),
            });
        }
    };
    for (name, export) in kind.exports(engine) {
        match export.ty {
            ComponentItem::ComponentFunc(function) => add(None, name, &function),
            ComponentItem::ComponentInstance(interface) => {
                for (function_name, export) in interface.exports(engine) {
                    if let ComponentItem::ComponentFunc(function) = export.ty {
                        add(Some(name), function_name, &function);
                    }
                }
            }
            _ => {}
        }
    }
    exports.sort_by(|a, b| a.name.cmp(&b.name));
    exports
}
