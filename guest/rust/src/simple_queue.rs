//! Queues with few methods.

use crate::{Error, Queue};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A queue with only four operations: put, get, a check whether it is empty, and close. Python:
/// `multiprocessing.SimpleQueue`.
///
/// It wraps a [`Queue`] without bounds of its own. So unlike Python's, which is a pipe inside, it never makes
/// a `put` wait; the limit on queued bytes of the tree of processes applies.
///
/// ```no_run
/// # use isopod::SimpleQueue;
/// let queue = SimpleQueue::new()?;
/// queue.put(&"hello".to_owned())?;
/// assert_eq!(queue.get()?, "hello");
/// assert!(queue.is_empty());
/// # Ok::<(), isopod::Error>(())
/// ```
pub struct SimpleQueue<T> {
    queue: Queue<T>,
}

impl<T> SimpleQueue<T> {
    /// Makes an empty queue.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn new() -> Result<SimpleQueue<T>, Error> {
        Ok(SimpleQueue {
            queue: Queue::new()?,
        })
    }

    /// Whether the queue has no message now. Does not block. Python: `empty()`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Closes the queue for all processes: later puts fail, gets take the remaining messages and then fail.
    /// Does not block. Closing twice is fine. Python closes it for the calling process alone.
    pub fn close(&self) {
        self.queue.close();
    }

    /// The queue inside, for [`wait_any`](crate::wait_any).
    pub(crate) fn queue(&self) -> &Queue<T> {
        &self.queue
    }
}

impl<T: Serialize> SimpleQueue<T> {
    /// Appends a value.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed); [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if
    /// the tree's queued bytes are used up; [`Encode`](crate::ErrorKind::Encode).
    pub fn put(&self, value: &T) -> Result<(), Error> {
        self.queue.put(value)
    }
}

impl<T: DeserializeOwned> SimpleQueue<T> {
    /// Takes the oldest value, waiting for one.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) if the queue is closed and empty;
    /// [`Decode`](crate::ErrorKind::Decode) if the message is not a `T`: the message is lost.
    pub fn get(&self) -> Result<T, Error> {
        self.queue.get()
    }
}

impl<T> Clone for SimpleQueue<T> {
    fn clone(&self) -> SimpleQueue<T> {
        SimpleQueue {
            queue: self.queue.clone(),
        }
    }
}

impl<T> fmt::Debug for SimpleQueue<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SimpleQueue<{}>", std::any::type_name::<T>())
    }
}

impl<T> Serialize for SimpleQueue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.queue.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for SimpleQueue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SimpleQueue<T>, D::Error> {
        Ok(SimpleQueue {
            queue: Queue::deserialize(deserializer)?,
        })
    }
}
