//! Hostile guests, one program each. The tests assert how it ends, that a well-behaved tree of the same
//! engine keeps working meanwhile, and that nothing is left of it in the host.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic is how a test fails, a line says what was measured"
)]

mod by_hand;
mod harness;
mod host_memory;
mod languages;
mod messages;
mod objects;
mod outside;
mod processes;
mod storage;
mod surroundings;
