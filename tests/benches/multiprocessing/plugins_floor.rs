//! The floor of plugins' calls: the same component in wasmtime, without anything of isopod.

use crate::floor::{self, State, block_on, define_isopod};
use crate::measure::expect;
use anyhow::Result;
use isopod_host::sync::Handle;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use wasmtime::Store;
use wasmtime::component::{Component, InstancePre, Linker, Resource};

mod bindings {
    #![allow(
        missing_docs,
        unreachable_pub,
        reason = "generated from WIT, where the documentation is"
    )]
    wasmtime::component::bindgen!({
        inline: "package isopod:bench; world exported { export isopod:multiprocessing/functions@0.1.0; }",
        path: "../wit",
        exports: { default: async },
        with: { "isopod:multiprocessing/types.handle": isopod_host::sync::Handle },
    });
}
use bindings::{Exported, ExportedPre};

/// The same for a store without fibers. A guest in such a store cannot be ended while it waits.
mod blocking {
    #![allow(
        missing_docs,
        unreachable_pub,
        reason = "generated from WIT, where the documentation is"
    )]
    wasmtime::component::bindgen!({
        inline: "package isopod:bench; world exported { export isopod:multiprocessing/functions@0.1.0; }",
        path: "../wit",
        with: { "isopod:multiprocessing/types.handle": isopod_host::sync::Handle },
    });
}

/// The component in bare wasmtime, without isopod.
pub(crate) struct Raw {
    exported: ExportedPre<State>,
}

/// An instance in a store without fibers.
pub(crate) struct BlockingInstance {
    store: Store<State>,
    exported: blocking::Exported,
}

pub(crate) fn blocking_instance(component: &[u8]) -> Result<BlockingInstance> {
    let engine = floor::engine()?;
    let component = Component::new(&engine, component)?;
    let mut linker = Linker::<State>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    define_isopod(&mut linker, &component)?;
    let mut store = floor::endless_store(&engine);
    let exported = blocking::Exported::instantiate(&mut store, &component, &linker)?;
    Ok(BlockingInstance { store, exported })
}

impl BlockingInstance {
    pub(crate) fn call(&mut self, input: &[u8]) -> Result<Vec<u8>> {
        let none: [Resource<Handle>; 0] = [];
        let doors = self.exported.isopod_multiprocessing_functions();
        let called = doors.call_call(&mut self.store, "echo", input, &none)?;
        let output = called.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(output.bytes)
    }
}

/// One instance of the component.
pub(crate) struct Instance {
    store: Store<State>,
    exported: Exported,
}

impl Raw {
    pub(crate) fn new(component: &[u8]) -> Result<Raw> {
        let engine = floor::engine()?;
        let component = Component::new(&engine, component)?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        define_isopod(&mut linker, &component)?;
        let pre: InstancePre<State> = linker.instantiate_pre(&component)?;
        Ok(Raw {
            exported: ExportedPre::new(pre)?,
        })
    }

    pub(crate) fn instance(&self) -> Result<Instance> {
        let mut store = floor::endless_store(self.exported.engine());
        let exported = block_on(self.exported.instantiate_async(&mut store))?;
        Ok(Instance { store, exported })
    }
}

impl Instance {
    pub(crate) fn call(&mut self, input: &[u8]) -> Result<Vec<u8>> {
        let none: [Resource<Handle>; 0] = [];
        let doors = self.exported.isopod_multiprocessing_functions();
        let called = block_on(doors.call_call(&mut self.store, "echo", input, &none))?;
        let output = called.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(output.bytes)
    }
}

/// Bare wasmtime on a thread that is pinned to another core and only polls for calls: the fastest possible
/// way there and back.
pub(crate) struct Hop {
    shared: Arc<HopState>,
    thread: std::thread::JoinHandle<()>,
}

#[derive(Default)]
struct HopState {
    /// Odd while a call is on its way or runs.
    turn: AtomicU64,
    is_over: AtomicBool,
    input: Mutex<Vec<u8>>,
    output: Mutex<Vec<u8>>,
}

impl Hop {
    pub(crate) fn start(raw: &Raw, core: usize) -> Result<Hop> {
        let mut instance = raw.instance()?;
        let shared = Arc::new(HopState::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("hop".to_owned())
            .spawn(move || {
                // A core of the engine, so this process may use it.
                let _ = crate::pinned::pin(core);
                while !of_thread.is_over.load(Ordering::Relaxed) {
                    let turn = of_thread.turn.load(Ordering::Acquire);
                    if turn % 2 == 0 {
                        std::hint::spin_loop();
                        continue;
                    }
                    let input = of_thread
                        .input
                        .lock()
                        .map(|mut input| std::mem::take(&mut *input));
                    let output = expect(instance.call(&input.unwrap_or_default()));
                    if let Ok(mut place) = of_thread.output.lock() {
                        *place = output;
                    }
                    of_thread.turn.store(turn + 1, Ordering::Release);
                }
            })?;
        Ok(Hop { shared, thread })
    }

    pub(crate) fn call(&self, input: &[u8]) {
        if let Ok(mut place) = self.shared.input.lock() {
            *place = input.to_vec();
        }
        let turn = self.shared.turn.fetch_add(1, Ordering::AcqRel) + 2;
        while self.shared.turn.load(Ordering::Acquire) != turn {
            std::hint::spin_loop();
        }
        if let Ok(mut output) = self.shared.output.lock() {
            drop(std::mem::take(&mut *output));
        }
    }

    pub(crate) fn end(self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // A panic of the thread has been printed by then.
        let _ = self.thread.join();
    }
}
