//! What the operations of dicts and lists can end with besides success.

use std::fmt;

use crate::object::Message;

/// Why nothing was stored. Gives back what was to be, with its handles held as before.
#[derive(Debug)]
pub enum StoreError<T = Message> {
    /// What was to be replaced is not any more what it was.
    Changed(T),
    /// The list has no such element.
    OutOfRange {
        /// What was to be stored.
        rejected: T,
        /// Which element was meant, and how many there are.
        reason: OutOfRange,
    },
    /// What is queued and stored in the tree costs too much already.
    BudgetExceeded {
        /// What was to be stored.
        rejected: T,
        /// What it costs, in bytes.
        charged_bytes: u64,
        /// What the tree's messages and memories cost, in bytes.
        queued_bytes: u64,
        /// What they may cost, in bytes.
        limit_bytes: u64,
    },
}

impl<T> StoreError<T> {
    /// What was not stored.
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
                "what costs {charged_bytes} bytes does not fit beside {queued_bytes} queued bytes \
                 within the limit of {limit_bytes} bytes"
            ),
        }
    }
}

impl<T: fmt::Debug> std::error::Error for StoreError<T> {}

/// The list has no such element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// The element that was meant; negative numbers count from the end.
    pub index: i64,
    /// How many elements the list has.
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
    /// The list is not any more what it was.
    Changed,
    /// The order does not name each element once.
    NoOrder {
        /// How many elements it names.
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

/// A [`StoreError`] before it is known what it gives back.
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
