//! Files as guests see them: `wasi:filesystem`, with its blocking operations bounded and its special
//! files refused.
//!
//! What an operation does is wasmtime-wasi's code. Where it runs is decided here: a system call on a
//! file cannot be cut short, so each runs on a thread for such, beside the process's own, which waits
//! for it where a kill finds it ([`operations`](crate::guest::operations)). A process that is ended leaves its operation behind:
//! it ends at once, and the slots that the operation holds come back when that returns.
//!
//! Each descriptor that a guest opens counts ([`descriptors`](crate::limits::descriptors)), and so does what it stores
//! ([`storage`](crate::limits::storage)).

mod calls;
mod descriptor;
mod entries;
mod held;
mod links;
mod open;
mod refusals;
mod room;
mod storing;
mod streams;

use crate::guest::State;
use crate::guest::arguments::Bytes;
use wasmtime::StoreContextMut;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    ErrorCode, Filesize, Host as _, HostDescriptor,
};
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
    // The one function with an argument of any size.
    linker
        .instance("wasi:filesystem/types@0.2.12")?
        .func_wrap_async(
            "[method]descriptor.write",
            |mut caller: StoreContextMut<'_, State>,
             (descriptor, bytes, offset): (Resource<Descriptor>, Bytes, Filesize)| {
                Box::new(async move {
                    let state = caller.data_mut();
                    Ok((match write(state, descriptor, bytes.0, offset).await {
                        Ok(written) => Ok(written),
                        Err(error) => Err(state.convert_error_code(error)?),
                    },))
                })
            },
        )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The bytes are charged before they are copied, and for as long as they are written.
async fn write(
    state: &mut State,
    descriptor: Resource<Descriptor>,
    bytes: Vec<u8>,
    offset: Filesize,
) -> FsResult<Filesize> {
    state.arrive().map_err(|_| ErrorCode::InsufficientMemory)?;
    let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let _charge = state.process.tree.objects.count_host_bytes(size_bytes);
    HostDescriptor::write(state, descriptor, bytes, offset).await
}
