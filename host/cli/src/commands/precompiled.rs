//! `--allow-precompiled`: the only place of this crate that vouches for something.

#![allow(
    unsafe_code,
    reason = "native code cannot be checked; the user vouches for it on the command line"
)]

use isopod_host::{Engine, Program, Result};
use std::path::Path;

/// Loads native code. Only to be called where the user gave `--allow-precompiled`.
pub(crate) fn load(engine: &Engine, path: &Path) -> Result<Program> {
    // SAFETY: the file runs with all rights of the user, and the user has said for this very run,
    // with an option whose help says what it means, that the file may be trusted.
    unsafe { Program::from_precompiled_file(engine, path) }
}
