//! From the bytes of a component to code.
//!
//! Each process can be ended at the head of each of its loops and functions. Copies and fills of memory are made
//! loops for that first, and small loops, which pay for it more than for what they do, are unrolled
//! ([`isopod_component::make_interruptible`]).

use crate::error::{Error, ErrorKind};
use std::sync::{Mutex, PoisonError};
use wasmtime::Engine;
use wasmtime::component::Component;

/// To be raised when what is done to code before it is compiled changes: entries of the cache are named
/// by it.
const VERSION: u32 = 2;

/// What the code depends on besides the engine: what is done to it, and whether.
pub(crate) fn settings() -> (u32, bool) {
    (VERSION, changes_code())
}

/// Compiles a component, with a thread for each core.
///
/// # Errors
/// What the compiler says of it.
pub(crate) fn component(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
    on_threads_of_its_own(|| changed_and_compiled(engine, bytes))
}

/// The compiler takes the threads of rayon. Those of its shared pool would stay for ever, and a process that
/// has other threads cannot be confined whole ([`confine`](crate::confine)): these are gone on return.
fn on_threads_of_its_own(
    compile: impl FnOnce() -> wasmtime::Result<Component> + Send,
) -> wasmtime::Result<Component> {
    let threads = Mutex::new(Vec::new());
    let pool = rayon::ThreadPoolBuilder::new()
        .spawn_handler(|thread| {
            let started = std::thread::Builder::new()
                .name("isopod-compiler".to_owned())
                .spawn(|| thread.run())?;
            let mut threads = threads.lock().unwrap_or_else(PoisonError::into_inner);
            threads.push(started);
            Ok(())
        })
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Engine, "the system refuses threads to compile").with_cause(error)
        })?;
    let compiled = pool.install(compile);
    drop(pool);
    for thread in threads.into_inner().unwrap_or_else(PoisonError::into_inner) {
        // What a job's panic was, its caller has got.
        let _ = thread.join();
    }
    compiled
}

fn changed_and_compiled(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
    let changed = changes_code().then(|| isopod_component::make_interruptible(bytes));
    match changed.flatten() {
        // What the compiler refuses, it shall refuse with the offsets of what it was given.
        Some(changed) => Component::from_binary(engine, &changed)
            .or_else(|_| Component::from_binary(engine, bytes)),
        None => Component::from_binary(engine, bytes),
    }
}

/// Unless the engine looks the source's lines up, by the addresses that the code has in its file.
fn changes_code() -> bool {
    std::env::var_os("WASMTIME_BACKTRACE_DETAILS").is_none_or(|value| value != "1")
}
