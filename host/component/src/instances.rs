//! The memory that the host needs for each process of a program, besides its linear memories and tables.
//!
//! All processes share a module, but each instance of it has its own place for each global, import, passive
//! segment and function that can be called by reference. A few bytes of a program can demand many of them.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ElementItems, ElementKind, Instance, Parser, Payload, SectionLimited, TypeRef,
};

// Upper bounds on the bytes of an instance for one of each, as wasmtime 48 lays them out on 64-bit machines.
const INSTANCE: u64 = 1_024;
const IMPORT: u64 = 32;
const FUNCTION: u64 = 32;
const GLOBAL: u64 = 16;
const TABLE: u64 = 256;
const MEMORY: u64 = 256;
const SEGMENT: u64 = 64;
const ELEMENT: u64 = 16;
const DATA: u64 = 16;
/// Of a component: a lifted or lowered function, a type of resources, an instance.
const ITEM: u64 = 64;

/// Counts of the instances of one process of a program: see [`instances`].
///
/// For modules that a component imports, only the type is known: each counts as one core instance with the
/// bytes of the largest module, and without tables and memories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instances {
    /// Upper bound on the bytes of the host, without linear memories and elements of tables.
    pub bytes: u64,
    /// Instances of core modules.
    pub core_instances: u64,
    /// Linear memories of these instances.
    pub memories: u64,
    /// Tables of these instances.
    pub tables: u64,
    /// The initial number of elements of the largest of these tables.
    pub largest_table: u64,
}

/// Counts the instances of one process of this component or core module. Reads the bytes once. Invalid
/// bytes count as far as they can be read.
///
/// ```
/// let module = wat::parse_str("(module (memory 1) (table 7 funcref) (table 3 funcref))")?;
/// let instances = isopod_component::instances(&module);
/// assert_eq!((instances.memories, instances.tables, instances.largest_table), (1, 2, 7));
/// # Ok::<(), wat::Error>(())
/// ```
#[must_use]
pub fn instances(wasm: &[u8]) -> Instances {
    let mut reader = Reader::default();
    for payload in Parser::new(0).parse_all(wasm) {
        // The loader of the program reports this error.
        let Ok(payload) = payload else { break };
        reader.see(&payload);
    }
    let all = reader.all;
    let of_unknown = all.unknown.saturating_mul(reader.largest);
    Instances {
        bytes: all.bytes.saturating_add(of_unknown),
        core_instances: all.instances.saturating_add(all.unknown),
        memories: all.memories,
        tables: all.tables,
        largest_table: all.largest_table,
    }
}

/// Upper bound on the bytes of the host that one process of this component or core module needs for its
/// instances, as in [`instances`].
///
/// ```
/// let small = wat::parse_str("(module (func $f) (elem func $f))")?;
/// let large = wat::parse_str(format!("(module (func $f) (elem func {}))", "$f ".repeat(10_000)))?;
/// let grown = isopod_component::instance_bytes(&large) - isopod_component::instance_bytes(&small);
/// assert_eq!(grown, 16 * 9_999);
/// # Ok::<(), wat::Error>(())
/// ```
#[must_use]
pub fn instance_bytes(wasm: &[u8]) -> u64 {
    instances(wasm).bytes
}

/// The combined cost of instances.
#[derive(Clone, Copy, Default)]
struct Cost {
    bytes: u64,
    /// The number of instances of modules that are not yet known at the place of the instantiation.
    unknown: u64,
    instances: u64,
    memories: u64,
    tables: u64,
    largest_table: u64,
}

impl Cost {
    fn add(&mut self, other: Cost) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.unknown = self.unknown.saturating_add(other.unknown);
        self.instances = self.instances.saturating_add(other.instances);
        self.memories = self.memories.saturating_add(other.memories);
        self.tables = self.tables.saturating_add(other.tables);
        self.largest_table = self.largest_table.max(other.largest_table);
    }

    fn add_each(&mut self, count: u32, bytes: u64) {
        self.bytes = self
            .bytes
            .saturating_add(u64::from(count).saturating_mul(bytes));
    }
}

/// A module that is being read.
#[derive(Default)]
struct Module {
    cost: Cost,
    functions: u32,
    /// The number of places that name a function and can yield a reference to it. A function may
    /// count more than once.
    named: u32,
}

