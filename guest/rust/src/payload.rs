//! Messages that are only bytes: without serde, and with no copy but the host's own.
//!
//! Every message is bytes. So [`Connection::recv_bytes`] receives a value of [`Connection::send`] as the
//! bytes of its encoding. And bytes that are received as a value are decoded, or they are an error. Only a
//! message with handles cannot be received as bytes, because the handles would be lost silently.
//!
//! Python's offsets and sizes are slices here: `send_bytes(&buffer[offset..offset + size])`.

use crate::bindings::types::Message;
use crate::time::{NO_WAIT, nanoseconds};
use crate::{Connection, Error, ErrorKind, Queue, Receiver, Sender, blocking};
use std::time::Duration;

macro_rules! sending {
    ($end:ident<$($parameter:ident),+>) => {
        impl<$($parameter),+> $end<$($parameter),+> {
            /// Sends bytes as one message, which may be empty, waiting while the pipe is full. Python:
            /// `send_bytes(buffer)`; for its offset and size, pass a part of a slice.
            ///
            /// The other end receives them with `recv_bytes`. `recv` decodes them like the bytes of a value.
            ///
            /// # Errors
            /// Those of `send`, without [`Encode`](ErrorKind::Encode).
            pub fn send_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
                self.send_bytes_within(bytes, None)
            }

            /// As `send_bytes`, without waiting.
            ///
            /// # Errors
            /// [`TimedOut`](ErrorKind::TimedOut), and those of `send_bytes`.
            pub fn try_send_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
                self.send_bytes_within(bytes, NO_WAIT)
            }

            /// As `send_bytes`, waiting for `timeout` at most.
            ///
            /// # Errors
            /// [`TimedOut`](ErrorKind::TimedOut), and those of `send_bytes`.
            pub fn send_bytes_timeout(
                &self,
                bytes: &[u8],
                timeout: Duration,
            ) -> Result<(), Error> {
                self.send_bytes_within(bytes, Some(nanoseconds(timeout)))
            }

            fn send_bytes_within(&self, bytes: &[u8], timeout: Option<u64>) -> Result<(), Error> {
                Ok(blocking::wait(timeout, |timeout| self.raw.send(bytes, &[], timeout))?)
            }
        }
    };
}

macro_rules! receiving {
    ($end:ident<$($parameter:ident),+>) => {
        impl<$($parameter),+> $end<$($parameter),+> {
            /// Receives the next message as bytes, waiting for one. Python: `recv_bytes()`.
            ///
            /// A value from `send` arrives as the bytes of its encoding.
            ///
            /// # Errors
            /// [`EndOfFile`](ErrorKind::EndOfFile) if the other end is gone and nothing is left;
            /// [`Decode`](ErrorKind::Decode) if the message has handles: the message is lost.
            pub fn recv_bytes(&self) -> Result<Vec<u8>, Error> {
                self.recv_bytes_within(None)
            }

            /// As `recv_bytes`, without waiting.
            ///
            /// # Errors
            /// [`TimedOut`](ErrorKind::TimedOut), and those of `recv_bytes`.
            pub fn try_recv_bytes(&self) -> Result<Vec<u8>, Error> {
                self.recv_bytes_within(NO_WAIT)
            }

            /// As `recv_bytes`, waiting for `timeout` at most.
            ///
            /// # Errors
            /// [`TimedOut`](ErrorKind::TimedOut), and those of `recv_bytes`.
            pub fn recv_bytes_timeout(&self, timeout: Duration) -> Result<Vec<u8>, Error> {
                self.recv_bytes_within(Some(nanoseconds(timeout)))
            }

            fn recv_bytes_within(&self, timeout: Option<u64>) -> Result<Vec<u8>, Error> {
                without_handles(blocking::wait(timeout, |timeout| self.raw.recv(timeout))?)
            }

            /// As `recv_bytes`, for a message of at most `max_bytes`. Python: `recv_bytes(maxlength)`, whose
            /// error makes the connection unusable; here the connection stays usable, and the error has the
            /// message.
            ///
            /// # Errors
            /// [`MessageTooLarge`](ErrorKind::MessageTooLarge) if the message is longer: it is received, and
            /// [`Error::bytes`] has it; and those of `recv_bytes`.
            pub fn recv_bytes_max(&self, max_bytes: usize) -> Result<Vec<u8>, Error> {
                at_most(self.recv_bytes()?, max_bytes)
            }

            /// Receives the next message into the beginning of a buffer, waiting for one, and returns its
            /// length. Python: `recv_bytes_into(buffer)`; for its offset, pass a part of a slice.
            ///
            /// # Errors
            /// [`BufferTooShort`](ErrorKind::BufferTooShort) if the message is longer: it is received,
            /// [`Error::bytes`] has it, and the buffer is unchanged; and those of `recv_bytes`.
            pub fn recv_bytes_into(&self, buffer: &mut [u8]) -> Result<usize, Error> {
                into_buffer(self.recv_bytes()?, buffer)
            }
        }
    };
}

