//! Errors of dicts and lists.

use std::fmt;

use crate::object::Message;

/// Why nothing was stored. Gives the rejected messages back, with their handles held as before.
#[derive(Debug)]
pub enum StoreError<T = Message> {
    /// The value to replace has changed meanwhile.
    Changed(T),
    /// The list has no such element.
    OutOfRange {
        /// The messages that were not stored.
        rejected: T,
        /// The requested index, and the number of elements.
        reason: OutOfRange,
    },
    /// The charge for the messages queued and stored in the tree is already too high.
    BudgetExceeded {
        /// The messages that were not stored.
        rejected: T,
        /// The charge for them, in bytes.
        charged_bytes: u64,
        /// The charge for the tree's messages and memories, in bytes.
        queued_bytes: u64,
        /// The limit on this charge, in bytes.
        limit_bytes: u64,
    },
}

impl<T> StoreError<T> {
    /// The messages that were not stored.
    #[must_use]
    pub fn into_rejected(self) -> T {
        match self {
            Self::Changed(rejected)
            | Self::OutOfRange { rejected, .. }
            | Self::BudgetExceeded { rejected, .. } => rejected,
        }
    }
}

impl<T> fmt::Display for StoreError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(_) => formatter.write_str("it was changed meanwhile"),
            Self::OutOfRange { reason, .. } => reason.fmt(formatter),
            Self::BudgetExceeded {
                charged_bytes,
                queued_bytes,
                limit_bytes,
                ..
            } => write!(
                formatter,
                "a value that costs {charged_bytes} bytes does not fit beside {queued_bytes} queued bytes \
                 within the limit of {limit_bytes} bytes"
            ),
        }
    }
}

impl<T: fmt::Debug> std::error::Error for StoreError<T> {}

/// The list has no such element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// The requested index; negative numbers count from the end.
    pub index: i64,
    /// The number of elements in the list.
    pub length: usize,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, length } = self;
        write!(
            formatter,
            "index {index} is not within a list of {length} elements"
        )
    }
}

impl std::error::Error for OutOfRange {}

/// Why a list was not put into another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReorderError {
    /// The list has changed meanwhile.
    Changed,
    /// The order does not name each element once.
    NoOrder {
        /// The number of elements that the order names.
        length: usize,
    },
}

impl fmt::Display for ReorderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => formatter.write_str("the list was changed meanwhile"),
            Self::NoOrder { length } => write!(
                formatter,
                "an order of {length} elements does not name each of the list's once"
            ),
        }
    }
}

impl std::error::Error for ReorderError {}

/// A [`StoreError`] before its rejected messages are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Changed,
    OutOfRange(OutOfRange),
    BudgetExceeded {
        charged_bytes: u64,
        queued_bytes: u64,
        limit_bytes: u64,
    },
}

impl Refusal {
    pub(crate) fn with<T>(self, rejected: T) -> StoreError<T> {
        match self {
            Self::Changed => StoreError::Changed(rejected),
            Self::OutOfRange(reason) => StoreError::OutOfRange { rejected, reason },
            Self::BudgetExceeded {
                charged_bytes,
                queued_bytes,
                limit_bytes,
            } => StoreError::BudgetExceeded {
                rejected,
                charged_bytes,
                queued_bytes,
                limit_bytes,
            },
        }
    }
}

impl From<OutOfRange> for Refusal {
    fn from(reason: OutOfRange) -> Self {
        Self::OutOfRange(reason)
    }
}