impl Module {
    fn see(&mut self, payload: &Payload<'_>) {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports().map_while(Result::ok) {
                    self.cost.add_each(1, IMPORT);
                    let is_function = matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_));
                    self.functions = self.functions.saturating_add(u32::from(is_function));
                }
            }
            Payload::FunctionSection(section) => {
                self.functions = self.functions.saturating_add(section.count());
            }
            Payload::GlobalSection(section) => {
                self.cost.add_each(section.count(), GLOBAL);
                // Each global may begin with a reference.
                self.named = self.named.saturating_add(section.count());
            }
            Payload::TableSection(section) => {
                self.cost.add_each(section.count(), TABLE);
                for table in read(section) {
                    self.cost.tables = self.cost.tables.saturating_add(1);
                    let elements = table.ty.initial;
                    self.cost.largest_table = self.cost.largest_table.max(elements);
                }
                self.named = self.named.saturating_add(section.count());
            }
            Payload::MemorySection(section) => {
                self.cost.add_each(section.count(), MEMORY);
                self.cost.memories = self
                    .cost
                    .memories
                    .saturating_add(u64::from(section.count()));
            }
            Payload::ExportSection(section) => {
                self.named = self.named.saturating_add(section.count());
            }
            Payload::DataSection(section) => self.cost.add_each(section.count(), DATA),
            Payload::ElementSection(section) => {
                for segment in section.clone().into_iter().map_while(Result::ok) {
                    let count = match &segment.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    self.named = self.named.saturating_add(count);
                    self.cost.add_each(1, SEGMENT);
                    if matches!(segment.kind, ElementKind::Passive) {
                        self.cost.add_each(count, ELEMENT);
                    }
                }
            }
            _ => {}
        }
    }

    fn cost(mut self) -> Cost {
        // The start function of the module is one more.
        let named = self.named.min(self.functions).saturating_add(1);
        self.cost.add_each(named, FUNCTION);
        self.cost.add_each(1, INSTANCE);
        self.cost.instances = 1;
        self.cost
    }
}

/// A component that is being read: its own cost, and the costs of the modules and components that are
/// defined in it, by index.
#[derive(Default)]
struct Scope {
    cost: Cost,
    modules: Vec<Cost>,
    components: Vec<Cost>,
}

const UNKNOWN: Cost = Cost {
    bytes: 0,
    unknown: 1,
    instances: 0,
    memories: 0,
    tables: 0,
    largest_table: 0,
};

#[derive(Default)]
struct Reader {
    module: Option<Module>,
    open: Vec<Scope>,
    all: Cost,
    /// The bytes of the largest module.
    largest: u64,
}

impl Reader {
    fn see(&mut self, payload: &Payload<'_>) {
        match (payload, &mut self.module) {
            (Payload::Version { encoding, .. }, _) => match encoding {
                wasmparser::Encoding::Module => self.module = Some(Module::default()),
                wasmparser::Encoding::Component => self.open.push(Scope::default()),
            },
            (Payload::End(_), Some(_)) => {
                let cost = self.module.take().unwrap_or_default().cost();
                self.largest = self.largest.max(cost.bytes);
                match self.open.last_mut() {
                    Some(scope) => scope.modules.push(cost),
                    None => self.all = cost,
                }
            }
            (Payload::End(_), None) => {
                let cost = self.open.pop().unwrap_or_default().cost;
                match self.open.last_mut() {
                    Some(scope) => scope.components.push(cost),
                    None => self.all = cost,
                }
            }
            (payload, Some(module)) => module.see(payload),
            (payload, None) => self.see_component(payload),
        }
    }

