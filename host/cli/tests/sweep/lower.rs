//! Code that passes values to a function, by the rules of the canonical ABI.

use crate::arguments::Value;
use crate::layout::{self, Layout};
use crate::surface::Surface;
use std::fmt::Write as _;
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{FlagsRepr, Handle, Int, Type, TypeDefKind, TypeId};

/// The code before one call: stores to memory, and the expressions of the arguments.
pub(crate) struct Lowering<'a> {
    surface: &'a Surface,
    layout: &'a Layout,
    constants: &'a mut Constants,
    /// Statements that come before the call.
    pub(crate) code: String,
    /// The place of the next list of this call.
    next_list: u32,
    /// The resources that must be held for the call.
    pub(crate) needed: Vec<TypeId>,
    /// The resources whose numbers are passed.
    pub(crate) numbers: Vec<TypeId>,
}

/// Texts in the module's data.
#[derive(Debug, Default)]
pub(crate) struct Constants(String);

impl Constants {
    fn place(&mut self, text: &str) -> u32 {
        let at = self.0.find(text).unwrap_or_else(|| {
            self.0.push_str(text);
            self.0.len() - text.len()
        });
        layout::CONSTANTS + u32::try_from(at).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(
        surface: &'a Surface,
        layout: &'a Layout,
        constants: &'a mut Constants,
    ) -> Lowering<'a> {
        Lowering {
            surface,
            layout,
            constants,
            code: String::new(),
            next_list: layout.lists(),
            needed: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// The arguments in registers: each a core type and an expression.
    pub(crate) fn flat(&mut self, value: &Value, ty: &Type) -> Vec<(WasmType, String)> {
        let Type::Id(definition) = self.plain(ty) else {
            return match (value, &self.plain(ty)) {
                (Value::Text(_) | Value::Constant(_), _) => self.text(value),
                (Value::NumberOf(resource), _) => {
                    self.numbers.push(*resource);
                    let taken = self.resource(*resource);
                    let number = number_function(self.surface, *resource);
                    vec![(WasmType::I32, format!("(call {number} {taken})"))]
                }
                (Value::Number(number), Type::U64 | Type::S64) => {
                    vec![(WasmType::I64, long(*number))]
                }
                (Value::Number(number), _) => vec![(WasmType::I32, int(*number))],
                _ => panic!("{value:?} is no {ty:?}"),
            };
        };
        match (&self.surface.resolve.types[definition].kind, value) {
            (TypeDefKind::Handle(_), Value::Foreign) => {
                vec![(WasmType::I32, "(global.get $output)".to_owned())]
            }
            (TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)), _) => {
                vec![(WasmType::I32, self.resource(*id))]
            }
            (TypeDefKind::Record(record), Value::Fields(values)) => record
                .fields
                .iter()
                .zip(values)
                .flat_map(|(field, value)| self.flat(value, &field.ty))
                .collect(),
            (TypeDefKind::Tuple(tuple), Value::Fields(values)) => tuple
                .types
                .iter()
                .zip(values)
                .flat_map(|(ty, value)| self.flat(value, ty))
                .collect(),
            (TypeDefKind::Flags(flags), Value::Number(number)) => {
                assert!(flags.repr().count() == 1, "flags of more than 32 bits");
                vec![(WasmType::I32, int(*number))]
            }
            (TypeDefKind::Enum(_), Value::Number(number)) => vec![(WasmType::I32, int(*number))],
            (TypeDefKind::List(_), Value::Text(_) | Value::Constant(_)) => self.text(value),
            (TypeDefKind::List(element), _) => {
                let (at, count) = self.list(value, element);
                vec![
                    (WasmType::Pointer, int(at.into())),
                    (WasmType::Length, int(count.into())),
                ]
            }
            (kind, Value::Case(case, payload)) => {
                let payload_type = case_type(kind, *case);
                let mut storage = [WasmType::I32; 32];
                let mut joined = FlatTypes::new(&mut storage);
                assert!(
                    self.surface
                        .resolve
                        .push_flat(&Type::Id(definition), &mut joined)
                );
                let joined = joined.to_vec();
                let mut flat = vec![(WasmType::I32, int((*case).into()))];
                if let (Some(payload), Some(ty)) = (payload, payload_type) {
                    for (is, expression) in self.flat(payload, &ty) {
                        let wanted = joined[flat.len()];
                        flat.push((wanted, converted(is, wanted, expression)));
                    }
                }
                for &ty in &joined[flat.len()..] {
                    flat.push((ty, format!("({}.const 0)", core(ty))));
                }
                flat
            }
            (kind, _) => panic!("{value:?} is no {}", kind.as_str()),
        }
    }

