//! Maps that draw items, and return values, one by one.

use super::ended;
use super::submission::raw_jobs;
use crate::bindings::pool::{Batch, Outcome};
use crate::bindings::types::ErrorCode;
use crate::message::Encoded;
use crate::time::nanoseconds;
use crate::{Error, ErrorKind, blocking};
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::fmt;
use std::time::Duration;

/// The values of [`Pool::imap`](crate::Pool::imap) and
/// [`Pool::imap_unordered`](crate::Pool::imap_unordered). Python: `IMapIterator`.
///
/// A failed job gives one error in the place of all its values, and the iteration goes on after it. If an
/// item cannot be encoded, no more items are drawn, and its error comes last. Dropping this drops the values
/// that are not taken; submitted jobs still run.
pub struct Imap<'a, T> {
    batch: Batch,
    /// Draws items and encodes them as a job.
    draw: Option<Draw<'a>>,
    is_ordered: bool,
    read_ahead: usize,
    /// The number of jobs that are submitted and not taken.
    ahead: usize,
    /// The values of the job that was taken last.
    values: std::vec::IntoIter<T>,
    /// The error because of which no more items are drawn, if there is one.
    last_error: Option<Error>,
}

/// A function that makes the next job; none if there are no more items.
pub(super) type Draw<'a> = Box<dyn FnMut() -> Option<Result<Encoded, Error>> + 'a>;

impl<'a, T> Imap<'a, T> {
    /// Submits the first jobs with `submit`.
    pub(super) fn start(
        draw: Draw<'a>,
        read_ahead: usize,
        is_ordered: bool,
        submit: impl FnOnce(&mut [Encoded]) -> Result<Batch, Error>,
    ) -> Result<Imap<'a, T>, Error> {
        let mut draw = Some(draw);
        let (mut jobs, last_error) = draw_jobs(&mut draw, read_ahead);
        Ok(Imap {
            ahead: jobs.len(),
            batch: submit(&mut jobs)?,
            draw,
            is_ordered,
            read_ahead,
            values: Vec::new().into_iter(),
            last_error,
        })
    }

    /// Draws items until the largest number of jobs is ahead. It does so only when half of them are taken, so
    /// that one host call submits many jobs.
    fn fill(&mut self) {
        if self.draw.is_none() || self.ahead > self.read_ahead / 2 {
            return;
        }
        let (mut jobs, error) = draw_jobs(&mut self.draw, self.read_ahead - self.ahead);
        self.last_error = error;
        if jobs.is_empty() {
            return;
        }
        match self.batch.add(&raw_jobs(&mut jobs)) {
            Ok(()) => self.ahead += jobs.len(),
            Err(code) => {
                self.draw = None;
                self.last_error = Some(code.into());
            }
        }
    }

    /// Waits for the next job to end.
    fn take(&mut self, timeout: Option<u64>) -> Result<Outcome, ErrorCode> {
        let batch = &self.batch;
        if self.is_ordered {
            blocking::wait(timeout, |timeout| batch.next(timeout))
        } else {
            blocking::wait(timeout, |timeout| batch.next_ended(timeout)).map(|(_, ended)| ended)
        }
    }
}

impl<T: DeserializeOwned> Imap<'_, T> {
    /// As `next`, waiting for `timeout` at most. Python: `next(timeout)`.
    ///
    /// # Errors
    /// Inside the option: [`ErrorKind::TimedOut`], after which the iteration can go on, and those of
    /// [`AsyncResult::get`](crate::AsyncResult::get).
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<T, Error>> {
        self.next_within(Some(nanoseconds(timeout)))
    }

    fn next_within(&mut self, timeout: Option<u64>) -> Option<Result<T, Error>> {
        loop {
            if let Some(value) = self.values.next() {
                return Some(Ok(value));
            }
            self.fill();
            if self.ahead == 0 {
                return self.last_error.take().map(Err);
            }
            let outcome = match self.take(timeout) {
                Ok(outcome) => outcome,
                Err(ErrorCode::TimedOut) => return Some(Err(Error::new(ErrorKind::TimedOut))),
                Err(code) => {
                    // This cannot happen, because no other code takes from this batch. The reset keeps the
                    // same error from coming twice.
                    self.ahead = 0;
                    self.draw = None;
                    return Some(Err(code.into()));
                }
            };
            self.ahead -= 1;
            match ended::value::<Vec<T>>(outcome) {
                Ok(values) => self.values = values.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<T: DeserializeOwned> Iterator for Imap<'_, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Result<T, Error>> {
        self.next_within(None)
    }
}

impl<T> fmt::Debug for Imap<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Imap<{}>", type_name::<T>())
    }
}

/// Draws up to `count` jobs, and returns the error that ended the drawing, if any. `draw` becomes none when
/// there are no more items.
fn draw_jobs(draw: &mut Option<Draw<'_>>, count: usize) -> (Vec<Encoded>, Option<Error>) {
    let mut jobs = Vec::new();
    while jobs.len() < count
        && let Some(next) = draw
    {
        match next() {
            Some(Ok(job)) => jobs.push(job),
            Some(Err(error)) => {
                *draw = None;
                return (jobs, Some(error));
            }
            None => *draw = None,
        }
    }
    (jobs, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs_of(results: Vec<Option<Result<Encoded, Error>>>) -> Option<Draw<'static>> {
        let mut results = results.into_iter();
        Some(Box::new(move || {
            results.next().expect("not asked again after the end")
        }))
    }

    fn job() -> Option<Result<Encoded, Error>> {
        Some(Ok(Encoded::default()))
    }

    #[test]
    fn no_more_is_drawn_than_is_wanted() {
        let mut draw = jobs_of(vec![job(), job(), job(), None]);
        let (jobs, error) = draw_jobs(&mut draw, 2);
        assert!(jobs.len() == 2 && error.is_none() && draw.is_some());
        let (jobs, error) = draw_jobs(&mut draw, 2);
        assert!(jobs.len() == 1 && error.is_none() && draw.is_none());
        let (jobs, _) = draw_jobs(&mut draw, 2);
        assert!(jobs.is_empty(), "the end is met once");
    }

    #[test]
    fn an_item_that_fails_ends_the_drawing_and_loses_nothing() {
        let error = Error::with_text(ErrorKind::Encode, "no message");
        let mut draw = jobs_of(vec![job(), Some(Err(error))]);
        let (jobs, error) = draw_jobs(&mut draw, 4);
        assert_eq!(jobs.len(), 1);
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Encode));
        assert!(draw.is_none());
    }
}
