//! From the bytes of a component to code.
//!
//! Each process can be ended at the head of each of its loops, and small loops pay for that more than for
//! what they do, so they are unrolled first ([`isopod_component::unroll_loops`]).

use wasmtime::Engine;
use wasmtime::component::Component;

/// To be raised when what is done to code before it is compiled changes: entries of the cache are named
/// by it.
const VERSION: u32 = 1;

/// What the code depends on besides the engine: what is done to loops, and whether.
pub(crate) fn settings() -> (u32, bool) {
    (VERSION, unrolls())
}

/// Compiles a component.
///
/// # Errors
/// What the compiler says of it.
pub(crate) fn component(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
    let unrolled = unrolls().then(|| isopod_component::unroll_loops(bytes));
    match unrolled.flatten() {
        // What the compiler refuses, it shall refuse with the offsets of what it was given.
        Some(unrolled) => Component::from_binary(engine, &unrolled)
            .or_else(|_| Component::from_binary(engine, bytes)),
        None => Component::from_binary(engine, bytes),
    }
}

/// Unless the engine looks the source's lines up, by the addresses that the code has in its file.
fn unrolls() -> bool {
    std::env::var_os("WASMTIME_BACKTRACE_DETAILS").is_none_or(|value| value != "1")
}
