//! The command line as its users meet it: the built binary, with real programs, from the outside.
//!
//! What is compared is whole output: exit code, standard output and standard error. Nothing here
//! sleeps to wait for something: a test waits for the bytes or the end it is about, and time-outs
//! are guards that only a failure reaches. The programs are in `programs`, one file each.

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
