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
    let mut buffer = BUFFER.take();
    buffer.clear();
    buffer.extend_from_slice(prefix);
    let outgoing = Restore::begin(&OUTGOING, Vec::new());
    let result = postcard::serialize_with_flavor(value, Buffer(buffer));
    let handles = outgoing.finish().unwrap_or_default();
    let buffer = result.map_err(|error| {
        Error::with_text(
            ErrorKind::Encode,
            format!(
                "a value of type `{}` cannot be made a message: {error}",
                type_name::<T>()
            ),
        )
    })?;
    let sent = if handles.is_empty() {
        send(&buffer, &[])
    } else {
        let handles: Vec<&Handle> = handles.iter().collect();
        send(&buffer, &handles)
    };
    if buffer.capacity() <= KEPT_BUFFER_BYTES {
        BUFFER.set(buffer);
    }
    Ok(sent)
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
    let handles = handles.into_iter().map(Some).collect();
    let incoming = Restore::begin(
        &INCOMING,
        Incoming {
            handles,
            error: None,
        },
    );
    let result = postcard::take_from_bytes::<T>(bytes);
    let error = incoming.finish().and_then(|incoming| incoming.error);
    match result {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(undecodable::<T>(
            bytes,
            &format!("{} are too many", rest.len()),
        )),
        Err(reason) => Err(error.unwrap_or_else(|| undecodable::<T>(bytes, &reason.to_string()))),
    }
}

fn undecodable<T>(bytes: &[u8], reason: &str) -> Error {
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