    /// Writes a value to memory.
    pub(crate) fn store(&mut self, value: &Value, ty: &Type, at: u32) {
        let Type::Id(definition) = self.plain(ty) else {
            match (value, &self.plain(ty)) {
                (Value::Text(_) | Value::Constant(_), _) => {
                    for (offset, (_, expression)) in (0..).zip(self.text(value)) {
                        self.write("i32.store", at + 4 * offset, &expression);
                    }
                }
                (Value::Number(number), Type::U64 | Type::S64) => {
                    self.write("i64.store", at, &long(*number))
                }
                (Value::Number(number), _) => {
                    let bytes = self.surface.sizes.size(ty).size_wasm32();
                    self.write(store_of(bytes), at, &int(*number));
                }
                _ => panic!("{value:?} is no {ty:?}"),
            }
            return;
        };
        let surface = self.surface;
        match (&surface.resolve.types[definition].kind, value) {
            (TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)), _) => {
                let resource = self.resource(*id);
                self.write("i32.store", at, &resource);
            }
            (TypeDefKind::Record(record), Value::Fields(values)) => {
                let offsets = surface
                    .sizes
                    .field_offsets(record.fields.iter().map(|field| &field.ty));
                for ((offset, ty), value) in offsets.into_iter().zip(values) {
                    self.store(value, ty, at + bytes(offset.size_wasm32()));
                }
            }
            (TypeDefKind::Tuple(tuple), Value::Fields(values)) => {
                let offsets = surface.sizes.field_offsets(&tuple.types);
                for ((offset, ty), value) in offsets.into_iter().zip(values) {
                    self.store(value, ty, at + bytes(offset.size_wasm32()));
                }
            }
            (TypeDefKind::Flags(flags), Value::Number(number)) => {
                let size = match flags.repr() {
                    FlagsRepr::U8 => 1,
                    FlagsRepr::U16 => 2,
                    FlagsRepr::U32(_) => 4,
                };
                self.write(store_of(size), at, &int(*number));
            }
            (TypeDefKind::Enum(cases), Value::Number(number)) => {
                self.write(store_of(tag_bytes(cases.tag())), at, &int(*number));
            }
            (TypeDefKind::List(_), Value::Text(_) | Value::Constant(_)) => {
                for (offset, (_, expression)) in (0..).zip(self.text(value)) {
                    self.write("i32.store", at + 4 * offset, &expression);
                }
            }
            (TypeDefKind::List(element), _) => {
                let (elements, count) = self.list(value, element);
                self.write("i32.store", at, &int(elements.into()));
                self.write("i32.store", at + 4, &int(count.into()));
            }
            (kind, Value::Case(case, payload)) => {
                let (tag, offset) = payload_place(surface, kind);
                self.write(store_of(tag_bytes(tag)), at, &int((*case).into()));
                if let (Some(payload), Some(ty)) = (payload, case_type(kind, *case)) {
                    self.store(payload, &ty, at + offset);
                }
            }
            (kind, _) => panic!("{value:?} is no {}", kind.as_str()),
        }
    }

    /// The type behind all its aliases.
    fn plain(&self, ty: &Type) -> Type {
        match ty {
            Type::Id(id) => match &self.surface.resolve.types[*id].kind {
                TypeDefKind::Type(ty) => self.plain(ty),
                _ => *ty,
            },
            _ => *ty,
        }
    }

    fn resource(&mut self, resource: TypeId) -> String {
        let resource = self.surface.definition(resource);
        self.needed.push(resource);
        format!("(call $take (i32.const {}))", ring(self.surface, resource))
    }

    fn text(&mut self, value: &Value) -> Vec<(WasmType, String)> {
        let (at, length) = match value {
            Value::Text(length) => (layout::TEXT, *length),
            Value::Constant(text) => (
                self.constants.place(text),
                u32::try_from(text.len()).unwrap(),
            ),
            _ => panic!("{value:?} is no text"),
        };
        vec![
            (WasmType::Pointer, int(at.into())),
            (WasmType::Length, int(length.into())),
        ]
    }

    /// Writes the elements of a list; returns their place and number.
    fn list(&mut self, value: &Value, element: &Type) -> (u32, u32) {
        let size = bytes(self.surface.sizes.size(element).size_wasm32());
        let align = bytes(self.surface.sizes.align(element).align_wasm32());
        let at = self.next_list.next_multiple_of(align);
        let (values, count) = match value {
            Value::List(values) => (values.as_slice(), u32::try_from(values.len()).unwrap()),
            Value::Repeated(value, count) => (std::slice::from_ref(value.as_ref()), *count),
            _ => panic!("{value:?} is no list"),
        };
        let end = self.layout.results();
        let count = count.min((end - at) / size.max(1));
        self.next_list = at + count * size;
        for (number, value) in (0..count).zip(values) {
            self.store(value, element, at + number * size);
        }
        if matches!(value, Value::Repeated(..)) && count > 1 {
            writeln!(
                self.code,
                "(call $repeat (i32.const {at}) (i32.const {size}) (i32.const {count}))"
            )
            .unwrap();
        }
        (at, count)
    }

    fn write(&mut self, store: &str, at: u32, expression: &str) {
        writeln!(self.code, "({store} (i32.const {at}) {expression})").unwrap();
    }
}

