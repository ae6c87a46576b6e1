//! Makes the code that decodes foreign bytes reachable for the fuzz targets in `fuzz/`. No other code sees
//! this module.

use crate::{Error, ShareableItem, message, named, shareable_list};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Decodes a message without handles, as a queue, a connection, a pool and a manager do.
///
/// # Errors
/// The same as theirs.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    message::decode_parts(bytes, Vec::new())
}

/// Encodes a value, which must hold no handles, as they do.
///
/// # Errors
/// The same as theirs.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    message::encode_parts(value).map(|(bytes, _)| bytes)
}

/// Encodes a key as a dict does.
///
/// # Errors
/// The same as there.
pub fn encode_key<K: Serialize>(key: &K) -> Result<Vec<u8>, Error> {
    message::encode_key(key, <[u8]>::to_vec)
}

/// Reads arguments as a named task does.
///
/// # Errors
/// The same as there.
pub fn read_arguments<Args: DeserializeOwned>(bytes: &[u8]) -> Result<Args, Error> {
    named::read_arguments(bytes, Vec::new())
}

/// Writes a value as a named task does.
///
/// # Errors
/// The same as there.
pub fn write_value<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    named::write_value(value).map(|encoded| encoded.bytes)
}

/// The items of the shareable list in a memory with these bytes, if it holds one.
#[must_use]
pub fn shareable_items(memory: &[u8]) -> Option<Vec<Result<ShareableItem, Error>>> {
    shareable_list::items(memory)
}

/// The bytes of a memory that holds these items.
#[must_use]
pub fn shareable_memory(items: Vec<ShareableItem>) -> Vec<u8> {
    shareable_list::memory_of(items)
}