sending!(Connection<S, R>);
sending!(Sender<T>);
receiving!(Connection<S, R>);
receiving!(Receiver<T>);

impl<T> Queue<T> {
    /// Appends bytes as one message, which may be empty, waiting for room. The receiver takes them with
    /// [`get_bytes`](Queue::get_bytes). [`get`](Queue::get) decodes them like the bytes of a value.
    ///
    /// # Errors
    /// Those of [`put`](Queue::put), without [`Encode`](ErrorKind::Encode).
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        self.put_bytes_within(bytes, None)
    }

    /// As [`put_bytes`](Queue::put_bytes), without waiting.
    ///
    /// # Errors
    /// [`Full`](ErrorKind::Full), and those of [`put_bytes`](Queue::put_bytes).
    pub fn try_put_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        self.put_bytes_within(bytes, NO_WAIT)
    }

    /// As [`put_bytes`](Queue::put_bytes), waiting for `timeout` at most.
    ///
    /// # Errors
    /// [`Full`](ErrorKind::Full), and those of [`put_bytes`](Queue::put_bytes).
    pub fn put_bytes_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<(), Error> {
        self.put_bytes_within(bytes, Some(nanoseconds(timeout)))
    }

    fn put_bytes_within(&self, bytes: &[u8], timeout: Option<u64>) -> Result<(), Error> {
        Ok(blocking::wait(timeout, |timeout| {
            self.raw.put(bytes, &[], timeout)
        })?)
    }

    /// Takes the oldest message as bytes, waiting for one. A value from [`put`](Queue::put) arrives as the
    /// bytes of its encoding.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) if the queue is closed and empty;
    /// [`Decode`](ErrorKind::Decode) if the message has handles: it is lost.
    pub fn get_bytes(&self) -> Result<Vec<u8>, Error> {
        self.get_bytes_within(None)
    }

    /// As [`get_bytes`](Queue::get_bytes), without waiting.
    ///
    /// # Errors
    /// [`Empty`](ErrorKind::Empty), and those of [`get_bytes`](Queue::get_bytes).
    pub fn try_get_bytes(&self) -> Result<Vec<u8>, Error> {
        self.get_bytes_within(NO_WAIT)
    }

    /// As [`get_bytes`](Queue::get_bytes), waiting for `timeout` at most.
    ///
    /// # Errors
    /// [`Empty`](ErrorKind::Empty), and those of [`get_bytes`](Queue::get_bytes).
    pub fn get_bytes_timeout(&self, timeout: Duration) -> Result<Vec<u8>, Error> {
        self.get_bytes_within(Some(nanoseconds(timeout)))
    }

    fn get_bytes_within(&self, timeout: Option<u64>) -> Result<Vec<u8>, Error> {
        without_handles(blocking::wait(timeout, |timeout| self.raw.get(timeout))?)
    }
}

fn without_handles(message: Message) -> Result<Vec<u8>, Error> {
    match message.handles.len() {
        0 => Ok(message.bytes),
        count => Err(Error::with_text(
            ErrorKind::Decode,
            format!("a message with handles ({count}) was received as bytes: it is lost"),
        )),
    }
}

fn at_most(bytes: Vec<u8>, max_bytes: usize) -> Result<Vec<u8>, Error> {
    let length = bytes.len();
    if length <= max_bytes {
        return Ok(bytes);
    }
    let text = format!("message of {length} bytes is larger than the maximum of {max_bytes} bytes");
    Err(Error::with_bytes(ErrorKind::MessageTooLarge, text, bytes))
}

fn into_buffer(bytes: Vec<u8>, buffer: &mut [u8]) -> Result<usize, Error> {
    let (length, buffer_bytes) = (bytes.len(), buffer.len());
    match buffer.get_mut(..length) {
        Some(beginning) => {
            beginning.copy_from_slice(&bytes);
            Ok(length)
        }
        None => {
            let text = format!(
                "message of {length} bytes is larger than the buffer of {buffer_bytes} bytes"
            );
            Err(Error::with_bytes(ErrorKind::BufferTooShort, text, bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_does_not_fit_is_in_the_error() {
        let mut buffer = [9; 4];
        assert_eq!(into_buffer(vec![1, 2], &mut buffer).ok(), Some(2));
        assert_eq!(buffer, [1, 2, 9, 9]);
        let error = into_buffer(vec![5; 6], &mut buffer).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::BufferTooShort);
        assert_eq!(
            error.to_string(),
            "message of 6 bytes is larger than the buffer of 4 bytes"
        );
        assert_eq!(error.bytes(), Some(&[5_u8; 6][..]));
        assert_eq!(buffer, [1, 2, 9, 9]);
        assert_eq!(into_buffer(Vec::new(), &mut []).ok(), Some(0));
    }

    #[test]
    fn a_maximum_is_kept_exactly() {
        assert_eq!(at_most(vec![1; 3], 3).ok(), Some(vec![1; 3]));
        let error = at_most(vec![1; 4], 3).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
        assert_eq!(error.bytes(), Some(&[1_u8; 4][..]));
    }
}
