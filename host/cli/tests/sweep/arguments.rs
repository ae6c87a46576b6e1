//! The arguments of functions: for each type a ladder of values up to its extremes, and combinations of the
//! ladders of all parameters.

use crate::layout::{Layout, Size};
use crate::surface::Surface;
use wit_parser::{Function, Type, TypeDefKind, TypeId};

/// The number of combinations of arguments through which one run cycles.
const MOST_COMBINATIONS: usize = 24;

/// A value of any type of WIT.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A number, a truth value, a character, the case of an enumeration, flags.
    Number(u64),
    /// This many of the bytes that begin with a counter: each call has others.
    Text(u32),
    /// These bytes.
    Constant(&'static str),
    List(Vec<Value>),
    /// This element this many times.
    Repeated(Box<Value>, u32),
    /// A record or a tuple.
    Fields(Vec<Value>),
    /// A case of a variant, an option or a result.
    Case(u32, Option<Box<Value>>),
    /// A resource that the guest holds, of the requested kind.
    Resource,
    /// The number of a resource of this kind that the guest holds.
    NumberOf(TypeId),
    /// A resource that the guest holds, but of another kind.
    Foreign,
}

/// The purpose of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As many calls as possible: none waits.
    Often,
    /// Each wait lasts for ever.
    Wait,
    /// Makes the objects that the function takes.
    Setup,
}

/// Texts that some function takes as valid: a path, a granted directory, variable, address, host name, and
/// a bound name.
const MEANINGFUL: &[&str] = &[
    "f",
    "d",
    "/scratch",
    "127.0.0.1:*",
    "SWEEP",
    "localhost",
    "d/../f",
    "[::1]:*",
];

/// The arguments of all calls of a run.
pub(crate) fn combinations(
    surface: &Surface,
    function: &Function,
    mode: Mode,
    layout: &Layout,
) -> Vec<Vec<Value>> {
    let ladder = Ladder {
        surface,
        mode,
        layout,
    };
    let ladders: Vec<Vec<Value>> = function
        .params
        .iter()
        .map(|parameter| match surface.numbered(parameter) {
            Some(resource) => vec![Value::NumberOf(resource), Value::Number(0xffff_ffff)],
            None => ladder.of(&parameter.ty, &parameter.name),
        })
        .collect();
    let all: usize = ladders.iter().map(Vec::len).product();
    let longest = ladders.iter().map(Vec::len).max().unwrap_or(1);
    let limit = if mode == Mode::Setup {
        6
    } else {
        MOST_COMBINATIONS
    };
    // Random combinations, but the same each time, so that tables can be compared.
    let mut random = 0x9e37_79b9_u64;
    let mut combinations: Vec<Vec<Value>> = (0..all.min(limit.max(longest)))
        .map(|number| {
            let mut rest = number;
            ladders
                .iter()
                .map(|ladder| {
                    let step = if all <= limit {
                        let step = rest % ladder.len();
                        rest /= ladder.len();
                        step
                    } else if number < longest {
                        number % ladder.len()
                    } else {
                        random = random
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1_442_695_040_888_963_407);
                        (random >> 33) as usize % ladder.len()
                    };
                    ladder[step].clone()
                })
                .collect()
        })
        .collect();
    // Last, because a handle of another kind is a trap.
    if mode == Mode::Often && layout.size == Size::Small {
        let mut foreign = combinations[0].clone();
        if let Some(resource) = foreign
            .iter_mut()
            .find(|value| matches!(value, Value::Resource))
        {
            *resource = Value::Foreign;
            combinations.push(foreign);
        }
    }
    combinations
}

struct Ladder<'a> {
    surface: &'a Surface,
    mode: Mode,
    layout: &'a Layout,
}

