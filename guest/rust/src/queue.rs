//! Queues.

use crate::bindings::queue::Queue as RawQueue;
use crate::handle::travels;
use crate::numbered::Numbered;
use crate::time::{NO_WAIT, nanoseconds};
use crate::{Error, GetIter, blocking, message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// A first-in, first-out queue of values, for any number of senders and receivers.
///
/// Cloning gives a second handle to the same queue. Unlike Python's queue, it has no feeder thread: when
/// [`put`](Queue::put) returns, the message is in the queue, and it stays there when this process ends.
///
/// ```no_run
/// # use isopod::{Process, Queue};
/// # #[isopod::main]
/// # fn main() -> isopod::Result<()> {
/// let queue = Queue::<String>::bounded(8)?;
/// let child = Process::spawn(|queue: Queue<String>| queue.put(&"hello".to_owned()), (queue.clone(),))?;
/// assert_eq!(queue.get()?, "hello");
/// child.join()?;
/// # Ok(())
/// # }
/// ```
pub struct Queue<T> {
    // `Clone` shares the reference, because one entry in the host's table is enough.
    pub(crate) raw: Arc<Numbered<RawQueue>>,
    // A queue neither owns a `T` nor borrows from one.
    values: PhantomData<fn(T) -> T>,
}

/// The bounds of a queue. `None` means that the queue has no such bound of its own; the limit on queued bytes
/// of the tree of processes always applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// The largest number of messages in the queue.
    pub max_messages: Option<u32>,
    /// The largest number of payload bytes of all messages in the queue.
    pub max_bytes: Option<u64>,
}

impl<T> Queue<T> {
    /// Makes a queue without bounds of its own. Python: `Queue()`.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new() -> Result<Queue<T>, Error> {
        Queue::with_bounds(Bounds::default())
    }

    /// Makes a queue that counts unfinished tasks: each message is a task, which is unfinished from its `put`
    /// until a process calls [`task_done`](Self::task_done). Python: `JoinableQueue()`.
    ///
    /// # Errors
    /// As [`with_bounds`](Self::with_bounds).
    pub fn joinable(bounds: Bounds) -> Result<Queue<T>, Error> {
        let raw = RawQueue::create_joinable(bounds.max_messages, bounds.max_bytes)?;
        Ok(Queue::from_raw(raw))
    }

    /// Marks a task that was taken as done. When a process ends, the tasks that it had taken count as done,
    /// but abandoned.
    ///
    /// # Errors
    /// [`NotHeld`](crate::ErrorKind::NotHeld) if no task is unfinished;
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if the queue was not made with
    /// [`joinable`](Self::joinable).
    pub fn task_done(&self) -> Result<(), Error> {
        Ok(self.raw.task_done()?)
    }

    /// Waits until no task is unfinished. Returns the number of abandoned tasks. Python:
    /// `JoinableQueue.join()`.
    ///
    /// # Errors
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if the queue was not made with
    /// [`joinable`](Self::joinable).
    pub fn join(&self) -> Result<u64, Error> {
        self.join_within(None)
    }

    /// As [`join`](Self::join), for `timeout` at most.
    ///
    /// # Errors
    /// As `join`; [`TimedOut`](crate::ErrorKind::TimedOut).
    pub fn join_timeout(&self, timeout: Duration) -> Result<u64, Error> {
        self.join_within(Some(nanoseconds(timeout)))
    }

    /// Makes a queue of at most `max_messages` messages. Python: `Queue(maxsize)`, but 0 is an
    /// error here.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if the bound is 0;
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn bounded(max_messages: u32) -> Result<Queue<T>, Error> {
        Queue::with_bounds(Bounds {
            max_messages: Some(max_messages),
            max_bytes: None,
        })
    }

    /// Makes a queue with bounds in messages, in bytes, or both.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if a bound is 0;
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn with_bounds(bounds: Bounds) -> Result<Queue<T>, Error> {
        Ok(Queue::from_raw(RawQueue::create(
            bounds.max_messages,
            bounds.max_bytes,
        )?))
    }

    /// The current number of messages in the queue. It is exact, but may be out of date at once. Does not
    /// block. Python: `qsize()`.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.raw.len()
    }

    /// Whether the queue has no message now. Does not block. Python: `empty()`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw.len() == 0
    }

    /// Whether a put would have to wait now. Does not block. Python: `full()`.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.raw.is_full()
    }

    /// Closes the queue for all processes: later puts fail with [`Closed`](crate::ErrorKind::Closed), gets
    /// take the remaining messages and then fail with it, and iterators end. Does not block. Closing twice is
    /// fine.
    pub fn close(&self) {
        self.raw.close();
    }

    fn join_within(&self, timeout: Option<u64>) -> Result<u64, Error> {
        Ok(blocking::wait(timeout, |timeout| self.raw.join(timeout))?)
    }
}

