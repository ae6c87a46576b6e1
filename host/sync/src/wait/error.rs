//! Why a wait for any object failed.

use std::fmt;

use super::interrupt::Interrupt;

/// Why a wait ended without its result: the value of a [`Completion`](crate::Completion), or a ready object
/// ([`wait_any`](crate::wait_any())).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError {
    /// The result did not come before the timeout.
    TimedOut,
    /// The party was killed while it waited.
    Killed,
}

impl fmt::Display for WaitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TimedOut => "the timeout passed before it came",
            Self::Killed => "killed while waiting",
        })
    }
}

impl std::error::Error for WaitError {}

impl From<Interrupt> for WaitError {
    fn from(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::TimedOut => Self::TimedOut,
            Interrupt::Killed => Self::Killed,
        }
    }
}
