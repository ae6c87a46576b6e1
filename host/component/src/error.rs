//! Why a core module cannot be turned into a component.

use crate::imports;
use crate::validation::{DEEPEST, MOST_FUNCTION_BYTES, MOST_ITEMS};

/// The number of bytes that an error shows of a file that is not WebAssembly.
const SHOWN_BYTES: usize = 16;

/// Why a core module cannot be turned into a component. Each text is one paragraph that does not name the
/// file, because the caller knows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not WebAssembly; the text shows how they start.
    #[error("not a WebAssembly file: {0}")]
    NotWasm(String),
    /// WebAssembly of an unknown version: the four bytes of the version field.
    #[error("WebAssembly of the unknown version {0:02x?}; known are core modules and components")]
    Version([u8; 4]),
    /// The bytes are already a component.
    #[error("already a component, not a core module")]
    AlreadyComponent,
    /// The module is broken or ends too early; the text describes the fault and its place.
    #[error("broken or truncated WebAssembly module: {0}")]
    Malformed(String),
    /// The module imports functions that no host provides: `module.name` of the first ones, and the
    /// number of the others.
    #[error("the module imports {}, which no host provides; known are {}", imports::list(names, *more), imports::KNOWN)]
    UnknownImports {
        /// The first of them.
        names: Vec<String>,
        /// The number of the others.
        more: usize,
    },
    /// The module and the metadata of its bindings do not fit each other.
    #[error("the module cannot be made a component: {0}")]
    Encode(String),
    /// The bytes are not valid WebAssembly of [`FEATURES`](crate::FEATURES); the text describes the
    /// fault and its place.
    #[error("not valid WebAssembly: {0}")]
    Invalid(String),
    /// A function is longer than [`MOST_FUNCTION_BYTES`](crate::MOST_FUNCTION_BYTES): it has this many bytes.
    #[error(
        "a function of {0} bytes is longer than the limit of {MOST_FUNCTION_BYTES} bytes, which is fixed; compile the program so that it has smaller functions"
    )]
    LongFunction(usize),
    /// Components are nested too deeply.
    #[error(
        "the component nests components more than {DEEPEST} deep, which is the limit and is fixed"
    )]
    TooDeep,
    /// The components of a component are instantiated too often.
    #[error(
        "the component comes to more than {MOST_ITEMS} items when its instances are laid out, which is the limit and is fixed"
    )]
    TooMany,
    /// A component imports a component, or takes one from an instance: the number of its instances
    /// could not be known.
    #[error(
        "the component imports a component, or takes one from an instance; only components that it defines itself can be instantiated"
    )]
    ComponentAsValue,
}

/// The number of bytes that an error shows of a parser's text, because names in it come from the module.
const TEXT_BYTES: usize = 400;

/// Cuts a text that may contain names of a module, and escapes characters that would control a terminal.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if out.len() >= TEXT_BYTES {
            out.push_str(" ...");
            break;
        }
        match character.is_control() {
            true => out.extend(character.escape_default()),
            false => out.push(character),
        }
    }
    out
}

impl Error {
    /// The error for bytes that are not valid.
    pub(crate) fn invalid(error: &wasmparser::BinaryReaderError) -> Error {
        Error::Invalid(shown(&error.to_string()))
    }

    /// The error for bytes that do not start like WebAssembly.
    pub(crate) fn not_wasm(bytes: &[u8]) -> Error {
        let start = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
        Error::NotWasm(if bytes.is_empty() {
            "it is empty".to_owned()
        } else if bytes.trim_ascii_start().starts_with(b"(") {
            "it looks like the text format (`.wat`); make it binary first, with `wasm-tools parse`"
                .to_owned()
        } else {
            format!("it starts with `{}`", start.escape_ascii())
        })
    }
}

impl From<wasmparser::BinaryReaderError> for Error {
    fn from(error: wasmparser::BinaryReaderError) -> Error {
        Error::Malformed(shown(&error.to_string()))
    }
}
