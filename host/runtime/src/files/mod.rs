//! Files as guests see them: `wasi:filesystem`, with its blocking operations bounded and its special
//! files refused.
//!
//! What an operation does is wasmtime-wasi's code. Where it runs is decided here: a system call on a
//! file cannot be cut short, so each runs on a thread for such, beside the process's own, which waits
//! for it where a kill finds it ([`operations`](crate::operations)). A process that is ended leaves its operation behind:
//! it ends at once, and the slots that the operation holds come back when that returns.
//!
//! Each descriptor that a guest opens counts ([`descriptors`](crate::descriptors)), and so does what it stores
//! ([`storage`](crate::storage)).

mod calls;
mod descriptor;
mod entries;
mod held;
mod links;
mod open;
mod refusals;
mod storing;
mod streams;

use crate::run::State;
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};

/// What a guest is told that may hold no more descriptors: WASI's files know no `EMFILE`.
const REFUSED_DESCRIPTOR: ErrorCode = ErrorCode::InsufficientMemory;

/// What a guest is told that may store no more.
const QUOTA: ErrorCode = ErrorCode::Quota;

/// Puts these files in the place of wasmtime-wasi's.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    preopens::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    linker.allow_shadowing(false);
    Ok(())
}
