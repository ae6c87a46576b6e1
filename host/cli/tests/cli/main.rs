//! The command line as its users meet it: the built binary runs real programs, and the tests look from the
//! outside.
//!
//! The tests compare whole output: exit code, standard output and standard error. No test sleeps to wait
//! for something: it waits for the bytes or the end that it tests, and only a failure reaches the
//! time-outs. The programs are in `programs`, one file each.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed unwrap is a failed test"
)]

mod audit;
mod bad_input;
mod bad_usage;
mod build;
mod confined;
mod confinement;
mod endings;
mod entry;
mod examples;
mod grants;
mod help;
mod hostile;
mod interrupt;
mod languages;
mod leftovers;
mod limits;
mod limits_of_loading;
mod loading;
mod named_files;
mod out_of_reach;
mod output;
mod plugins;
mod precompiled;
mod ps;
mod python;
mod support;
mod terminal;
mod toolchain;
