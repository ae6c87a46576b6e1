//! Checks that bytes are valid, and within the limits of the work that is done with them.
//!
//! All work on a program takes time and memory in proportion to its bytes, with two exceptions. A few bytes
//! can demand them without end, so both have limits here. Nested components are copied once for each level
//! of their depth. And components that instantiate each other twice each are laid out one instance at a
//! time. Functions have a limit too: a compiler needs more than proportional time for long ones, and a
//! function without loops and calls has no place at which the program could be ended.

use crate::Error;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    FuncValidatorAllocations, Parser, Payload, ValidPayload, Validator, WasmFeatures,
};

/// The features of WebAssembly that programs may use: its version 2, sums in constants, tail calls, several
/// memories, relaxed vectors, and components.
///
/// Some features are left out, because no compiler for components needs them and each would add long
/// instructions of its own: memories of 64 bits, shared memories and threads, garbage collection,
/// exceptions, stack switching. The asynchronous features of components are left out too.
pub const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .difference(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::COMPONENT_MODEL);

/// The longest function, in bytes. Python's longest has 168 KiB, and so has SpiderMonkey's.
pub const MOST_FUNCTION_BYTES: usize = 2 << 20;

/// The deepest nesting of components. Compilers use a depth of one or two.
pub(crate) const DEEPEST: usize = 32;

/// The largest sum of definitions, imports, exports and instances of all components, where each component
/// counts once per instance. The largest of our own programs has 2,400.
pub(crate) const MOST_ITEMS: u64 = 1_000_000;

/// Checks that a module or component is valid, and within the limits of the work that may be done with it.
/// Takes time in proportion to its bytes.
///
/// ```
/// let wrong = wat::parse_str("(module (func (result i32) (f32.const 1)))")?;
/// assert!(matches!(isopod_component::validate(&wrong), Err(isopod_component::Error::Invalid(_))));
/// # Ok::<(), wat::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] with the fault and its place; [`Error::LongFunction`], [`Error::TooDeep`],
/// [`Error::TooMany`] and [`Error::ComponentAsValue`] for bytes that exceed a limit.
pub fn validate(wasm: &[u8]) -> Result<(), Error> {
    let invalid = |error: wasmparser::BinaryReaderError| Error::invalid(&error);
    let mut validator = Validator::new_with_features(FEATURES);
    let mut allocations = FuncValidatorAllocations::default();
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut components = Components::default();
    for payload in parser.parse_all(wasm) {
        let payload = payload.map_err(invalid)?;
        components.see(&payload)?;
        if let Payload::CodeSectionEntry(body) = &payload
            && body.range().len() > MOST_FUNCTION_BYTES
        {
            return Err(Error::LongFunction(body.range().len()));
        }
        if let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(invalid)? {
            let mut function = function.into_validator(allocations);
            function.validate(&body).map_err(invalid)?;
            allocations = function.into_allocations();
        }
    }
    Ok(())
}

/// The open components, and the number of items that each defined component adds.
#[derive(Default)]
struct Components {
    open: Vec<Scope>,
    /// The number of open modules, whose payloads this does not count.
    modules: usize,
}

#[derive(Default)]
struct Scope {
    /// The number of its own items.
    items: u64,
    /// The numbers of items of the components that are defined in it, by index.
    defined: Vec<u64>,
}

