//! `manager`: one file per kind of object.

mod dict;
mod list;

use super::bindings::isopod::multiprocessing::manager::{Host, Value, Versioned};
use super::bindings::isopod::multiprocessing::types::{ErrorCode, Message};
use super::errors::{Failure, over_budget};
use crate::guest::State;
use isopod_sync::{OutOfRange, ReorderError, StoreError};

impl Host for State {}

impl State {
    fn values(&mut self, values: Vec<Value>) -> Result<Vec<isopod_sync::Message>, Failure> {
        let values = values.into_iter();
        self.messages(values.map(|value| (value.bytes, value.handles)))
    }

    fn deliver_versioned(
        &mut self,
        versioned: isopod_sync::Versioned,
    ) -> Result<Versioned, Failure> {
        Ok(Versioned {
            value: self.deliver_copy(versioned.message)?,
            version: versioned.version,
        })
    }

    /// Copies of several messages, all or none.
    fn deliver_copies(
        &mut self,
        messages: Vec<isopod_sync::Message>,
    ) -> Result<Vec<Message>, Failure> {
        let parts = messages
            .into_iter()
            .map(|message| (message.bytes, message.handles));
        let (bytes, handles): (Vec<_>, Vec<_>) = parts.unzip();
        let counts: Vec<usize> = handles.iter().map(Vec::len).collect();
        let mut handles = self.push_all(handles.into_iter().flatten())?.into_iter();
        let messages = bytes.into_iter().zip(counts).map(|(bytes, count)| Message {
            bytes,
            handles: handles.by_ref().take(count).collect(),
        });
        Ok(messages.collect())
    }
}

/// Whether a conditional change was made.
fn unless_changed(outcome: Result<(), StoreError>) -> Result<bool, Failure> {
    match outcome {
        Ok(()) => Ok(true),
        Err(StoreError::Changed(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl<T> From<StoreError<T>> for Failure {
    fn from(error: StoreError<T>) -> Failure {
        let text = error.to_string();
        Failure::Code(match error {
            StoreError::BudgetExceeded {
                charged_bytes,
                queued_bytes,
                limit_bytes,
                ..
            } => return over_budget(charged_bytes, queued_bytes, limit_bytes),
            StoreError::OutOfRange { .. } => ErrorCode::InvalidArgument(text),
            StoreError::Changed(_) => ErrorCode::Other(text),
        })
    }
}

impl From<OutOfRange> for Failure {
    fn from(error: OutOfRange) -> Failure {
        ErrorCode::InvalidArgument(error.to_string()).into()
    }
}

impl From<ReorderError> for Failure {
    fn from(error: ReorderError) -> Failure {
        ErrorCode::InvalidArgument(error.to_string()).into()
    }
}
