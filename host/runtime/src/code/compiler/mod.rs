//! Compiling within limits of time, memory and size.
//!
//! A compiler cannot be interrupted, and the author of the program determines how long it takes. So it
//! runs [in a process of its own](process) if the embedder names one: that process can be killed, and the
//! kernel bounds its memory. Otherwise it runs [in a thread](here), for which the caller waits no longer
//! than the limit allows.
//!
//! The code that a compiler's process returns runs as native code, like code that is compiled here: it is
//! trusted as far as the compiler is. It comes through a file that only these two processes have, and no
//! other process can change it.

mod here;
mod limits;
mod process;
mod refusal;
mod serve;

pub use limits::CompileLimits;
pub(crate) use refusal::{Refusal, told};
pub use serve::serve_compiler;

use crate::error::{Error, ErrorKind, Result};
use crate::limit_kind::LimitKind;
use here::Here;
use isopod_text::size;
use process::CompilerProcess;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The compiler of an engine.
#[derive(Debug, Default)]
pub(crate) struct Compiler {
    limits: CompileLimits,
    process: Option<CompilerProcess>,
    here: Here,
}

impl Compiler {
    /// Sets other limits.
    pub(crate) fn set_limits(&mut self, limits: CompileLimits) {
        self.limits = limits;
    }

    /// Makes the compiler run in a process of this program with these arguments.
    pub(crate) fn set_process(&mut self, program: PathBuf, arguments: Vec<OsString>) {
        self.process = Some(CompilerProcess { program, arguments });
    }

    /// Compiles a module or component. `shown` is its name in errors.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] with the limit and how to raise it; otherwise the fault of the
    /// program.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
        shown: &str,
    ) -> Result<Component> {
        let compiled = match &self.process {
            Some(process) => process.compile(engine, bytes, &self.limits),
            None => self.here.compile(engine, bytes, &self.limits),
        };
        compiled.map_err(|refusal: Refusal| refusal.error(shown))
    }

    /// The bytes of a file, unless there are too many.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] if there are too many, and the errors of reading.
    pub(crate) fn read(&self, path: &Path, shown: &str) -> Result<Vec<u8>> {
        let unreadable = |error: std::io::Error| {
            let (kind, text) = match error.kind() {
                std::io::ErrorKind::NotFound => (ErrorKind::NotFound, "does not exist"),
                _ => (ErrorKind::Io, "cannot be read"),
            };
            let failed = Error::new(kind, format!("`{shown}` {text}"));
            match kind {
                ErrorKind::NotFound => failed,
                _ => failed.with_cause(error),
            }
        };
        let file = isopod_file::open(path).map_err(unreadable)?;
        self.check_size(file.metadata().map_err(unreadable)?.len(), shown)?;
        let mut bytes = Vec::new();
        // Reading stops here also for a file without a size, and for one that grows meanwhile.
        let most = self.limits.program_bytes.saturating_add(1);
        file.take(most)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        self.check_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX), shown)?;
        Ok(bytes)
    }

    /// Refuses a program that has more bytes than the limit.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`].
    pub(crate) fn check_size(&self, bytes: u64, shown: &str) -> Result<()> {
        let limit = self.limits.program_bytes;
        match bytes > limit {
            true => Err(Error::at_limit(
                LimitKind::ProgramSize,
                format!(
                    "`{shown}` has more than the limit of {} for a program; raise it with `CompileLimits::program_bytes` or `--max-program`",
                    size(limit)
                ),
            )),
            false => Ok(()),
        }
    }
}