/// The module's name for the function that returns the number of such a resource.
pub(crate) fn number_function(surface: &Surface, resource: TypeId) -> String {
    format!("$number{}", surface.resource_index(resource))
}

/// The ring of a kind of resource.
pub(crate) fn ring(surface: &Surface, resource: TypeId) -> u32 {
    let index = u32::try_from(surface.resource_index(resource)).unwrap();
    let ring = layout::RINGS + index * layout::RING_BYTES;
    assert!(
        ring + layout::RING_BYTES <= layout::CONSTANTS,
        "more kinds of resources than rings"
    );
    ring
}

pub(crate) fn core(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}

fn converted(is: WasmType, wanted: WasmType, expression: String) -> String {
    match (core(is), core(wanted)) {
        ("i32", "i64") => format!("(i64.extend_i32_u {expression})"),
        (is, wanted) if is == wanted => expression,
        (is, wanted) => panic!("no {is} is passed as {wanted} yet"),
    }
}

/// The types of a variant's cases.
pub(crate) fn case_types(kind: &TypeDefKind) -> Vec<Option<Type>> {
    match kind {
        TypeDefKind::Option(ty) => vec![None, Some(*ty)],
        TypeDefKind::Result(result) => vec![result.ok, result.err],
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| case.ty).collect(),
        _ => panic!("{} has no cases", kind.as_str()),
    }
}

fn case_type(kind: &TypeDefKind, case: u32) -> Option<Type> {
    case_types(kind)[case as usize]
}

/// The size of a variant's tag, and the place of its payload.
pub(crate) fn payload_place(surface: &Surface, kind: &TypeDefKind) -> (Int, u32) {
    let tag = match kind {
        TypeDefKind::Variant(variant) => variant.tag(),
        _ => Int::U8,
    };
    let types = case_types(kind);
    let offset = surface
        .sizes
        .payload_offset(tag, types.iter().map(Option::as_ref));
    (tag, bytes(offset.size_wasm32()))
}

fn tag_bytes(tag: Int) -> usize {
    match tag {
        Int::U8 => 1,
        Int::U16 => 2,
        Int::U32 => 4,
        Int::U64 => 8,
    }
}

fn store_of(bytes: usize) -> &'static str {
    match bytes {
        1 => "i32.store8",
        2 => "i32.store16",
        _ => "i32.store",
    }
}

pub(crate) fn bytes(size: usize) -> u32 {
    u32::try_from(size).unwrap()
}

fn int(number: u64) -> String {
    format!("(i32.const {})", number & 0xffff_ffff)
}

fn long(number: u64) -> String {
    format!("(i64.const {number})")
}
