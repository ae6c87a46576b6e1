//! `--allow-precompiled`: the only unsafe code of this crate.

#![allow(
    unsafe_code,
    reason = "native code cannot be checked; the user vouches for it on the command line"
)]

use isopod_host::{Engine, Program, Result};
use std::path::Path;

/// Loads native code. Call it only if the user has given `--allow-precompiled`.
pub(crate) fn load(engine: &Engine, path: &Path) -> Result<Program> {
    // SAFETY: the file runs with all rights of the user, and the user has vouched for the file in this very run, with an
    // option whose help explains the risk.
    unsafe { Program::from_precompiled_file(engine, path) }
}
