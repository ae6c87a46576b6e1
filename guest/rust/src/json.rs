//! JSON, for the functions of plugins. Needs the feature `json`.

use crate::function::{Handles, Output};
use crate::{Error, FunctionInput, FunctionOutput, message};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that travels as JSON: the input or the output of a plugin's function.
///
/// Callers in every language can write JSON, and so can users of the command line. A handle inside, such as a
/// [`Queue`](crate::Queue), is written as its position among the handles that come with the call.
///
/// It needs the feature `json`: `isopod = { version = "0.1", features = ["json"] }`. A plugin in a single
/// file has the feature.
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

impl<T: DeserializeOwned> FunctionInput for Json<T> {
    fn read(input: Vec<u8>, handles: Handles) -> Result<Json<T>, Error> {
        let read = || serde_json::from_slice(&input);
        let (result, error) = message::with_incoming(handles.0, read);
        result.map(Json).map_err(|reason| {
            error.unwrap_or_else(|| message::undecodable::<T>(&input, &reason.to_string()))
        })
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
