//! The example `log_pipeline`, as its README says to run it, and what its plugins may do to it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]
#![allow(clippy::print_stdout, reason = "a line says what was skipped, and why")]

mod configuration;
mod hostile;
mod reload;
mod running;
mod sample;
