//! The glue code generated from WIT.

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

/// The exports of a plugin.
pub(crate) mod exported {
    #![allow(
        unreachable_pub,
        reason = "generated from WIT, where the documentation is"
    )]
    wasmtime::component::bindgen!({
        inline: "package isopod:host; world exported { export isopod:multiprocessing/functions@0.1.0; }",
        path: "../../wit",
        exports: { default: async },
        with: {
            "isopod:multiprocessing/types": super::isopod::multiprocessing::types,
        },
        require_store_data_send: true,
    });
}
