//! The compiler in a process of its own: the process's side.

use super::refusal::Refusal;
use crate::code::{compile, config};
use crate::confine::Confinement;
use rustix::process::{
    Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit,
};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;

/// The first byte of an answer; code or a [`Refusal`] follows. It is written last, so that half an answer
/// is none.
pub(super) const CODE: [u8; 1] = [1];
pub(super) const REFUSAL: [u8; 1] = [2];
const NOTHING: [u8; 1] = [0];

/// The start of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The memory that the compiler may take.
    pub(super) memory_bytes: u64,
    /// The process that waits for the answer.
    pub(super) parent: u32,
}

/// The length of a header.
pub(super) const HEADER_BYTES: u64 = 12;

impl Header {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.memory_bytes.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.parent.to_le_bytes());
        bytes
    }

    fn read(from: &mut impl io::Read) -> io::Result<Header> {
        let (mut memory_bytes, mut parent) = ([0; 8], [0; 4]);
        from.read_exact(&mut memory_bytes)?;
        from.read_exact(&mut parent)?;
        Ok(Header {
            memory_bytes: u64::from_le_bytes(memory_bytes),
            parent: u32::from_le_bytes(parent),
        })
    }
}

/// Compiles one program. The process that
/// [`EngineBuilder::compiler_process`](crate::EngineBuilder::compiler_process) names must call this: an
/// engine of the same version passes the program on its standard input, and takes the code from its
/// standard output. The process ends when that engine's thread ends, or when it takes more memory than it
/// may, and it is [confined](crate::confine) to the files that it has open then.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     if std::env::args().nth(1).as_deref() == Some("compile-for-isopod") {
///         return match isopod_host::code::serve_compiler() {
///             Ok(()) => std::process::ExitCode::SUCCESS,
///             Err(_) => std::process::ExitCode::FAILURE,
///         };
///     }
///     let engine = isopod_host::Engine::builder()
///         .compiler_process("/proc/self/exe", ["compile-for-isopod"])
///         .build();
///     # let _ = engine;
///     std::process::ExitCode::SUCCESS
/// }
/// ```
///
/// # Errors
/// If no engine has started this process, or its input or output fails. A fault of the program is no
/// error here: the engine receives it in the answer.
pub fn serve_compiler() -> io::Result<()> {
    let mut input = io::stdin().lock();
    // An output that is no file, a terminal above all, does not come from an engine.
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    if !output.metadata()?.is_file() {
        return Err(io::Error::other("only an engine of isopod starts this"));
    }
    let header = Header::read(&mut input)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The engine may have ended before that was set.
    let parent = getppid().map(|parent| parent.as_raw_nonzero().get());
    if parent != i32::try_from(header.parent).ok() {
        return Err(io::Error::other("the engine that started this has ended"));
    }
    bound(Resource::Data, header.memory_bytes)?;
    bound(Resource::Fsize, header.memory_bytes)?;
    bound(Resource::Core, 0)?;
    // A program that takes over the compiler here reaches no file, no network and no other program. If
    // the kernel lacks the means for that, the engine that waits reports it about itself.
    Confinement::new().apply().map_err(io::Error::other)?;
    let mut program = Vec::new();
    input.read_to_end(&mut program)?;
    let compiled = std::panic::catch_unwind(|| compiled(&program));
    let compiled = compiled.unwrap_or_else(|_| {
        let text = "could not be compiled: the compiler panicked, which is an error of isopod";
        Err(Refusal::Failed(text.to_owned(), Vec::new()))
    });
    let compiled = compiled.map_err(|refusal| match is_of_memory(&refusal) {
        true => Refusal::too_large(header.memory_bytes),
        false => refusal,
    });
    let (kind, answer) = match compiled {
        Ok(code) => (CODE, code),
        Err(refusal) => (REFUSAL, serde_json::to_vec(&refusal)?),
    };
    output.write_all(&NOTHING)?;
    output.write_all(&answer)?;
    output.seek(SeekFrom::Start(0))?;
    output.write_all(&kind)
}

/// Whether the bound of memory is the reason for a failure.
fn is_of_memory(refusal: &Refusal) -> bool {
    // The words of the kernel, and of the standard library.
    let is_refused =
        |words: &str, causes: &[String]| causes.iter().any(|cause| cause.contains(words));
    match refusal {
        Refusal::Invalid(causes) => is_refused("(os error 12)", causes),
        Refusal::Failed(_, causes) => {
            is_refused("(os error 12)", causes) || is_refused("out of memory", causes)
        }
        _ => false,
    }
}

fn bound(resource: Resource, most: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    Ok(setrlimit(resource, limit)?)
}

fn compiled(program: &[u8]) -> Result<Vec<u8>, Refusal> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        let text = "could not be compiled: the compiler could not be set up";
        Refusal::Failed(text.to_owned(), super::refusal::causes(error))
    };
    let engine = config::compiling_engine().map_err(|error| failed(&error))?;
    let component = compile::program(&engine, program)?;
    component
        .serialize()
        .map_err(|error| failed(error.as_ref()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = Header {
            memory_bytes: u64::MAX - 1,
            parent: 4_711,
        };
        let bytes = header.to_bytes();
        assert_eq!(u64::try_from(bytes.len()).unwrap(), HEADER_BYTES);
        assert_eq!(Header::read(&mut bytes.as_slice()).unwrap(), header);
    }
}
