//! `isopod:multiprocessing` as guests call it: one file per interface, which only translates
//! between WIT and the objects of `isopod-sync` and this crate.

mod arguments;
mod carrying;
mod direct;
mod errors;
mod manager;
mod memory;
mod options;
mod pipe;
mod pool;
mod process;
mod queue;
mod sync;
mod types;
mod wait;

pub(crate) use arguments::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::extension::Extensions;
use crate::run::State;
use wasmtime::component::{HasSelf, Linker};

mod bindings {
    #![allow(
        missing_docs,
        reason = "generated from WIT, where the documentation is"
    )]
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "program",
        imports: { default: trappable },
        trappable_error_type: {
            "isopod:multiprocessing/types.error-code" => super::errors::Failure,
        },
        with: {
            "isopod:multiprocessing/types.handle": isopod_sync::Handle,
            "isopod:multiprocessing/process.options": super::options::Options,
            "isopod:multiprocessing/process.process": super::process::Relative,
            "isopod:multiprocessing/pool.options": super::pool::PoolOptions,
            "isopod:multiprocessing/pool.pool": super::pool::GuestPool,
            "isopod:multiprocessing/pool.batch": super::pool::GuestBatch,
            "isopod:multiprocessing/queue.queue": isopod_sync::Queue,
            "isopod:multiprocessing/pipe.connection": isopod_sync::Connection,
            "isopod:multiprocessing/sync.lock": isopod_sync::Lock,
            "isopod:multiprocessing/sync.rlock": isopod_sync::RLock,
            "isopod:multiprocessing/sync.semaphore": isopod_sync::Semaphore,
            "isopod:multiprocessing/sync.event": isopod_sync::Event,
            "isopod:multiprocessing/sync.condition": isopod_sync::Condition,
            "isopod:multiprocessing/sync.barrier": isopod_sync::Barrier,
            "isopod:multiprocessing/memory.shared-memory": isopod_sync::SharedMemory,
            "isopod:multiprocessing/manager.dict": isopod_sync::Dict,
            "isopod:multiprocessing/manager.list": isopod_sync::List,
        },
        require_store_data_send: true,
    });
}

/// What a plugin exports.
pub(crate) mod exported {
    #![allow(
        missing_docs,
        unreachable_pub,
        reason = "generated from WIT, where the documentation is"
    )]
    wasmtime::component::bindgen!({
        inline: "package isopod:host; world exported { export isopod:multiprocessing/functions@0.1.0; }",
        path: "../../wit",
        exports: { default: async },
        with: {
            "isopod:multiprocessing/types": super::bindings::isopod::multiprocessing::types,
        },
        require_store_data_send: true,
    });
}

/// Everything that a program may import.
pub(crate) fn linker(engine: &wasmtime::Engine, extensions: &Extensions) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)
        .and_then(|()| crate::files::link(&mut linker))
        .and_then(|()| crate::name_lookup::link(&mut linker))
        .and_then(|()| crate::sockets::link(&mut linker))
        .and_then(|()| link_interfaces(&mut linker))
        .and_then(|()| carrying::link(&mut linker))
        .and_then(|()| extensions.link(&mut linker))
        .map_err(|error| {
            Error::new(
                ErrorKind::Engine,
                "the host's functions could not be linked",
            )
            .with_cause(error)
        })?;
    #[cfg(test)]
    crate::bug::tests::link_panic(&mut linker);
    Ok(linker)
}

/// The interfaces of isopod, each with a note of its name at each call, for crash reports.
fn link_interfaces(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    macro_rules! link {
        ($($interface:ident)*) => {$(
            bindings::isopod::multiprocessing::$interface::add_to_linker::<_, HasSelf<State>>(
                linker,
                |state| {
                    let name = concat!("isopod:multiprocessing/", stringify!($interface));
                    state.begin_host_call(name);
                    state.set_down();
                    state
                },
            )?;
        )*};
    }
    link!(types process queue pipe sync wait memory direct pool manager);
    Ok(())
}

/// WIT's time-outs are in nanoseconds.
fn duration(timeout: Option<u64>) -> Option<std::time::Duration> {
    timeout.map(std::time::Duration::from_nanos)
}
