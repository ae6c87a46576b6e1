//! The reason why a program was not compiled, in a form that can cross from one process to another.

use super::limits::CompileLimits;
use crate::error::{Error, ErrorKind};
use crate::limit_kind::LimitKind;
use serde::{Deserialize, Serialize};
use std::error::Error as StdError;
use std::fmt;

/// The causes that are kept of an error, and the bytes of each: the program chooses the names in them.
const MOST_CAUSES: usize = 8;
const MOST_BYTES: usize = 2_000;

/// A limit of compiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reached {
    Time,
    Memory,
}

/// The reason why there is no code.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// The program is not valid, or exceeds what a program may have; for these causes, the outermost
    /// first.
    Invalid(Vec<String>),
    /// The engine has no room for its instances, for these causes.
    NoRoom(Vec<String>),
    /// The program is a module that cannot be made a component.
    NoComponent(Vec<String>),
    /// The program is a module with an import that the host does not provide.
    UnknownImport(Vec<String>),
    /// The program is valid, but exceeds a limit of programs, for these causes.
    Beyond(Vec<String>),
    /// The compilation reached a limit: the sentence that follows the program's name.
    Limit(Reached, String),
    /// The compiler could not do its work: the sentence that follows its name.
    Failed(String, Vec<String>),
}

impl Refusal {
    /// Puts an error and its causes into a [`Refusal::Invalid`].
    pub(crate) fn invalid(error: &isopod_component::Error) -> Refusal {
        let causes = causes(error);
        match is_limit(error) {
            true => Refusal::Beyond(causes),
            false => Refusal::Invalid(causes),
        }
    }

    /// Code that the engine refuses: if a limit of its pool is the reason, the program was valid.
    pub(crate) fn of_engine(error: &wasmtime::Error) -> Refusal {
        let causes = causes(error.as_ref());
        match causes
            .iter()
            .any(|cause| cause.contains("pooling allocator"))
        {
            true => Refusal::NoRoom(causes),
            false => Refusal::Invalid(causes),
        }
    }

    /// A module that cannot be made a component.
    pub(crate) fn no_component(error: isopod_component::Error) -> Refusal {
        let causes = causes(&error);
        match error {
            isopod_component::Error::UnknownImports { .. } => Refusal::UnknownImport(causes),
            error if is_limit(&error) => Refusal::Beyond(causes),
            _ => Refusal::NoComponent(causes),
        }
    }

    /// The system gives no thread to compile in.
    pub(crate) fn no_thread(error: &std::io::Error) -> Refusal {
        let text = "could not be compiled: the system refuses another thread";
        Refusal::Failed(text.to_owned(), vec![error.to_string()])
    }

    /// The compilation has taken all the time that it may.
    pub(super) fn too_slow(limits: &CompileLimits) -> Refusal {
        Refusal::Limit(
            Reached::Time,
            format!(
                "was not compiled within the limit of {:?}; raise it with `CompileLimits::time` or `--compile-timeout`",
                limits.time
            ),
        )
    }

    /// The compilation has taken all the memory that it may.
    pub(super) fn too_large(memory_bytes: u64) -> Refusal {
        Refusal::Limit(
            Reached::Memory,
            format!(
                "needs more than the limit of {} to be compiled; raise it with `CompileLimits::memory_bytes` or `--compile-memory`",
                isopod_text::size(memory_bytes)
            ),
        )
    }

    /// The error of this crate for the program that is called `shown`.
    pub(crate) fn error(self, shown: &str) -> Error {
        let limit = match &self {
            Refusal::Limit(Reached::Time, _) => Some(LimitKind::CompileTime),
            Refusal::Limit(Reached::Memory, _) => Some(LimitKind::CompileMemory),
            Refusal::Beyond(_) | Refusal::NoRoom(_) => Some(LimitKind::Program),
            _ => None,
        };
        let (kind, text, causes) = match self {
            Refusal::Invalid(causes) => (
                ErrorKind::InvalidProgram,
                format!("`{shown}` is not a valid program"),
                causes,
            ),
            Refusal::NoRoom(causes) => (
                ErrorKind::LimitExceeded,
                format!(
                    "`{shown}` has instances beyond a limit of the pool that they come from; `EngineBuilder::pooling(false)` makes instances on demand"
                ),
                causes,
            ),
            Refusal::NoComponent(causes) => (
                ErrorKind::InvalidProgram,
                format!("`{shown}` cannot be made a component"),
                causes,
            ),
            Refusal::UnknownImport(causes) => (
                ErrorKind::UnknownImport,
                format!("`{shown}` cannot be made a component"),
                causes,
            ),
            Refusal::Beyond(causes) => (
                ErrorKind::LimitExceeded,
                format!("`{shown}` is beyond a limit of programs"),
                causes,
            ),
            Refusal::Limit(_, text) => (
                ErrorKind::LimitExceeded,
                format!("`{shown}` {text}"),
                Vec::new(),
            ),
            Refusal::Failed(text, causes) => {
                (ErrorKind::Engine, format!("`{shown}` {text}"), causes)
            }
        };
        let error = match limit {
            Some(limit) => Error::at_limit(limit, text),
            None => Error::new(kind, text),
        };
        match Told::chain(causes) {
            Some(cause) => error.with_cause(cause),
            None => error,
        }
    }
}

/// Whether the fault of a program is that it exceeds a limit of programs.
fn is_limit(error: &isopod_component::Error) -> bool {
    use isopod_component::Error::{LongFunction, TooDeep, TooMany};
    matches!(error, LongFunction(_) | TooDeep | TooMany)
}

/// The texts of an error and its causes, cut where they are long.
pub(super) fn causes(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| causes.len() < MOST_CAUSES) {
        let mut text = error.to_string();
        if text.len() > MOST_BYTES {
            text.truncate(text.floor_char_boundary(MOST_BYTES));
            text.push_str("...");
        }
        if text.contains(|character: char| character.is_control() && character != '\n') {
            text = text.escape_debug().to_string();
        }
        causes.push(text);
        next = error.source();
    }
    causes
}

/// The texts of an error and its causes, bounded: the program chooses the names in them.
pub(crate) fn told(error: &(dyn StdError + 'static)) -> Box<dyn StdError + Send + Sync> {
    match Told::chain(causes(error)) {
        Some(told) => told,
        None => "of an unknown cause".into(),
    }
}

/// A cause of which only the text is left.
#[derive(Debug)]
struct Told {
    text: String,
    cause: Option<Box<Told>>,
}

impl Told {
    fn chain(causes: Vec<String>) -> Option<Box<Told>> {
        causes
            .into_iter()
            .rev()
            .fold(None, |cause, text| Some(Box::new(Told { text, cause })))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl StdError for Told {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause
            .as_deref()
            .map(|cause| cause as &(dyn StdError + 'static))
    }
}