    fn see_component(&mut self, payload: &Payload<'_>) {
        match payload {
            Payload::ComponentAliasSection(section) => {
                for alias in read(section) {
                    match alias {
                        ComponentAlias::Outer {
                            kind: ComponentOuterAliasKind::CoreModule,
                            count,
                            index,
                        } => self.define_module(count, index),
                        ComponentAlias::Outer {
                            kind: ComponentOuterAliasKind::Component,
                            count,
                            index,
                        } => self.define_component(count, index),
                        ComponentAlias::InstanceExport { kind, .. } => self.define_unknown(kind),
                        _ => {}
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                self.add_each(section.count(), ITEM);
                for import in read(section) {
                    self.define_unknown(import.ty.kind());
                }
            }
            Payload::ComponentExportSection(section) => {
                self.add_each(section.count(), ITEM);
                for export in read(section) {
                    match export.kind {
                        ComponentExternalKind::Module => self.define_module(0, export.index),
                        ComponentExternalKind::Component => self.define_component(0, export.index),
                        _ => {}
                    }
                }
            }
            Payload::InstanceSection(section) => {
                self.add_each(section.count(), ITEM);
                for instance in read(section) {
                    if let Instance::Instantiate { module_index, .. } = instance {
                        let cost = self.at(0, module_index, |scope| &scope.modules);
                        self.add(cost);
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                self.add_each(section.count(), ITEM);
                for instance in read(section) {
                    if let ComponentInstance::Instantiate {
                        component_index, ..
                    } = instance
                    {
                        let cost = self.at(0, component_index, |scope| &scope.components);
                        self.add(cost);
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => self.add_each(section.count(), ITEM),
            Payload::ComponentTypeSection(section) => self.add_each(section.count(), ITEM),
            _ => {}
        }
    }

    fn add(&mut self, cost: Cost) {
        if let Some(scope) = self.open.last_mut() {
            scope.cost.add(cost);
        }
    }

    fn add_each(&mut self, count: u32, bytes: u64) {
        if let Some(scope) = self.open.last_mut() {
            scope.cost.add_each(count, bytes);
        }
    }

    fn define_module(&mut self, outward: u32, index: u32) {
        let cost = self.at(outward, index, |scope| &scope.modules);
        if let Some(scope) = self.open.last_mut() {
            scope.modules.push(cost);
        }
    }

    fn define_component(&mut self, outward: u32, index: u32) {
        let cost = self.at(outward, index, |scope| &scope.components);
        if let Some(scope) = self.open.last_mut() {
            scope.components.push(cost);
        }
    }

    /// Defines a module of which only the type is known here.
    fn define_unknown(&mut self, kind: ComponentExternalKind) {
        if kind == ComponentExternalKind::Module
            && let Some(scope) = self.open.last_mut()
        {
            scope.modules.push(UNKNOWN);
        }
    }

    /// The cost of the module or component with this index, `outward` scopes from the innermost.
    fn at(&self, outward: u32, index: u32, list: impl Fn(&Scope) -> &Vec<Cost>) -> Cost {
        let outward = usize::try_from(outward).unwrap_or(usize::MAX);
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let scope = self.open.iter().rev().nth(outward);
        let found = scope.and_then(|scope| list(scope).get(index));
        found.copied().unwrap_or(UNKNOWN)
    }
}

fn read<'a, T: wasmparser::FromReader<'a> + 'a>(
    section: &SectionLimited<'a, T>,
) -> impl Iterator<Item = T> + use<'a, T> {
    section.clone().into_iter().map_while(Result::ok)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn bytes(text: &str) -> u64 {
        instance_bytes(&wat::parse_str(text).unwrap())
    }

    /// The extra cost of `large` over `small`, in a module.
    fn more(large: &str, small: &str) -> u64 {
        bytes(&format!("(module {large})")) - bytes(&format!("(module {small})"))
    }

    #[test]
    fn each_part_of_a_module_counts() {
        assert_eq!(more("(global i32 (i32.const 0))", ""), GLOBAL);
        assert_eq!(more("(import \"\" \"\" (global i32))", ""), IMPORT);
        assert_eq!(more("(memory 0) (data \"\")", ""), MEMORY + DATA);
        // Functions that nothing can refer to cost nothing; each of the others costs once.
        assert_eq!(more("(func) (func)", ""), 0);
        assert_eq!(
            more("(func (export \"a\") (export \"b\"))", "(func)"),
            FUNCTION
        );
        assert_eq!(
            more("(func $f) (elem func $f $f)", "(func)"),
            SEGMENT + 2 * ELEMENT + FUNCTION
        );
        assert_eq!(
            more("(func $f) (elem declare func $f $f)", "(func)"),
            SEGMENT + FUNCTION
        );
    }

    #[test]
    fn modules_count_as_often_as_they_are_instantiated() {
        let module = "(core module $m (global i32 (i32.const 0)))";
        let twice = "(core instance (instantiate $m)) (core instance (instantiate $m))";
        let none = bytes(&format!("(component {module})"));
        let two = bytes(&format!("(component {module} {twice})"));
        let once = bytes("(module (global i32 (i32.const 0)))");
        assert_eq!(two - none, 2 * (once + ITEM));
        // The same through components and outer aliases.
        let inner = format!("(component $c (alias outer 1 0 (core module $m)) {twice})");
        let nested = format!(
            "(component {module} {inner} (instance (instantiate $c)) (instance (instantiate $c)))"
        );
        assert!(bytes(&nested) - none >= 4 * once);
        // A module that is passed as an argument counts as the largest one.
        let taken = format!(
            "(component {module} (component $c (import \"m\" (core module $m)) {twice})
                (instance (instantiate $c (with \"m\" (core module $m)))))"
        );
        assert!(bytes(&taken) - none >= 2 * once);
    }

    #[test]
    fn what_the_instances_have_is_counted_as_often_as_they_are_made() {
        let module = "(core module $m (memory 1) (table 5 funcref) (table 2 funcref))";
        let unused = "(core module $u (memory 1) (table 9 funcref))";
        let twice = "(core instance (instantiate $m)) (core instance (instantiate $m))";
        let text = format!("(component {module} {unused} {twice})");
        let counted = instances(&wat::parse_str(&text).unwrap());
        assert_eq!(
            (counted.core_instances, counted.memories, counted.tables),
            (2, 2, 4)
        );
        assert_eq!(counted.largest_table, 5);
        let nested = format!(
            "(component (component $c {module} {twice})
                (instance (instantiate $c)) (instance (instantiate $c)))"
        );
        let counted = instances(&wat::parse_str(nested).unwrap());
        assert_eq!((counted.core_instances, counted.tables), (4, 8));
    }

    #[test]
    fn sums_do_not_overflow() {
        let mut text =
            String::from("(component $c (core module $m) (core instance (instantiate $m)))");
        for _ in 0..30 {
            text = format!(
                "(component $c {text} {})",
                "(instance (instantiate $c))".repeat(8)
            );
        }
        assert_eq!(bytes(&text), u64::MAX);
    }
}
