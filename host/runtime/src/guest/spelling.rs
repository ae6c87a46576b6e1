//! The types of a component's functions, as WIT spells them.
//!
//! Types are a graph: few bytes of a program can stand for a text of gigabytes. So each text ends at a
//! bound.

use std::fmt::{self, Write as _};
use wasmtime::component::Type;
use wasmtime::component::types::ComponentFunc;

/// A type as WIT spells it, cut if it is long: a type of few bytes can have a text of gigabytes.
pub(crate) fn name(kind: &Type) -> String {
    Spelled::of(|out| write_name(out, kind))
}

/// A function's parameters and result: `func(x: u32) -> u32`.
pub(crate) fn signature(function: &ComponentFunc) -> String {
    Spelled::of(|out| {
        out.write_str("func(")?;
        for (position, (name, kind)) in function.params().enumerate() {
            out.write_str(if position == 0 { "" } else { ", " })?;
            write!(out, "{name}: ")?;
            write_name(out, &kind)?;
        }
        out.write_str(")")?;
        for result in function.results() {
            out.write_str(" -> ")?;
            write_name(out, &result)?;
        }
        Ok(())
    })
}

/// A text that ends at a bound, however much is still to be written.
struct Spelled(String);

/// The most bytes of a text, without the dots that say that there was more.
const LONGEST_SPELLED: usize = 4 << 10;

impl Spelled {
    /// The text that `write` writes. `write` ends as soon as it gets the error that there is no more room.
    fn of(write: impl FnOnce(&mut Spelled) -> fmt::Result) -> String {
        let mut text = Spelled(String::new());
        if write(&mut text).is_err() {
            text.0.push_str("...");
        }
        text.0
    }
}

impl fmt::Write for Spelled {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = LONGEST_SPELLED.saturating_sub(self.0.len());
        let (fits, rest) = more.split_at(more.floor_char_boundary(room));
        self.0.push_str(fits);
        match rest.is_empty() {
            true => Ok(()),
            false => Err(fmt::Error),
        }
    }
}

/// Writes a type as WIT spells it.
fn write_name(out: &mut Spelled, kind: &Type) -> fmt::Result {
    match kind {
        Type::Bool => out.write_str("bool"),
        Type::S8 => out.write_str("s8"),
        Type::U8 => out.write_str("u8"),
        Type::S16 => out.write_str("s16"),
        Type::U16 => out.write_str("u16"),
        Type::S32 => out.write_str("s32"),
        Type::U32 => out.write_str("u32"),
        Type::S64 => out.write_str("s64"),
        Type::U64 => out.write_str("u64"),
        Type::Float32 => out.write_str("f32"),
        Type::Float64 => out.write_str("f64"),
        Type::Char => out.write_str("char"),
        Type::String => out.write_str("string"),
        Type::List(element) => write_of(out, "list", [Some(element.ty())]),
        Type::FixedLengthList(element) => {
            out.write_str("list<")?;
            write_name(out, &element.ty())?;
            write!(out, ", {}>", element.len())
        }
        Type::Map(map) => write_of(out, "map", [Some(map.key()), Some(map.value())]),
        Type::Record(record) => write_braces(out, "record", record.fields(), |out, field| {
            write!(out, "{}: ", field.name)?;
            write_name(out, &field.ty)
        }),
        Type::Tuple(tuple) => write_of(out, "tuple", tuple.types().map(Some)),
        Type::Variant(variant) => write_braces(out, "variant", variant.cases(), |out, case| {
            out.write_str(case.name)?;
            match case.ty {
                Some(kind) => {
                    out.write_str("(")?;
                    write_name(out, &kind)?;
                    out.write_str(")")
                }
                None => Ok(()),
            }
        }),
        Type::Enum(cases) => write_braces(out, "enum", cases.names(), Spelled::write_str),
        Type::Option(option) => write_of(out, "option", [Some(option.ty())]),
        Type::Result(result) => match (result.ok(), result.err()) {
            (None, None) => out.write_str("result"),
            (ok, None) => write_of(out, "result", [ok]),
            (ok, err) => write_of(out, "result", [ok, err]),
        },
        Type::Flags(flags) => write_braces(out, "flags", flags.names(), Spelled::write_str),
        Type::Own(_) => out.write_str("resource"),
        Type::Borrow(_) => out.write_str("borrow<resource>"),
        Type::Future(_) => out.write_str("future"),
        Type::Stream(_) => out.write_str("stream"),
        Type::ErrorContext => out.write_str("error-context"),
    }
}

/// A type made of other types: `tuple<u8, string>`, and `_` for none.
fn write_of(
    out: &mut Spelled,
    kind: &str,
    of: impl IntoIterator<Item = Option<Type>>,
) -> fmt::Result {
    out.write_str(kind)?;
    for (position, kind) in of.into_iter().enumerate() {
        out.write_str(if position == 0 { "<" } else { ", " })?;
        match kind {
            Some(kind) => write_name(out, &kind)?,
            None => out.write_str("_")?,
        }
    }
    out.write_str(">")
}

/// A type with named parts: `record { x: u8, y: u8 }`.
fn write_braces<T>(
    out: &mut Spelled,
    kind: &str,
    parts: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Spelled, T) -> fmt::Result,
) -> fmt::Result {
    write!(out, "{kind} {{")?;
    for (position, part) in parts.enumerate() {
        out.write_str(if position == 0 { " " } else { ", " })?;
        write(out, part)?;
    }
    out.write_str(" }")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_its_bound() {
        let short = Spelled::of(|out| write!(out, "list<{}>", 7));
        assert_eq!(short, "list<7>");
        let mut writes = 0;
        let long = Spelled::of(|out| {
            loop {
                writes += 1;
                out.write_str("\u{e9}\u{e9}\u{e9}")?;
            }
        });
        assert!(
            long.len() <= LONGEST_SPELLED + 3 && long.ends_with("..."),
            "{long}"
        );
        assert!(writes <= LONGEST_SPELLED);
    }
}
