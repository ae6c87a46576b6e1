//! What decodes bytes of others, within reach of the fuzz targets in `fuzz/`; only they see it.

use crate::{Error, ShareableItem, message, named, shareable_list};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// As a queue, a connection, a pool and a manager decode a message without handles.
///
/// # Errors
/// As they.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    message::decode_parts(bytes, Vec::new())
}

/// As they encode a value, which must hold no handles.
///
/// # Errors
/// As they.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    message::encode_parts(value).map(|(bytes, _)| bytes)
}

/// As a dict makes the bytes of a key.
///
/// # Errors
/// As it.
pub fn encode_key<K: Serialize>(key: &K) -> Result<Vec<u8>, Error> {
    message::encode_key(key, <[u8]>::to_vec)
}

/// As a named task reads its arguments.
///
/// # Errors
/// As it.
pub fn read_arguments<Args: DeserializeOwned>(bytes: &[u8]) -> Result<Args, Error> {
    named::read_arguments(bytes, Vec::new())
}

/// As a named task writes its value.
///
/// # Errors
/// As it.
pub fn write_value<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    named::write_value(value).map(|encoded| encoded.bytes)
}

/// The items of the shareable list in a memory with these bytes, if there is one.
#[must_use]
pub fn shareable_items(memory: &[u8]) -> Option<Vec<Result<ShareableItem, Error>>> {
    shareable_list::items(memory)
}

/// The bytes of a memory that holds these items.
#[must_use]
pub fn shareable_memory(items: Vec<ShareableItem>) -> Vec<u8> {
    shareable_list::memory_of(items)
}