impl Components {
    fn see(&mut self, payload: &Payload<'_>) -> Result<(), Error> {
        let invalid = |error: wasmparser::BinaryReaderError| Error::invalid(&error);
        match payload {
            Payload::Version {
                encoding: wasmparser::Encoding::Component,
                ..
            } => {
                if self.open.len() > DEEPEST {
                    return Err(Error::TooDeep);
                }
                self.open.push(Scope::default());
            }
            Payload::Version { .. } => self.modules += 1,
            Payload::End(_) if self.modules > 0 => self.modules -= 1,
            Payload::End(_) => {
                let items = self.open.pop().unwrap_or_default().items;
                self.define(items);
            }
            _ if self.modules > 0 => {}
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.add(1)?;
                    match alias.map_err(invalid)? {
                        ComponentAlias::Outer {
                            kind: ComponentOuterAliasKind::Component,
                            count,
                            index,
                        } => {
                            let items = self.items(count, index);
                            self.define(items);
                        }
                        ComponentAlias::InstanceExport {
                            kind: ComponentExternalKind::Component,
                            ..
                        } => return Err(Error::ComponentAsValue),
                        _ => {}
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.add(1)?;
                    let kind = import.map_err(invalid)?.ty.kind();
                    if kind == ComponentExternalKind::Component {
                        return Err(Error::ComponentAsValue);
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.add(1)?;
                    let export = export.map_err(invalid)?;
                    if export.kind == ComponentExternalKind::Component {
                        let items = self.items(0, export.index);
                        self.define(items);
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    let more = match instance.map_err(invalid)? {
                        ComponentInstance::Instantiate {
                            component_index, ..
                        } => self.items(0, component_index),
                        ComponentInstance::FromExports(_) => 0,
                    };
                    self.add(more.saturating_add(1))?;
                }
            }
            Payload::InstanceSection(section) => self.add(section.count().into())?,
            Payload::CoreTypeSection(section) => self.add(section.count().into())?,
            Payload::ComponentTypeSection(section) => self.add(section.count().into())?,
            Payload::ComponentCanonicalSection(section) => self.add(section.count().into())?,
            _ => {}
        }
        Ok(())
    }

    /// Adds items to the innermost component.
    fn add(&mut self, items: u64) -> Result<(), Error> {
        let Some(scope) = self.open.last_mut() else {
            return Ok(());
        };
        scope.items = scope.items.saturating_add(items);
        match scope.items > MOST_ITEMS {
            true => Err(Error::TooMany),
            false => Ok(()),
        }
    }

    /// Adds a component that the innermost component can instantiate.
    fn define(&mut self, items: u64) {
        if let Some(scope) = self.open.last_mut() {
            scope.defined.push(items);
        }
    }

    /// The number of items of the component with this index, `outward` scopes from the innermost. Zero if
    /// there is none: the validator reports that.
    fn items(&self, outward: u32, index: u32) -> u64 {
        let outward = usize::try_from(outward).unwrap_or(usize::MAX);
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let scope = self.open.iter().rev().nth(outward);
        scope
            .and_then(|scope| scope.defined.get(index))
            .copied()
            .unwrap_or(0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), Error> {
        validate(&wat::parse_str(text).unwrap())
    }

    /// Each component has two instances of the one inside it: 2^n of them.
    fn doubling(depth: usize) -> String {
        let mut text = String::from("(component $c)");
        for _ in 0..depth {
            text = format!(
                "(component $c {text} (instance (instantiate $c)) (instance (instantiate $c)))"
            );
        }
        text
    }

    #[test]
    fn instances_are_counted_as_often_as_they_are_made() {
        assert_eq!(checked(&doubling(15)), Ok(()));
        assert_eq!(checked(&doubling(20)), Err(Error::TooMany));
    }

    #[test]
    fn components_nest_only_so_deep() {
        let nested = |depth: usize| {
            let (open, close) = ("(component ".repeat(depth), ")".repeat(depth));
            checked(&format!("(component {open}{close})"))
        };
        assert_eq!(nested(DEEPEST), Ok(()));
        assert_eq!(nested(DEEPEST + 1), Err(Error::TooDeep));
    }

    #[test]
    fn components_are_no_values() {
        let import = "(component (import \"c\" (component)))";
        let alias = "(component (component $c (component $d) (export \"d\" (component $d)))
            (instance $i (instantiate $c)) (alias export $i \"d\" (component $e)))";
        for text in [import, alias] {
            assert_eq!(checked(text), Err(Error::ComponentAsValue), "{text}");
        }
    }

    #[test]
    fn what_is_left_out_is_named() {
        for (text, word) in [
            ("(module (memory i64 1))", "memory64"),
            ("(module (memory 1 1 shared))", "threads"),
            ("(module (tag))", "exceptions"),
            ("(module (type (struct)))", "gc"),
            (
                "(module (import \"\" \"\" (table i64 1 funcref)))",
                "memory64",
            ),
        ] {
            let error = checked(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn long_functions_are_refused() {
        let nops = "nop ".repeat(MOST_FUNCTION_BYTES);
        let error = checked(&format!("(module (func {nops}))")).unwrap_err();
        assert!(matches!(error, Error::LongFunction(_)), "{error}");
    }
}
