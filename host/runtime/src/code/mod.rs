//! The code of programs: limits of its compilation, the process that compiles it, the key of its cache.

// `config` has the settings of the WebAssembly engine, and `instance_limits` refuses programs that it could never start.
// `compiler` compiles, in a process of its own if the embedder names one; `compile` is the compilation itself. `code_cache`
// keeps compiled code on disk; `file_identity` tells whether a file is the one that was compiled. `image` is loaded code.
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
