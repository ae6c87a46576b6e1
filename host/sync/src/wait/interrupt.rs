//! Why a wait ends before its operation succeeds.

use std::fmt;

/// Why a wait ended without its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The timeout passed, or the party was [notified](crate::Waiter::notify).
    TimedOut,
    Killed,
}

/// The party was killed: its operation has not been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

impl fmt::Display for Killed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("killed while waiting")
    }
}

impl std::error::Error for Killed {}
