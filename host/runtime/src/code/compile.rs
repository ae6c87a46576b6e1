//! From the bytes of a component to code.
//!
//! Each process can be ended at the head of each of its loops and functions. So the bytes are validated, instructions
//! that take long become calls of loops, and small loops, which pay for that more than for what they do, are unrolled
//! ([`isopod_component::make_interruptible`]). Only then the compiler sees them.

use crate::code::compiler::Refusal;
use crate::mutex::lock;
use isopod_component::Kind;
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use wasmtime::Engine;
use wasmtime::component::Component;

/// To be raised when what is done to code before it is compiled changes: entries of the cache are named
/// by it.
pub(crate) const VERSION: u32 = 3;

/// Compiles a component, or a core module that is made one.
///
/// # Errors
/// What is wrong with it, or beyond a limit.
pub(crate) fn program(engine: &Engine, bytes: &[u8]) -> Result<Component, Refusal> {
    let invalid = Refusal::invalid;
    let component = match isopod_component::kind_of(bytes) {
        Kind::CoreModule => {
            // Before anything else reads it, and so that places in it are those of the file.
            isopod_component::validate(bytes).map_err(|error| invalid(&error))?;
            Cow::Owned(isopod_component::componentize(bytes).map_err(Refusal::no_component)?)
        }
        _ => Cow::Borrowed(bytes),
    };
    let changed =
        isopod_component::make_interruptible(&component).map_err(|error| invalid(&error))?;
    let component = changed.map_or(component, Cow::Owned);
    compiled(engine, &component)
}

/// With a thread for each core.
fn compiled(engine: &Engine, component: &[u8]) -> Result<Component, Refusal> {
    on_threads_of_its_own(|| Component::from_binary(engine, component))
}

/// The compiler takes the threads of rayon. Those of its shared pool would stay for ever, and a process that
/// has other threads cannot be confined whole ([`confine`](crate::confine)): these are gone on return.
fn on_threads_of_its_own(
    compile: impl FnOnce() -> wasmtime::Result<Component> + Send,
) -> Result<Component, Refusal> {
    let threads = Mutex::new(Vec::new());
    let refused = Mutex::new(None);
    let pool = rayon::ThreadPoolBuilder::new()
        .spawn_handler(|thread| {
            let started = std::thread::Builder::new()
                .name("isopod-compiler".to_owned())
                .spawn(|| thread.run());
            match started {
                Ok(started) => lock(&threads).push(started),
                Err(error) => {
                    let kind = error.kind();
                    *lock(&refused) = Some(reason(error));
                    return Err(kind.into());
                }
            }
            Ok(())
        })
        .build();
    let compiled = match &pool {
        Ok(pool) => pool
            .install(compile)
            .map_err(|error| Refusal::of_engine(&error)),
        Err(_) => {
            let refused = lock(&refused).take();
            let refused = refused.unwrap_or_else(|| std::io::ErrorKind::Other.into());
            Err(Refusal::no_thread(&refused))
        }
    };
    drop(pool);
    for thread in threads.into_inner().unwrap_or_else(PoisonError::into_inner) {
        // What a job's panic was, its caller has got.
        let _ = thread.join();
    }
    compiled
}

/// Why a thread was refused: the system has one error for too many threads and for no memory for the stack.
fn reason(error: std::io::Error) -> std::io::Error {
    /// A stack, and what else a thread needs.
    const STACK_BYTES: usize = (2 << 20) + (256 << 10);
    match Vec::<u8>::new().try_reserve_exact(STACK_BYTES) {
        Ok(()) => error,
        Err(_) => std::io::ErrorKind::OutOfMemory.into(),
    }
}