impl Ladder<'_> {
    /// The values of a type. The first one is the most likely to be valid.
    fn of(&self, ty: &Type, name: &str) -> Vec<Value> {
        match ty {
            Type::Bool => numbers(&[1, 0]),
            Type::U8 | Type::S8 => numbers(&[0, 127, 0xff, 1]),
            Type::U16 | Type::S16 => numbers(&[0, 0xffff, 1]),
            Type::U32 | Type::S32 | Type::Char => self.integers(32),
            Type::U64 | Type::S64 => self.integers(64),
            Type::String => self.texts(),
            Type::Id(id) => self.of_definition(*id, name),
            Type::F32 | Type::F64 | Type::ErrorContext => {
                panic!("no function had a {ty:?} yet: give it a ladder")
            }
        }
    }

    fn of_definition(&self, id: TypeId, name: &str) -> Vec<Value> {
        let definition = &self.surface.resolve.types[id];
        if definition.name.as_deref() == Some("duration") {
            return if self.mode == Mode::Wait {
                numbers(&[u64::MAX])
            } else {
                numbers(&[0, 1, 1000])
            };
        }
        match &definition.kind {
            TypeDefKind::Type(ty) => self.of(ty, name),
            TypeDefKind::Handle(_) => {
                vec![Value::Resource]
            }
            TypeDefKind::Option(ty) => {
                let some = self
                    .of(ty, name)
                    .into_iter()
                    .map(|value| Value::Case(1, Some(Box::new(value))));
                let none = Value::Case(0, None);
                match (self.mode, name.contains("timeout")) {
                    (Mode::Wait, true) => std::iter::once(none).chain(some).collect(),
                    (_, true) => some.collect(),
                    _ => std::iter::once(none).chain(some).collect(),
                }
            }
            TypeDefKind::List(Type::U8) => self.bytes(),
            TypeDefKind::List(ty) => self.lists(ty, name),
            TypeDefKind::Record(record) => together(
                record
                    .fields
                    .iter()
                    .map(|field| self.of(&field.ty, &field.name))
                    .collect(),
            ),
            TypeDefKind::Tuple(tuple) => {
                // The address of this machine, which is granted.
                let addresses: &[&[u64]] = match tuple.types.len() {
                    4 if tuple.types[0] == Type::U8 => {
                        &[&[127, 0, 0, 1], &[0, 0, 0, 0], &[255, 255, 255, 255]]
                    }
                    8 if tuple.types[0] == Type::U16 => &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 8]],
                    _ => return together(tuple.types.iter().map(|ty| self.of(ty, name)).collect()),
                };
                addresses
                    .iter()
                    .map(|address| Value::Fields(numbers(address)))
                    .collect()
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter().zip(0..);
                cases
                    .flat_map(|(case, number)| match &case.ty {
                        None => vec![Value::Case(number, None)],
                        Some(ty) => {
                            let payloads = self.of(ty, name).into_iter();
                            payloads
                                .map(|value| Value::Case(number, Some(Box::new(value))))
                                .collect()
                        }
                    })
                    .collect()
            }
            TypeDefKind::Result(_) => vec![Value::Case(1, None), Value::Case(0, None)],
            TypeDefKind::Enum(cases) => (0..cases.cases.len() as u64).map(Value::Number).collect(),
            TypeDefKind::Flags(flags) => {
                let count = flags.flags.len();
                // One flag, then pairs, then all: a pair of flags creates a file that can be read and
                // written.
                let mut sets = vec![1, 3, 0, (1 << count) - 1];
                sets.extend((1..count).map(|flag| 1 << flag));
                sets.dedup();
                numbers(
                    &sets
                        .into_iter()
                        .filter(|set| set >> count == 0)
                        .collect::<Vec<_>>(),
                )
            }
            kind => panic!("no function had a {} yet: give it a ladder", kind.as_str()),
        }
    }

    fn integers(&self, bits: u32) -> Vec<Value> {
        let most = u64::MAX >> (64 - bits);
        match self.layout.size {
            Size::Small => numbers(&[1, 0, 8, most, most >> 1, 4096]),
            Size::Large => numbers(&[
                1 << 20,
                u64::from(self.layout.result_bytes) / 2,
                0,
                most,
                1 << 16,
                1,
            ]),
        }
    }

    fn bytes(&self) -> Vec<Value> {
        let lengths: &[u32] = match (self.layout.size, self.mode) {
            (Size::Small, _) => &[16, 0, 255, 4096],
            (Size::Large, Mode::Setup) => &[1 << 20],
            (Size::Large, _) => &[
                self.layout.text_bytes,
                1 << 20,
                16,
                self.layout.text_bytes / 2 + 1,
            ],
        };
        lengths.iter().map(|&length| Value::Text(length)).collect()
    }

    fn texts(&self) -> Vec<Value> {
        let mut texts = self.bytes();
        texts.extend(MEANINGFUL.iter().map(|text| Value::Constant(text)));
        if self.layout.size == Size::Small {
            // Valid texts come first if there are only few combinations.
            texts.rotate_left(4);
            texts.insert(0, Value::Text(16));
        }
        texts
    }

    fn lists(&self, element: &Type, name: &str) -> Vec<Value> {
        let elements = self.of(element, name);
        let first = elements[0].clone();
        if self.mode == Mode::Setup {
            return vec![Value::List(Vec::new()), Value::List(vec![first])];
        }
        let mut lists = vec![Value::List(Vec::new()), Value::List(vec![first.clone()])];
        match self.layout.size {
            Size::Small => {
                lists.extend(
                    elements
                        .iter()
                        .take(12)
                        .map(|element| Value::Repeated(Box::new(element.clone()), 16)),
                );
            }
            Size::Large => {
                let element_bytes =
                    u32::try_from(self.surface.sizes.size(element).size_wasm32()).unwrap();
                let room = self.layout.list_bytes / element_bytes.max(1);
                for element in elements.iter().take(12) {
                    // The total of a call stays below the host's bound of 128 MiB. Each element takes about
                    // 100 bytes of that besides its text.
                    let each = u64::from(element.text_bytes()) + 100;
                    let most = u32::try_from((100 << 20) / each).unwrap().min(room);
                    lists.push(Value::Repeated(Box::new(element.clone()), most));
                    lists.push(Value::Repeated(
                        Box::new(element.clone()),
                        (most / 16).max(1),
                    ));
                }
                lists.swap(0, 2);
            }
        }
        lists
    }
}

impl Value {
    /// The bytes of text that the host copies for this value.
    fn text_bytes(&self) -> u32 {
        match self {
            Value::Number(_) | Value::NumberOf(_) | Value::Resource | Value::Foreign => 0,
            Value::Text(length) => *length,
            Value::Constant(text) => u32::try_from(text.len()).unwrap(),
            Value::List(values) | Value::Fields(values) => values
                .iter()
                .fold(0, |sum, value| sum.saturating_add(value.text_bytes())),
            Value::Repeated(value, count) => value.text_bytes().saturating_mul(*count),
            Value::Case(_, value) => value.as_ref().map_or(0, |value| value.text_bytes()),
        }
    }
}

fn numbers(numbers: &[u64]) -> Vec<Value> {
    numbers
        .iter()
        .map(|&number| Value::Number(number))
        .collect()
}

/// Records: the n-th has the n-th value of each field.
fn together(ladders: Vec<Vec<Value>>) -> Vec<Value> {
    let longest = ladders.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .map(|number| {
            Value::Fields(
                ladders
                    .iter()
                    .map(|ladder| ladder[number % ladder.len()].clone())
                    .collect(),
            )
        })
        .collect()
}
