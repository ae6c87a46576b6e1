//! Parts of WASI that are isopod's own, linked in place of wasmtime-wasi's.

pub(crate) mod files;
pub(crate) mod name_lookup;
pub(crate) mod sockets;
