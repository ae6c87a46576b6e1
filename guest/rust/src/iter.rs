//! Iterators over arriving values.

use crate::{Error, ErrorKind, Queue, Receiver};
use serde::de::DeserializeOwned;

/// The iterator of [`Queue::iter`]: each value, until the queue is closed and empty.
#[derive(Debug)]
pub struct GetIter<'a, T> {
    queue: &'a Queue<T>,
}

impl<'a, T> GetIter<'a, T> {
    pub(crate) fn new(queue: &'a Queue<T>) -> GetIter<'a, T> {
        GetIter { queue }
    }
}

impl<T: DeserializeOwned> Iterator for GetIter<'_, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Result<T, Error>> {
        until(self.queue.get(), ErrorKind::Closed)
    }
}

/// The iterator of [`Receiver::iter`]: each value, until the other end is gone.
#[derive(Debug)]
pub struct RecvIter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<'a, T> RecvIter<'a, T> {
    pub(crate) fn new(receiver: &'a Receiver<T>) -> RecvIter<'a, T> {
        RecvIter { receiver }
    }
}

impl<T: DeserializeOwned> Iterator for RecvIter<'_, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Result<T, Error>> {
        until(self.receiver.recv(), ErrorKind::EndOfFile)
    }
}

/// `None` for the error that marks the end, any other result as it is.
fn until<T>(result: Result<T, Error>, end: ErrorKind) -> Option<Result<T, Error>> {
    match result {
        Err(error) if error.kind() == end => None,
        other => Some(other),
    }
}
