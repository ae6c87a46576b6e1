//! Turns values into messages and back: postcard encodes the bytes, and a separate list holds the handles.
//!
//! A handle serialises as its index in that list. With serde, a `Serialize` impl cannot reach the message
//! that it is part of. So a thread-local keeps the list of the current message, as in servo's ipc-channel. A
//! message that is made inside the `Serialize` impl of another message's value gets a list of its own, and
//! the outer list is restored after it.

use crate::bindings::types::{Handle, Message};
use crate::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::cell::{Cell, RefCell};

/// The largest buffer, in bytes, that is kept from one message to the next.
const KEPT_BUFFER_BYTES: usize = 1024 * 1024;

thread_local! {
    /// The handles of the message that is being made; none outside [`encode`].
    static OUTGOING: RefCell<Option<Vec<Handle>>> = const { RefCell::new(None) };
    /// The handles of the message that is being read; none outside [`decode`].
    static INCOMING: RefCell<Option<Incoming>> = const { RefCell::new(None) };
    /// The buffer of the last message, so that most messages allocate nothing.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// The same for keys: the key of an entry is still in use while its value is encoded.
    static KEY_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The rest of the message that is being read.
struct Incoming {
    /// Each handle may be taken once.
    handles: Vec<Option<Handle>>,
    /// The reason why a handle could not be taken. postcard drops the text of an error from a `Deserialize`
    /// impl, so the error is kept here.
    error: Option<Error>,
}

/// Restores the value that a thread-local held before a message was begun, even if a `Serialize` or
/// `Deserialize` impl panics.
struct Restore<T: 'static> {
    slot: &'static std::thread::LocalKey<RefCell<Option<T>>>,
    outer: Option<T>,
}

impl<T> Restore<T> {
    fn begin(slot: &'static std::thread::LocalKey<RefCell<Option<T>>>, value: T) -> Restore<T> {
        Restore {
            slot,
            outer: slot.replace(Some(value)),
        }
    }

    /// Takes the current value.
    fn finish(self) -> Option<T> {
        self.slot.take()
    }
}

impl<T> Drop for Restore<T> {
    fn drop(&mut self) {
        self.slot.set(self.outer.take());
    }
}

/// A message that is made and not sent yet.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    /// The payload.
    pub(crate) bytes: Vec<u8>,
    /// The handles that travel beside the payload.
    pub(crate) handles: Vec<Handle>,
}

/// Makes a message of `prefix` and `value`, and passes it to `send`. The message is dropped afterwards.
/// `value` does not change, so nothing is lost if `send` fails.
pub(crate) fn encode<T, R>(
    prefix: &[u8],
    value: &T,
    send: impl FnOnce(&[u8], &[&Handle]) -> R,
) -> Result<R, Error>
where
    T: Serialize + ?Sized,
{
    encode_in(&BUFFER, prefix, value, send)
}

/// Passes the bytes of a key to `look_up`. A key has only bytes, and two keys are the same if their bytes
/// are.
pub(crate) fn encode_key<K, R>(key: &K, look_up: impl FnOnce(&[u8]) -> R) -> Result<R, Error>
where
    K: Serialize + ?Sized,
{
    encode_in(&KEY_BUFFER, &[], key, |bytes, handles| {
        handles.is_empty().then(|| look_up(bytes))
    })?
    .ok_or_else(|| {
        let name = type_name::<K>();
        let text = format!("a value of type `{name}` cannot be a key: it holds a handle");
        Error::with_text(ErrorKind::Encode, text)
    })
}

/// The two parts of the message of `value`, for calls that take more than one.
pub(crate) fn encode_parts<T>(value: &T) -> Result<(Vec<u8>, Vec<Handle>), Error>
where
    T: Serialize + ?Sized,
{
    let Encoded { bytes, handles } = encode_into(Vec::new(), &[], value)?;
    Ok((bytes, handles))
}

fn encode_in<T, R>(
    kept: &'static std::thread::LocalKey<Cell<Vec<u8>>>,
    prefix: &[u8],
    value: &T,
    send: impl FnOnce(&[u8], &[&Handle]) -> R,
) -> Result<R, Error>
where
    T: Serialize + ?Sized,
{
    let Encoded { bytes, handles } = encode_into(kept.take(), prefix, value)?;
    let sent = if handles.is_empty() {
        send(&bytes, &[])
    } else {
        let handles: Vec<&Handle> = handles.iter().collect();
        send(&bytes, &handles)
    };
    if bytes.capacity() <= KEPT_BUFFER_BYTES {
        kept.set(bytes);
    }
    Ok(sent)
}

