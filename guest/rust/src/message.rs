//! Values to messages and back: postcard for the bytes, and a list beside it for the handles.
//!
//! A handle serialises as its index in that list. serde gives a `Serialize` impl no way to reach
//! the message it is part of, so the list of the message at work is kept in a thread-local; this
//! is how servo's ipc-channel does it. A message made inside the `Serialize` impl of another
//! message's value gets a list of its own, and the outer one comes back after it.

use crate::bindings::types::{Handle, Message};
use crate::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::cell::{Cell, RefCell};

/// The largest buffer, in bytes, that is kept from one message to the next.
const KEPT_BUFFER_BYTES: usize = 1024 * 1024;

thread_local! {
    /// The handles of the message that is being made; none outside of [`encode`].
    static OUTGOING: RefCell<Option<Vec<Handle>>> = const { RefCell::new(None) };
    /// The handles of the message that is being read; none outside of [`decode`].
    static INCOMING: RefCell<Option<Incoming>> = const { RefCell::new(None) };
    /// The buffer of the last message, so that most messages allocate nothing.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// The same for keys: that of an entry is still at work when its value is encoded.
    static KEY_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What is left of the message that is being read.
struct Incoming {
    /// Each handle may be taken once.
    handles: Vec<Option<Handle>>,
    /// Why a handle could not be taken. postcard drops the text of an error that comes from a
    /// `Deserialize` impl, so it waits here.
    error: Option<Error>,
}

/// Puts back what a thread-local held before a message was begun, also if a `Serialize` or
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

    /// The value that is at work now.
    fn finish(self) -> Option<T> {
        self.slot.take()
    }
}

impl<T> Drop for Restore<T> {
    fn drop(&mut self) {
        self.slot.set(self.outer.take());
    }
}

/// A message that was made and is not sent yet.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    /// The payload.
    pub(crate) bytes: Vec<u8>,
    /// The handles that travel beside it.
    pub(crate) handles: Vec<Handle>,
}

/// Makes a message of `prefix` and `value`, and gives it to `send`. The message is gone
/// afterwards; `value` is not touched, so nothing is lost if `send` fails.
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

/// Gives the bytes of a key to `look_up`. A key is bytes and nothing else: two are the same if these
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

/// Runs `write`, which serialises a value in whatever format, and gives the handles that the value
/// holds.
pub(crate) fn with_outgoing<R>(write: impl FnOnce() -> R) -> (R, Vec<Handle>) {
    let outgoing = Restore::begin(&OUTGOING, Vec::new());
    let written = write();
    (written, outgoing.finish().unwrap_or_default())
}

/// The error for a value that cannot be made a message.
pub(crate) fn unencodable<T: ?Sized>(reason: &str) -> Error {
    let name = type_name::<T>();
    let text = format!("a value of type `{name}` cannot be made a message: {reason}");
    Error::with_text(ErrorKind::Encode, text)
}

/// Where postcard writes to. Its own `to_extend` takes a block of bytes one by one, which is 15
/// times slower.
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

/// Makes a value of a whole message. Handles that the value does not take are dropped.
pub(crate) fn decode<T: DeserializeOwned>(message: Message) -> Result<T, Error> {
    decode_parts(&message.bytes, message.handles)
}

/// As [`decode`], of the two parts of a message.
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

/// Runs `read`, which makes a value of bytes in whatever format, and says why a handle of it could
/// not be made, where that is known better than to the format.
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

/// The error for bytes that are no value of type `T`.
pub(crate) fn undecodable<T>(bytes: &[u8], reason: &str) -> Error {
    let (length, name) = (bytes.len(), type_name::<T>());
    let text = format!("a message of {length} bytes is not a value of type `{name}`: {reason}");
    Error::with_text(ErrorKind::Decode, text)
}

/// Adds a handle to the message that is being made, and gives its index there. `None` when no
/// message is being made; `make` is not called then.
pub(crate) fn push_outgoing(make: impl FnOnce() -> Handle) -> Option<u32> {
    OUTGOING.with_borrow_mut(|outgoing| {
        let handles = outgoing.as_mut()?;
        let index = u32::try_from(handles.len()).ok()?;
        handles.push(make());
        Some(index)
    })
}

/// Why [`take_incoming`] has nothing to give.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No message is being read.
    NoMessage,
    /// The message has no handle of this index, or it was taken already.
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
