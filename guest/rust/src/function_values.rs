//! What the functions of a plugin take and give: bytes, text, or JSON.

use crate::function::{Handles, Output};
use crate::{Bytes, Error, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// A value that travels as JSON: the input of a function of a plugin, or what it gives.
///
/// JSON is what callers in every language can write, and the command line too. A handle inside, such as
/// a [`Queue`](crate::Queue), is written as its position among the handles that come with the call.
///
/// ```
/// use isopod::Json;
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     item: String,
///     count: u32,
/// }
///
/// /// What an order weighs, in grams.
/// #[isopod::function]
/// fn weight(Json(order): Json<Order>) -> Result<Json<u32>, String> {
///     match order.item.as_str() {
///         "brick" => Ok(Json(order.count * 3_500)),
///         other => Err(format!("`{other}` has no weight")),
///     }
/// }
/// # isopod::plugin!();
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json<T>(pub T);

/// What a function of a plugin may take: `String`, `Vec<u8>` or [`Bytes`] for the input as it is, or a
/// [`Json`] of any `T` that serde can read.
#[diagnostic::on_unimplemented(
    message = "a function of a plugin cannot take `{Self}`",
    label = "this is no input",
    note = "a function takes a `String`, a `Vec<u8>`, `isopod::Bytes`, or `isopod::Json<T>` where `T` \
            implements serde's `Deserialize`; or nothing at all"
)]
pub trait FunctionInput: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with the input.
    #[doc(hidden)]
    fn read(input: Vec<u8>, handles: Handles) -> Result<Self, Error>;
}

/// What a function of a plugin may give: `()`, a `String` or `&'static str`, a `Vec<u8>` or [`Bytes`], a
/// [`Json`] of any `T` that serde can write; or a `Result` of one of these, whose error the caller gets as
/// text.
#[diagnostic::on_unimplemented(
    message = "a function of a plugin cannot give `{Self}`",
    label = "this is no output",
    note = "a function gives `()`, a `String`, a `Vec<u8>`, `isopod::Bytes`, or `isopod::Json<T>` where \
            `T` implements serde's `Serialize`; or a `Result` of one of these"
)]
pub trait FunctionOutput {
    /// Writes it.
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

impl<T: DeserializeOwned> FunctionInput for Json<T> {
    fn read(input: Vec<u8>, handles: Handles) -> Result<Json<T>, Error> {
        let read = || serde_json::from_slice(&input);
        let (result, error) = message::with_incoming(handles.0, read);
        result.map(Json).map_err(|reason| {
            error.unwrap_or_else(|| message::undecodable::<T>(&input, &reason.to_string()))
        })
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

impl<T: Serialize> FunctionOutput for Json<T> {
    fn write(self) -> Result<Output, String> {
        let (result, handles) = message::with_outgoing(|| serde_json::to_vec(&self.0));
        let bytes =
            result.map_err(|error| message::unencodable::<T>(&error.to_string()).to_string())?;
        Ok(Output { bytes, handles })
    }
}

impl<T: FunctionOutput, E: fmt::Display> FunctionOutput for Result<T, E> {
    fn write(self) -> Result<Output, String> {
        self.map_err(|error| error.to_string())?.write()
    }
}