/// Makes a message of `prefix` and `value` in `buffer`, whose content is lost.
pub(crate) fn encode_into<T>(
    mut buffer: Vec<u8>,
    prefix: &[u8],
    value: &T,
) -> Result<Encoded, Error>
where
    T: Serialize + ?Sized,
{
    buffer.clear();
    buffer.extend_from_slice(prefix);
    let write = || postcard::serialize_with_flavor(value, Buffer(buffer));
    let (result, handles) = with_outgoing(write);
    match result {
        Ok(bytes) => Ok(Encoded { bytes, handles }),
        Err(reason) => Err(unencodable::<T>(&reason.to_string())),
    }
}

/// Runs `write`, which serialises a value in any format, and returns the handles that the value holds.
pub(crate) fn with_outgoing<R>(write: impl FnOnce() -> R) -> (R, Vec<Handle>) {
    let outgoing = Restore::begin(&OUTGOING, Vec::new());
    let written = write();
    (written, outgoing.finish().unwrap_or_default())
}

/// The error for a value that cannot be encoded as a message.
pub(crate) fn unencodable<T: ?Sized>(reason: &str) -> Error {
    let name = type_name::<T>();
    let text = format!("a value of type `{name}` cannot be made a message: {reason}");
    Error::with_text(ErrorKind::Encode, text)
}

/// The output of postcard. Its own `to_extend` writes a block of bytes one by one, which is 15 times slower.
struct Buffer(Vec<u8>);

impl postcard::ser_flavors::Flavor for Buffer {
    type Output = Vec<u8>;

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// Decodes a value from a whole message. Handles that the value does not take are dropped.
pub(crate) fn decode<T: DeserializeOwned>(message: Message) -> Result<T, Error> {
    decode_parts(&message.bytes, message.handles)
}

/// As [`decode`], for the two parts of a message.
pub(crate) fn decode_parts<T: DeserializeOwned>(
    bytes: &[u8],
    handles: Vec<Handle>,
) -> Result<T, Error> {
    let (result, error) = with_incoming(handles, || postcard::take_from_bytes::<T>(bytes));
    match result {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(undecodable::<T>(
            bytes,
            &format!("{} are too many", rest.len()),
        )),
        Err(reason) => Err(error.unwrap_or_else(|| undecodable::<T>(bytes, &reason.to_string()))),
    }
}

/// Runs `read`, which decodes a value from bytes in any format. If a handle could not be taken, also returns
/// the reason, which the format may not know.
pub(crate) fn with_incoming<R>(
    handles: Vec<Handle>,
    read: impl FnOnce() -> R,
) -> (R, Option<Error>) {
    let handles = handles.into_iter().map(Some).collect();
    let incoming = Restore::begin(
        &INCOMING,
        Incoming {
            handles,
            error: None,
        },
    );
    let result = read();
    (
        result,
        incoming.finish().and_then(|incoming| incoming.error),
    )
}

/// The error for bytes that are not a value of type `T`.
pub(crate) fn undecodable<T>(bytes: &[u8], reason: &str) -> Error {
    let (length, name) = (bytes.len(), type_name::<T>());
    let text = format!("a message of {length} bytes is not a value of type `{name}`: {reason}");
    Error::with_text(ErrorKind::Decode, text)
}

/// Adds a handle to the message that is being made, and returns its index there. If no message is being made,
/// returns `None` and does not call `make`.
pub(crate) fn push_outgoing(make: impl FnOnce() -> Handle) -> Option<u32> {
    OUTGOING.with_borrow_mut(|outgoing| {
        let handles = outgoing.as_mut()?;
        let index = u32::try_from(handles.len()).ok()?;
        handles.push(make());
        Some(index)
    })
}

/// The reason why [`take_incoming`] has no handle.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No message is being read.
    NoMessage,
    /// The message has no handle of this index, or the handle was taken already.
    Handle(u32),
}

/// Takes a handle from the message that is being read.
pub(crate) fn take_incoming(index: u32) -> Result<Handle, Missing> {
    INCOMING.with_borrow_mut(|incoming| {
        let incoming = incoming.as_mut().ok_or(Missing::NoMessage)?;
        usize::try_from(index)
            .ok()
            .and_then(|position| incoming.handles.get_mut(position))
            .and_then(Option::take)
            .ok_or(Missing::Handle(index))
    })
}

/// Keeps `error` for the end of [`decode`].
pub(crate) fn note_decode_error(error: Error) {
    INCOMING.with_borrow_mut(|incoming| {
        if let Some(incoming) = incoming {
            incoming.error.get_or_insert(error);
        }
    });
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
