//! Why a core module cannot be made a component.

use crate::imports;

/// How many bytes of a file that is not WebAssembly an error shows.
const SHOWN_BYTES: usize = 16;

/// Why a core module cannot be made a component. Each text is one paragraph that does not name
/// the file: the caller knows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not WebAssembly; the text shows how they start.
    #[error("not a WebAssembly file: {0}")]
    NotWasm(String),
    /// WebAssembly of an unknown version: the four bytes of the version field.
    #[error("WebAssembly of the unknown version {0:02x?}; known are core modules and components")]
    Version([u8; 4]),
    /// The bytes are a component already.
    #[error("already a component, not a core module")]
    AlreadyComponent,
    /// The module is broken, or ends too early; the text says what and where.
    #[error("broken or truncated WebAssembly module: {0}")]
    Malformed(String),
    /// The module imports functions that nobody provides: `module.name` of each.
    #[error("the module imports {}, which no host provides; known are {}", imports::list(.0), imports::KNOWN)]
    UnknownImports(Vec<String>),
    /// The module and the metadata of its bindings do not fit each other.
    #[error("the module cannot be made a component: {0}")]
    Encode(String),
}

impl Error {
    /// The error for bytes that do not start as WebAssembly does.
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
        Error::Malformed(error.to_string())
    }
}