impl<T: Serialize> Queue<T> {
    /// Appends a value, waiting for room.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed); [`MessageTooLarge`](crate::ErrorKind::MessageTooLarge) at once,
    /// if the message could never fit; [`LimitExceeded`](crate::ErrorKind::LimitExceeded) at once, if the
    /// tree's queued bytes are used up; [`Encode`](crate::ErrorKind::Encode).
    pub fn put(&self, value: &T) -> Result<(), Error> {
        self.put_within(value, None)
    }

    /// As [`put`](Queue::put), without waiting. Python: `put_nowait`.
    ///
    /// # Errors
    /// [`Full`](crate::ErrorKind::Full), and those of [`put`](Queue::put).
    pub fn try_put(&self, value: &T) -> Result<(), Error> {
        self.put_within(value, NO_WAIT)
    }

    /// As [`put`](Queue::put), waiting for `timeout` at most.
    ///
    /// # Errors
    /// [`Full`](crate::ErrorKind::Full), and those of [`put`](Queue::put).
    pub fn put_timeout(&self, value: &T, timeout: Duration) -> Result<(), Error> {
        self.put_within(value, Some(nanoseconds(timeout)))
    }

    fn put_within(&self, value: &T, timeout: Option<u64>) -> Result<(), Error> {
        message::encode(&[], value, |bytes, handles| {
            blocking::wait(timeout, |timeout| self.raw.put(bytes, handles, timeout))
        })??;
        Ok(())
    }
}

impl<T: DeserializeOwned> Queue<T> {
    /// Takes the oldest value, waiting for one.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) if the queue is closed and empty;
    /// [`Decode`](crate::ErrorKind::Decode) if the message is not a `T`: the message is lost.
    pub fn get(&self) -> Result<T, Error> {
        self.get_within(None)
    }

    /// As [`get`](Queue::get), without waiting. Python: `get_nowait`.
    ///
    /// # Errors
    /// [`Empty`](crate::ErrorKind::Empty), and those of [`get`](Queue::get).
    pub fn try_get(&self) -> Result<T, Error> {
        self.get_within(NO_WAIT)
    }

    /// As [`get`](Queue::get), waiting for `timeout` at most.
    ///
    /// # Errors
    /// [`Empty`](crate::ErrorKind::Empty), and those of [`get`](Queue::get).
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, Error> {
        self.get_within(Some(nanoseconds(timeout)))
    }

    /// Takes value after value, waiting for each, until the queue is closed and empty.
    pub fn iter(&self) -> GetIter<'_, T> {
        GetIter::new(self)
    }

    fn get_within(&self, timeout: Option<u64>) -> Result<T, Error> {
        message::decode(blocking::wait(timeout, |timeout| self.raw.get(timeout))?)
    }
}

impl<'a, T: DeserializeOwned> IntoIterator for &'a Queue<T> {
    type Item = Result<T, Error>;
    type IntoIter = GetIter<'a, T>;

    fn into_iter(self) -> GetIter<'a, T> {
        self.iter()
    }
}

travels!(Queue<T>, RawQueue, "queue");
