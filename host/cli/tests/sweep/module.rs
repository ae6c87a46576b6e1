//! Builds the module of a guest: its imports, and a function for each call.

use crate::arguments::{Mode, Value, combinations};
use crate::layout::{self, Layout, Size};
use crate::lower::{Constants, Lowering, core, number_function, ring};
use crate::results::keep;
use crate::surface::{Imported, Surface};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use wit_parser::abi::AbiVariant;
use wit_parser::{Type, TypeDefKind, TypeId};

/// A module in the making.
pub(crate) struct Module<'a> {
    pub(crate) surface: &'a Surface,
    /// Texts in the arguments of calls.
    constants: Constants,
    /// By module and name: the module's own name for the function, and its type.
    imports: BTreeMap<(String, String), (String, String)>,
    functions: String,
    /// The resources whose numbers the module asks for.
    numbered: BTreeSet<TypeId>,
    calls: usize,
}

impl<'a> Module<'a> {
    pub(crate) fn new(surface: &'a Surface) -> Module<'a> {
        Module {
            surface,
            constants: Constants::default(),
            imports: BTreeMap::new(),
            functions: String::new(),
            numbered: BTreeSet::new(),
            calls: 0,
        }
    }

    /// The name of an imported function in the module.
    fn import(&mut self, module: &str, name: &str, signature: String) -> String {
        let next = format!("$import{}", self.imports.len());
        let key = (module.to_owned(), name.to_owned());
        self.imports
            .entry(key)
            .or_insert((next, signature))
            .0
            .clone()
    }

    fn import_function(&mut self, imported: &Imported) -> String {
        let signature = self
            .surface
            .resolve
            .wasm_signature(AbiVariant::GuestImport, &imported.function);
        let types = |types: &[_]| {
            types
                .iter()
                .map(|&ty| core(ty))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let text = format!(
            "(param {}) (result {})",
            types(&signature.params),
            types(&signature.results)
        );
        self.import(&imported.module, &imported.function.name, text)
    }

    /// A function of the surface, by the names of its interface and itself.
    pub(crate) fn import_named(&mut self, interface: &str, name: &str) -> String {
        let surface = self.surface;
        let found = surface.functions.iter().find(|imported| {
            imported.function.name == name && imported.module.split('@').next() == Some(interface)
        });
        self.import_function(found.unwrap())
    }

    /// Functions that each make one call with one combination of arguments.
    pub(crate) fn calls_of(&mut self, index: usize, mode: Mode, layout: &Layout) -> Vec<String> {
        let surface = self.surface;
        let imported = &surface.functions[index];
        let combinations = combinations(surface, &imported.function, mode, layout);
        combinations
            .into_iter()
            .map(|values| self.call_of(imported, &values, mode, layout))
            .collect()
    }

    fn call_of(
        &mut self,
        imported: &Imported,
        values: &[Value],
        mode: Mode,
        layout: &Layout,
    ) -> String {
        let surface = self.surface;
        let function = &imported.function;
        let callee = self.import_function(imported);
        let signature = surface
            .resolve
            .wasm_signature(AbiVariant::GuestImport, function);
        let mut lowering = Lowering::new(surface, layout, &mut self.constants);
        let mut arguments: Vec<String> = Vec::new();
        if signature.indirect_params {
            let offsets = surface
                .sizes
                .field_offsets(function.params.iter().map(|parameter| &parameter.ty));
            for ((offset, ty), value) in offsets.into_iter().zip(values) {
                let offset = u32::try_from(offset.size_wasm32()).unwrap();
                lowering.store(value, ty, layout::PARAMETERS + offset);
            }
            arguments.push(format!("(i32.const {})", layout::PARAMETERS));
        } else {
            for (parameter, value) in function.params.iter().zip(values) {
                arguments.extend(
                    lowering
                        .flat(value, &parameter.ty)
                        .into_iter()
                        .map(|(_, expression)| expression),
                );
            }
        }
        if signature.retptr {
            arguments.push(format!("(i32.const {})", layout::RESULT));
        }
        let numbers = std::mem::take(&mut lowering.numbers);
        let mut code = String::new();
        for &resource in &lowering.needed {
            let ring = ring(surface, resource);
            writeln!(
                code,
                "(if (i32.eqz (i32.load (i32.const {ring}))) (then (return (i32.const 0))))"
            )
            .unwrap();
        }
        writeln!(
            code,
            "(call $stamp) (global.set $wrapped (i32.const 0)) {}",
            lowering.code
        )
        .unwrap();
        for resource in numbers {
            self.add_number_function(resource);
        }
        if mode != Mode::Setup {
            code.push_str("(call $begun)");
        }
        let call = format!("(call {callee} {})", arguments.join(" "));
        let place = format!("(i32.const {})", layout::RESULT);
        match signature.results.first().map(|&ty| core(ty)) {
            None => code.push_str(&call),
            // So that all results are read in one way: from memory.
            Some(ty) => write!(code, "({ty}.store {place} {call})").unwrap(),
        }
        let mut has_succeeded = "(i32.const 1)".to_owned();
        if let Some(result) = &function.result {
            keep(surface, result, &place, 0, 0, &mut code);
            if is_outcome(surface, result) {
                has_succeeded = format!("(i32.eqz (i32.load8_u {place}))");
            }
        }
        let name = format!("$call{}", self.calls);
        self.calls += 1;
        let locals = (0..4).fold(String::new(), |mut locals, depth| {
            write!(locals, "(local $at{depth} i32) (local $left{depth} i32) ").unwrap();
            locals
        });
        writeln!(
            self.functions,
            "(func {name} (result i32) {locals} {code} {has_succeeded})"
        )
        .unwrap();
        name
    }

    /// The function that returns a resource's number, under the name that calls use.
    fn add_number_function(&mut self, resource: TypeId) {
        if self.numbered.insert(resource) {
            let number = self.surface.number_of(resource).unwrap();
            let import = self.import_function(number);
            let name = number_function(self.surface, resource);
            writeln!(
                self.functions,
                "(func {name} (param i32) (result i32) (call {import} (local.get 0)))"
            )
            .unwrap();
        }
    }

    /// Functions that each make a resource, in another way, and drop it.
    pub(crate) fn drops_of(
        &mut self,
        resource: TypeId,
        providers: &[usize],
        layout: &Layout,
    ) -> Vec<String> {
        let surface = self.surface;
        let module = surface.module_of(resource);
        let drop = format!("[resource-drop]{}", surface.name_of(resource));
        let callee = self.import(&module, &drop, "(param i32)".to_owned());
        let ring = ring(surface, resource);
        let mut makers = Vec::new();
        for &provider in providers {
            makers.extend(self.calls_of(provider, Mode::Setup, layout));
        }
        let mut names = Vec::new();
        for maker in makers {
            let name = format!("$call{}", self.calls);
            self.calls += 1;
            writeln!(
                self.functions,
                "(func {name} (result i32)
                   (local $handle i32)
                   (if (i32.eqz (i32.load (i32.const {ring}))) (then (drop (call {maker}))))
                   (local.set $handle (call $give_up (i32.const {ring})))
                   (if (i32.eqz (local.get $handle)) (then (return (i32.const 0))))
                   (call $begun)
                   (call {callee} (local.get $handle))
                   (i32.const 1))"
            )
            .unwrap();
            names.push(name);
        }
        names
    }

    /// The module as text, with the guest's own part.
    pub(crate) fn text(mut self, main: &str) -> String {
        let get_stdout = self.import_named("wasi:cli/stdout", "get-stdout");
        let now = self.import_named("wasi:clocks/monotonic-clock", "now");
        let write = self.import_named(
            "wasi:io/streams",
            "[method]output-stream.blocking-write-and-flush",
        );
        let small = Layout::new(Size::Small, false);
        let mut imports = String::new();
        for ((module, name), (local, signature)) in &self.imports {
            writeln!(
                imports,
                "(import \"{module}\" \"{name}\" (func {local} {signature}))"
            )
            .unwrap();
        }
        format!(
            "(module {imports}
             (memory (export \"memory\") {pages})
             (data (i32.const {constants}) \"{text}\")
             (global $results (mut i32) (i32.const {results}))
             (global $end (mut i32) (i32.const {end}))
             (global $result_bytes (mut i32) (i32.const {bytes}))
             (global $begin (mut i64) (i64.const 0))
             ;; Whether 150 ms have passed since the first call of this: the rest is for the calls under test.
             (func $late (result i32)
               (if (i64.eqz (global.get $begin)) (then (global.set $begin (call {now}))))
               (i64.gt_u (i64.sub (call {now}) (global.get $begin)) (i64.const 150000000)))
             (func $get_stdout (result i32) (call {get_stdout}))
             (func $write (param i32 i32 i32 i32)
               (call {write} (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
             {prelude} {functions} {main}
             (func $start (global.set $allocated (global.get $results)))
             (start $start))",
            pages = layout::FIRST_PAGES,
            constants = layout::CONSTANTS,
            text = self.constants.text(),
            results = small.results(),
            end = small.end(),
            bytes = small.result_bytes,
            prelude = include_str!("prelude.wat"),
            functions = self.functions,
        )
    }
}

/// A call that counts if it succeeds.
pub(crate) fn counted(call: &str) -> String {
    format!("(if (call {call}) (then (call $succeeded)))")
}

/// Whether the first byte of a result shows whether a call succeeded.
fn is_outcome(surface: &Surface, ty: &Type) -> bool {
    let Type::Id(id) = ty else { return false };
    let definition = &surface.resolve.types[surface.definition(*id)];
    matches!(definition.kind, TypeDefKind::Result(_)) || definition.name.as_deref() == Some("reply")
}
