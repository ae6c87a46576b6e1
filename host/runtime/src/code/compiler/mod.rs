//! Compiling within limits of time, memory and size.
//!
//! A compiler cannot be interrupted, and whoever wrote the program chooses how long it takes. So it runs [in a process
//! of its own](process), which can be killed and whose memory the kernel bounds, if the embedder names one; else
//! [in a thread](here) that nobody waits for any longer than the limit says.
//!
//! What a compiler's process gives is run as native code, as what is compiled here is: it is trusted as far
//! as the compiler is. It comes through a file that only both have, and nobody else can change it.

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

/// How an engine compiles.
#[derive(Debug, Default)]
pub(crate) struct Compiler {
    limits: CompileLimits,
    process: Option<CompilerProcess>,
    here: Here,
}

impl Compiler {
    /// Compiles with another limit.
    pub(crate) fn set_limits(&mut self, limits: CompileLimits) {
        self.limits = limits;
    }

    /// Compiles in a process of this program and these arguments.
    pub(crate) fn set_process(&mut self, program: PathBuf, arguments: Vec<OsString>) {
        self.process = Some(CompilerProcess { program, arguments });
    }

    /// Compiles a module or component, which errors call `shown`.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] with the limit and how to raise it; what is wrong with the program.
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

    /// The bytes of a file, if they are not too many.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] if they are, and those of reading.
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
        // What has no size, or grows meanwhile, ends there too.
        let most = self.limits.program_bytes.saturating_add(1);
        file.take(most)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        self.check_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX), shown)?;
        Ok(bytes)
    }

    /// Refuses a program of more bytes than it may have.
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
