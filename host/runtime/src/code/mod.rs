//! The code of programs: checked, compiled, kept.
//!
//! * [`config`]: the engine below; [`instance_limits`]: programs that it could never start.
//! * [`compiler`]: compiles, in a process of its own where it is told to; [`compile`]: the work itself.
//! * [`code_cache`]: compiled code on disk; [`file_identity`]: whether a file is the one that was compiled.
//! * [`image`]: code that is loaded.

pub(crate) mod code_cache;
mod compile;
pub(crate) mod compiler;
pub(crate) mod config;
pub(crate) mod file_identity;
mod image;
pub(crate) mod instance_limits;

pub(crate) use code_cache::CodeCache;
pub use code_cache::cache_key_file;
pub(crate) use compiler::Compiler;
pub use compiler::{CompileLimits, serve_compiler};
pub(crate) use image::{Code, Origin};
