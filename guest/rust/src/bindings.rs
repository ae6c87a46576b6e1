//! The WIT world `program`, as wit-bindgen generates it in Rust. All other code of this crate calls the host
//! through this module, and none of it is public.

#![allow(unsafe_code, reason = "generated")]
#![allow(
    clippy::all,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "generated"
)]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "generated"
)]
#![allow(missing_debug_implementations, dead_code, reason = "generated")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "program",
});

pub(crate) use self::isopod::multiprocessing::{
    direct, manager, memory, pipe, pool, process, queue, sync, types, wait,
};

/// The exports of a plugin. Programs have none of them: only `isopod::plugin!` makes the exports.
#[doc(hidden)]
pub mod exported {
    wit_bindgen::generate!({
        inline: "package isopod:rust; world exported { export isopod:multiprocessing/functions@0.1.0; }",
        path: "../../wit",
        with: {
            "isopod:multiprocessing/types@0.1.0": crate::bindings::isopod::multiprocessing::types,
        },
        pub_export_macro: true,
    });
}
