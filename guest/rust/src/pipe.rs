//! Pipes: two ends that send whole values to each other.
//!
//! The direction is part of the type. So a send to an end that only receives is a compile error here, and not
//! a failure at run time as in Python.

use crate::bindings::pipe::{self, Connection as RawConnection};
use crate::handle::travels;
use crate::numbered::Numbered;
use crate::time::{NO_WAIT, nanoseconds};
use crate::{Error, RecvIter, blocking, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// Makes a pipe whose ends both send and receive: the first end sends `A` and receives `B`, the
/// second the other way round. Python: `Pipe()`.
///
/// Each direction holds up to 64 KiB in transit, or one larger message.
///
/// ```no_run
/// # use isopod::{Connection, Process, pipe};
/// fn double(numbers: Connection<u64>) -> isopod::Result<()> {
///     let number = numbers.recv()?;
///     numbers.send(&(2 * number))
/// }
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let (mine, theirs) = pipe::<u64, u64>()?;
/// let child = Process::spawn(double, (theirs,))?;
/// mine.send(&21)?;
/// println!("{}", mine.recv()?);
/// child.join()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
#[allow(
    clippy::type_complexity,
    reason = "a pair of connections is the whole point"
)]
pub fn pipe<A, B>() -> Result<(Connection<A, B>, Connection<B, A>), Error> {
    let (first, second) = pipe::create(true)?;
    Ok((Connection::from_raw(first), Connection::from_raw(second)))
}

/// Makes a pipe that carries `T` one way. Returns the receiving end and the sending end, in Python's order.
/// Python: `Pipe(duplex=False)`.
///
/// # Errors
/// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
pub fn one_way_pipe<T>() -> Result<(Receiver<T>, Sender<T>), Error> {
    let (receiver, sender) = pipe::create(false)?;
    Ok((Receiver::from_raw(receiver), Sender::from_raw(sender)))
}

/// One end of a [`pipe`]: sends `S` and receives `R`.
///
/// The host counts the handles to each end. When every handle to an end is gone, in all processes and
/// messages, the other end receives the remaining messages, then [`EndOfFile`](crate::ErrorKind::EndOfFile),
/// and its sends fail. So a process that passes an end to a child should drop its own handle: `spawn` takes
/// arguments by value.
pub struct Connection<S, R = S> {
    pub(crate) raw: Arc<Numbered<RawConnection>>,
    values: PhantomData<fn(S) -> R>,
}

/// The sending end of a [`one_way_pipe`]. The host counts its handles as those of a [`Connection`].
pub struct Sender<T> {
    pub(crate) raw: Arc<Numbered<RawConnection>>,
    values: PhantomData<fn(T)>,
}

/// The receiving end of a [`one_way_pipe`]. The host counts its handles as those of a [`Connection`].
pub struct Receiver<T> {
    pub(crate) raw: Arc<Numbered<RawConnection>>,
    values: PhantomData<fn() -> T>,
}

/// The methods of an end that sends `$value`.
macro_rules! sending {
    ($value:ident, $end:ident<$($parameter:ident),+>) => {
        impl<$($parameter),+> $end<$($parameter),+>
        where
            $value: Serialize,
        {
            /// Sends a value, waiting while the pipe is full.
            ///
            /// # Errors
            /// [`BrokenPipe`](crate::ErrorKind::BrokenPipe) if the other end is gone;
            /// [`MessageTooLarge`](crate::ErrorKind::MessageTooLarge);
            /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded);
            /// [`Encode`](crate::ErrorKind::Encode).
            pub fn send(&self, value: &$value) -> Result<(), Error> {
                self.send_within(value, None)
            }

            /// As `send`, without waiting.
            ///
            /// # Errors
            /// [`TimedOut`](crate::ErrorKind::TimedOut), and those of `send`.
            pub fn try_send(&self, value: &$value) -> Result<(), Error> {
                self.send_within(value, NO_WAIT)
            }

            /// As `send`, waiting for `timeout` at most.
            ///
            /// # Errors
            /// [`TimedOut`](crate::ErrorKind::TimedOut), and those of `send`.
            pub fn send_timeout(&self, value: &$value, timeout: Duration) -> Result<(), Error> {
                self.send_within(value, Some(nanoseconds(timeout)))
            }

            fn send_within(&self, value: &$value, timeout: Option<u64>) -> Result<(), Error> {
                message::encode(&[], value, |bytes, handles| {
                    blocking::wait(timeout, |timeout| self.raw.send(bytes, handles, timeout))
                })??;
                Ok(())
            }
        }
    };
}

/// The methods of an end that receives `$value`.
macro_rules! receiving {
    ($value:ident, $end:ident<$($parameter:ident),+>) => {
        impl<$($parameter),+> $end<$($parameter),+>
        where
            $value: DeserializeOwned,
        {
            /// Receives the next value, waiting for one.
            ///
            /// # Errors
            /// [`EndOfFile`](crate::ErrorKind::EndOfFile) if the other end is gone and nothing is left;
            /// [`Decode`](crate::ErrorKind::Decode) if the message is of another type: the message is lost.
            pub fn recv(&self) -> Result<$value, Error> {
                self.recv_within(None)
            }

            /// As `recv`, without waiting.
            ///
            /// # Errors
            /// [`TimedOut`](crate::ErrorKind::TimedOut), and those of `recv`.
            pub fn try_recv(&self) -> Result<$value, Error> {
                self.recv_within(NO_WAIT)
            }

            /// As `recv`, waiting for `timeout` at most.
            ///
            /// # Errors
            /// [`TimedOut`](crate::ErrorKind::TimedOut), and those of `recv`.
            pub fn recv_timeout(&self, timeout: Duration) -> Result<$value, Error> {
                self.recv_within(Some(nanoseconds(timeout)))
            }

            /// Whether `recv` would return at once: a value has arrived, or the other end is gone. Does not
            /// block. Python: `poll()`.
            ///
            /// # Errors
            /// Never fails today; the error leaves room for later failures.
            pub fn poll(&self) -> Result<bool, Error> {
                Ok(self.raw.poll(NO_WAIT)?)
            }

            /// As `poll`, waiting for `timeout` at most. Python: `poll(timeout)`.
            ///
            /// # Errors
            /// Never fails today; the error leaves room for later failures.
            pub fn poll_timeout(&self, timeout: Duration) -> Result<bool, Error> {
                let timeout = Some(nanoseconds(timeout));
                let polled = blocking::wait_while(
                    timeout,
                    |timeout| self.raw.poll(timeout),
                    |polled| matches!(polled, Ok(false)),
                );
                Ok(polled?)
            }

            fn recv_within(&self, timeout: Option<u64>) -> Result<$value, Error> {
                message::decode(blocking::wait(timeout, |timeout| self.raw.recv(timeout))?)
            }
        }
    };
}

sending!(S, Connection<S, R>);
receiving!(R, Connection<S, R>);
sending!(T, Sender<T>);
receiving!(T, Receiver<T>);
travels!(Connection<S, R>, RawConnection, "connection");
travels!(Sender<T>, RawConnection, "connection");
travels!(Receiver<T>, RawConnection, "connection");

impl<T: DeserializeOwned> Receiver<T> {
    /// Receives value after value, waiting for each, until the other end is gone.
    pub fn iter(&self) -> RecvIter<'_, T> {
        RecvIter::new(self)
    }
}

impl<'a, T: DeserializeOwned> IntoIterator for &'a Receiver<T> {
    type Item = Result<T, Error>;
    type IntoIter = RecvIter<'a, T>;

    fn into_iter(self) -> RecvIter<'a, T> {
        self.iter()
    }
}
