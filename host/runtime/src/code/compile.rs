//! Compiles the bytes of a component to code.
//!
//! A process can be ended at the head of each of its loops and functions. So the bytes are validated,
//! instructions that run for long become calls of loops, and small loops, for which the check at their
//! head costs more than their own work, are unrolled ([`isopod_component::make_interruptible`]). Only
//! then does the compiler see them.

use crate::code::compiler::Refusal;
use crate::mutex::lock;
use isopod_component::Kind;
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Raise this when the changes that are made to code before compilation change: it is part of the names
/// of the cache's entries.
pub(crate) const VERSION: u32 = 3;

/// Compiles a component, or a core module that is first made a component.
///
/// # Errors
/// The fault of the program, or the limit that it exceeds.
pub(crate) fn program(engine: &Engine, bytes: &[u8]) -> Result<Component, Refusal> {
    let invalid = Refusal::invalid;
    let component = match isopod_component::kind_of(bytes) {
        Kind::CoreModule => {
            // Before any other code reads it, and so that positions in errors are those in the file.
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

/// Compiles with a thread for each core.
fn compiled(engine: &Engine, component: &[u8]) -> Result<Component, Refusal> {
    on_threads_of_its_own(|| Component::from_binary(engine, component))
}

/// Runs the compiler, which uses rayon's threads, on threads of its own. Threads of rayon's shared pool
/// would stay for ever, and a process that has other threads cannot be confined as a whole
/// ([`confine`](crate::confine)): these threads are gone on return.
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
        // The panic of a job has already reached its caller.
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
