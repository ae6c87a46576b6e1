//! The compiler in a process of its own: the side that starts it.
//!
//! The program goes to the compiler, and the code comes back, in files that have no name and that only
//! these two processes have. The compiler's standard error is a pipe, which closes when the process ends
//! in any way: so this side waits for one event, with one deadline, and kills the process at the
//! deadline.

use super::limits::CompileLimits;
use super::refusal::Refusal;
use super::serve::{HEADER_BYTES, Header};
use crate::code::code_cache;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::Signal;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The largest part of the compiler's standard error that is kept.
const MOST_ERROR_BYTES: usize = 4 << 10;

/// The command that starts the compiler's process.
#[derive(Debug)]
pub(super) struct CompilerProcess {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl CompilerProcess {
    pub(super) fn compile(
        &self,
        engine: &Engine,
        bytes: &[u8],
        limits: &CompileLimits,
    ) -> Result<Component, Refusal> {
        let failed = |error: io::Error| {
            let text = format!(
                "could not be compiled: the compiler `{}` could not be started",
                self.program.display()
            );
            Refusal::Failed(text, vec![error.to_string()])
        };
        let deadline = Instant::now().checked_add(limits.time);
        let request = request(bytes, limits).map_err(failed)?;
        let mut response = file().map_err(failed)?;
        let (errors, child_errors) = io::pipe().map_err(failed)?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(request)
            .stdout(response.try_clone().map_err(failed)?)
            .stderr(Stdio::from(child_errors))
            .spawn()
            .map_err(failed)?;
        // From here on the process does not outlive this call, however it behaves.
        let mut child = Ended(child);
        let told = until_end(errors, deadline).map_err(failed)?;
        let status = child.end().map_err(failed)?;
        let Some(told) = told else {
            return Err(Refusal::too_slow(limits));
        };
        match answer(&mut response, limits).map_err(failed)? {
            Some(Ok(code)) => code_cache::load_compiled(engine, &code).map_err(|error| {
                match Refusal::of_engine(&error) {
                    Refusal::Invalid(causes) => {
                        let text = "could not be compiled: the compiler's code cannot be loaded; is it of another version?";
                        Refusal::Failed(text.to_owned(), causes)
                    }
                    refusal => refusal,
                }
            }),
            Some(Err(refusal)) => Err(refusal),
            None if is_of_memory(&told, status) => Err(Refusal::too_large(limits.memory_bytes)),
            None => Err(Refusal::Failed(
                format!("could not be compiled: the compiler ended with {status}"),
                told.lines().take(1).map(str::to_owned).collect(),
            )),
        }
    }
}

/// Whether a compiler that gave no answer has reached its limit of memory, by the text on its standard error and by its
/// end.
fn is_of_memory(told: &str, status: ExitStatus) -> bool {
    // The words of the allocator, of the standard library and of the kernel.
    let words = ["memory allocation of", "out of memory", "(os error 12)"];
    // The same bound holds for its answer, which is a file.
    let is_file_too_large = status.signal() == Some(Signal::XFSZ.as_raw());
    is_file_too_large || words.iter().any(|words| told.contains(words))
}

/// A file without a name.
fn file() -> io::Result<File> {
    Ok(File::from(memfd_create(
        "isopod-compiler",
        MemfdFlags::CLOEXEC,
    )?))
}

/// The request, as the compiler reads it.
fn request(bytes: &[u8], limits: &CompileLimits) -> io::Result<File> {
    let mut file = file()?;
    let header = Header {
        memory_bytes: limits.memory_bytes,
        parent: std::process::id(),
    };
    file.write_all(&header.to_bytes())?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// The compiler's answer; `None` if it has not written one.
fn answer(file: &mut File, limits: &CompileLimits) -> io::Result<Option<Result<Vec<u8>, Refusal>>> {
    let length = file.metadata()?.len();
    if length > limits.memory_bytes.saturating_add(HEADER_BYTES) {
        return Ok(Some(Err(Refusal::too_large(limits.memory_bytes))));
    }
    file.seek(SeekFrom::Start(0))?;
    let mut kind = [0];
    if length == 0 {
        return Ok(None);
    }
    file.read_exact(&mut kind)?;
    let mut rest = Vec::new();
    file.take(length).read_to_end(&mut rest)?;
    Ok(match kind {
        super::serve::CODE => Some(Ok(rest)),
        super::serve::REFUSAL => serde_json::from_slice(&rest).ok().map(Err),
        _ => None,
    })
}

/// The text that the compiler wrote to standard error until it ended; `None` if the deadline passed
/// first.
fn until_end(mut errors: PipeReader, deadline: Option<Instant>) -> io::Result<Option<String>> {
    /// Bounds each `poll`, so that a timeout that is too large for the kernel still works.
    const LONGEST: Duration = Duration::from_secs(3_600);
    let mut told = Vec::new();
    let mut buffer = [0; 1 << 10];
    loop {
        let left = match deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => LONGEST,
        };
        if left.is_zero() {
            return Ok(None);
        }
        let left = Timespec::try_from(left.min(LONGEST)).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&errors, PollFlags::IN)], Some(&left)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let read = errors.read(&mut buffer)?;
        if read == 0 {
            return Ok(Some(String::from_utf8_lossy(&told).into_owned()));
        }
        let room = MOST_ERROR_BYTES.saturating_sub(told.len());
        told.extend_from_slice(buffer.get(..read.min(room)).unwrap_or_default());
    }
}

/// A process that is ended when this is dropped.
struct Ended(Child);

impl Ended {
    /// Ends the process, if it has not ended, and returns how it ended.
    fn end(&mut self) -> io::Result<ExitStatus> {
        // It may have closed its standard error and still run.
        if self.0.try_wait()?.is_none() {
            self.0.kill()?;
        }
        self.0.wait()
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // If the kernel refuses that, nothing is left to do.
        let _ = self.end();
    }
}
