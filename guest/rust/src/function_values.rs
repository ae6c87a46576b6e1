//! The inputs and outputs of a plugin's functions: bytes or text, and JSON in [`json`](crate::json).

use crate::function::{Handles, Output};
use crate::{Bytes, Error, message};
use std::fmt;

/// A type for the input of a plugin's function: `String`, `Vec<u8>` or [`Bytes`] for the input as it is, or,
/// with the feature `json`, a `Json` of any `T` that serde can read.
#[diagnostic::on_unimplemented(
    message = "a function of a plugin cannot take `{Self}`",
    label = "this is no input",
    note = "a function takes a `String`, a `Vec<u8>`, `isopod::Bytes`, or `isopod::Json<T>` where `T` \
            implements serde's `Deserialize`; or nothing at all"
)]
pub trait FunctionInput: Sized {
    /// Reads the input.
    ///
    /// # Errors
    /// A description of the fault in the input.
    #[doc(hidden)]
    fn read(input: Vec<u8>, handles: Handles) -> Result<Self, Error>;
}

/// A type for the output of a plugin's function: `()`, a `String` or `&'static str`, a `Vec<u8>` or
/// [`Bytes`], a `Json` of any `T` that serde can write; or a `Result` of one of these, whose error the caller
/// gets as text.
#[diagnostic::on_unimplemented(
    message = "a function of a plugin cannot give `{Self}`",
    label = "this is no output",
    note = "a function gives `()`, a `String`, a `Vec<u8>`, `isopod::Bytes`, or `isopod::Json<T>` where \
            `T` implements serde's `Serialize`; or a `Result` of one of these"
)]
pub trait FunctionOutput {
    /// Writes the output.
    ///
    /// # Errors
    /// The text of the function's error.
    #[doc(hidden)]
    fn write(self) -> Result<Output, String>;
}

impl FunctionInput for Vec<u8> {
    fn read(input: Vec<u8>, _: Handles) -> Result<Vec<u8>, Error> {
        Ok(input)
    }
}

impl FunctionInput for Bytes {
    fn read(input: Vec<u8>, _: Handles) -> Result<Bytes, Error> {
        Ok(Bytes(input))
    }
}

impl FunctionInput for String {
    fn read(input: Vec<u8>, _: Handles) -> Result<String, Error> {
        String::from_utf8(input)
            .map_err(|error| message::undecodable::<String>(error.as_bytes(), &error.to_string()))
    }
}

impl FunctionOutput for Vec<u8> {
    fn write(self) -> Result<Output, String> {
        Ok(Output {
            bytes: self,
            handles: Vec::new(),
        })
    }
}

impl FunctionOutput for Bytes {
    fn write(self) -> Result<Output, String> {
        self.0.write()
    }
}

impl FunctionOutput for String {
    fn write(self) -> Result<Output, String> {
        self.into_bytes().write()
    }
}

impl FunctionOutput for &'static str {
    fn write(self) -> Result<Output, String> {
        self.as_bytes().to_vec().write()
    }
}

impl FunctionOutput for () {
    fn write(self) -> Result<Output, String> {
        Vec::new().write()
    }
}

impl<T: FunctionOutput, E: fmt::Display> FunctionOutput for Result<T, E> {
    fn write(self) -> Result<Output, String> {
        self.map_err(|error| error.to_string())?.write()
    }
}
