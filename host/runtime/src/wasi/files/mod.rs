//! Files as guests see them: `wasi:filesystem`, with its blocking operations bounded and its special
//! files refused.
//!
//! wasmtime-wasi's code performs an operation; this module decides where it runs. A system call on a file
//! cannot be cut short, so each runs on a thread for such calls. The process's own thread waits for it where
//! a kill reaches the process ([`operations`](crate::guest::operations)). A process that is ended leaves its
//! operation behind: the process ends at once, and the slots come back when the operation returns.
//!
//! Each descriptor that a guest opens counts ([`descriptors`](crate::limits::descriptors)), and so do the
//! bytes and files that it stores ([`storage`](crate::limits::storage)).

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

/// The error for a guest that may hold no more descriptors: WASI's files have no `EMFILE`.
const REFUSED_DESCRIPTOR: ErrorCode = ErrorCode::InsufficientMemory;

/// The error for a guest that may store no more.
const QUOTA: ErrorCode = ErrorCode::Quota;

/// Links these functions on files in place of wasmtime-wasi's.
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

/// Writes bytes, which are charged before they are copied and until they are written.
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
