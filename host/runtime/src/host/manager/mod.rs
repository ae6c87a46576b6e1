//! `manager`: one file per kind of object.

mod dict;
mod list;

use super::bindings::isopod::multiprocessing::manager::{Host, Value, Versioned};
use super::bindings::isopod::multiprocessing::types::{ErrorCode, Message};
use super::errors::Failure;
use crate::events::LimitKind;
use crate::run::State;
use isopod_sync::{OutOfRange, ReorderError, StoreError};

impl Host for State {}

impl State {
    fn values(&self, values: Vec<Value>) -> Result<Vec<isopod_sync::Message>, Failure> {
        let values = values.into_iter();
        values
            .map(|value| self.message(value.bytes, &value.handles))
            .collect()
    }

    fn deliver_versioned(
        &mut self,
        versioned: isopod_sync::Versioned,
    ) -> Result<Versioned, Failure> {
        Ok(Versioned {
            value: self.deliver(versioned.message)?,
            version: versioned.version,
        })
    }

    fn deliver_all(
        &mut self,
        messages: Vec<isopod_sync::Message>,
    ) -> Result<Vec<Message>, Failure> {
        let messages = messages.into_iter();
        messages.map(|message| self.deliver(message)).collect()
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
            StoreError::BudgetExceeded { .. } => {
                return Failure::Limit(LimitKind::QueuedBytes, text);
            }
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
