//! Why a wait ends without what it was for.

use std::fmt;

/// Why a wait ended without its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The time passed, or the party was [notified](Waiter::notify).
    TimedOut,
    Killed,
}

/// The party was killed: what it was doing has not been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

impl fmt::Display for Killed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("killed while waiting")
    }
}

impl std::error::Error for Killed {}
