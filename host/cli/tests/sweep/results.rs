//! Code that keeps the resources in the results of a function.

use crate::lower::{bytes, case_types, payload_place, ring};
use crate::surface::Surface;
use std::fmt::Write as _;
use wit_parser::{Handle, Type, TypeDefKind};

/// Code that puts the resources of a result into their rings.
pub(crate) fn keep(
    surface: &Surface,
    ty: &Type,
    place: &str,
    offset: u32,
    depth: u32,
    code: &mut String,
) {
    let mut found = Vec::new();
    surface.resources_in(ty, true, &mut found);
    let Type::Id(id) = ty else { return };
    if found.is_empty() {
        return;
    }
    match &surface.resolve.types[*id].kind {
        TypeDefKind::Type(ty) => keep(surface, ty, place, offset, depth, code),
        TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => {
            let ring = ring(surface, surface.definition(*id));
            writeln!(
                code,
                "(call $keep (i32.const {ring}) (i32.load offset={offset} {place}))"
            )
            .unwrap();
        }
        TypeDefKind::Record(record) => {
            for (at, ty) in surface
                .sizes
                .field_offsets(record.fields.iter().map(|field| &field.ty))
            {
                keep(
                    surface,
                    ty,
                    place,
                    offset + bytes(at.size_wasm32()),
                    depth,
                    code,
                );
            }
        }
        TypeDefKind::Tuple(tuple) => {
            for (at, ty) in surface.sizes.field_offsets(&tuple.types) {
                keep(
                    surface,
                    ty,
                    place,
                    offset + bytes(at.size_wasm32()),
                    depth,
                    code,
                );
            }
        }
        TypeDefKind::List(element) => {
            let size = surface.sizes.size(element).size_wasm32();
            writeln!(
                code,
                "(local.set $at{depth} (i32.load offset={offset} {place}))
                 (local.set $left{depth} (call $least (i32.load offset={} {place}) (i32.const 16)))
                 (block $done{depth} (loop $next{depth}
                   (br_if $done{depth} (i32.eqz (local.get $left{depth})))",
                offset + 4
            )
            .unwrap();
            keep(
                surface,
                element,
                &format!("(local.get $at{depth})"),
                0,
                depth + 1,
                code,
            );
            writeln!(
                code,
                "(local.set $at{depth} (i32.add (local.get $at{depth}) (i32.const {size})))
                 (local.set $left{depth} (i32.sub (local.get $left{depth}) (i32.const 1)))
                 (br $next{depth})))"
            )
            .unwrap();
        }
        kind => {
            let (_, payload) = payload_place(surface, kind);
            for (case, ty) in (0..).zip(case_types(kind)) {
                let Some(ty) = ty else { continue };
                let mut inner = String::new();
                keep(surface, &ty, place, offset + payload, depth, &mut inner);
                if !inner.is_empty() {
                    writeln!(
                        code,
                        "(if (i32.eq (i32.load8_u offset={offset} {place}) (i32.const {case})) (then {inner}))"
                    )
                    .unwrap();
                }
            }
        }
    }
}
