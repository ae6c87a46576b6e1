//! Blocks of bytes inside of values.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// A `Vec<u8>` that travels as one block, anywhere in a value.
///
/// serde handles a `Vec<u8>` byte by byte, so that a megabyte takes milliseconds instead of a tenth of one.
/// The message is the same, so one end may use a `Vec<u8>` where the other uses this. For messages that are
/// only bytes, see [`Queue::put_bytes`](crate::Queue::put_bytes) and
/// [`Connection::send_bytes`](crate::Connection::send_bytes).
///
/// ```
/// use isopod::Bytes;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Picture {
///     width: u32,
///     pixels: Bytes,
/// }
/// let picture = Picture { width: 2, pixels: Bytes(vec![0; 8]) };
/// assert_eq!(picture.pixels.len() as u32 / picture.width, 4);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl Deref for Bytes {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes(bytes)
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Vec<u8> {
        bytes.0
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
        Ok(Bytes(bytes))
    }

    /// Formats without blocks of bytes, such as JSON, have lists of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Bytes, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(Bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message;

    #[test]
    fn the_message_is_that_of_a_vector() {
        let bytes = vec![1, 2, 250];
        let as_vector = message::encode(&[], &bytes, |bytes, _| bytes.to_vec()).unwrap_or_default();
        let block = Bytes(bytes.clone());
        let as_block = message::encode(&[], &block, |bytes, _| bytes.to_vec()).unwrap_or_default();
        assert_eq!(as_vector, as_block);
        assert_eq!(as_block, [3, 1, 2, 250]);
        let back: (Bytes, u8) =
            message::decode_parts(&[2, 7, 8, 9], Vec::new()).expect("a block, then 9");
        assert_eq!(back, (Bytes(vec![7, 8]), 9));
        let truncated = message::decode_parts::<Bytes>(&[3, 7, 8], Vec::new());
        assert_eq!(
            truncated.expect_err("a byte is missing").kind(),
            crate::ErrorKind::Decode
        );
    }
}
