//! Errors of locks, semaphores, conditions and barriers.

use std::fmt;

/// Why a lock or a permit was not acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireError {
    /// It was not free before the timeout.
    TimedOut,
    /// The party was killed while it waited.
    Killed,
}

impl fmt::Display for AcquireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TimedOut => "not acquired before the timeout",
            Self::Killed => "killed while waiting",
        })
    }
}

impl std::error::Error for AcquireError {}

/// The lock to release is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHeld;

impl fmt::Display for NotHeld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the lock is not held")
    }
}

impl std::error::Error for NotHeld {}

/// Why a recursive lock was not acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RLockError {
    /// It was not free before the timeout.
    TimedOut,
    /// The party was killed while it waited.
    Killed,
    /// The party has acquired it `u32::MAX` times.
    TooDeep,
}

impl fmt::Display for RLockError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => formatter.write_str("the lock was not free before the timeout"),
            Self::Killed => formatter.write_str("killed while waiting"),
            Self::TooDeep => write!(
                formatter,
                "the lock was acquired {} times, which is the limit",
                u32::MAX
            ),
        }
    }
}

impl std::error::Error for RLockError {}

/// The party does not own the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOwner;

impl fmt::Display for NotOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the caller does not own the lock")
    }
}

impl std::error::Error for NotOwner {}

/// There would be too many permits after the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyReleases {
    /// The number of permits to give back.
    pub count: u32,
    /// The number of permits that there are.
    pub permits: u32,
    /// The largest number of permits.
    pub limit: u32,
}

impl fmt::Display for TooManyReleases {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            count,
            permits,
            limit,
        } = self;
        write!(
            formatter,
            "release of {count} permits beside {permits} exceeds the limit of {limit} permits"
        )
    }
}

impl std::error::Error for TooManyReleases {}

/// Why a wait at a barrier ended without passing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarrierError {
    /// The barrier is broken, or was broken or reset while the party waited.
    Broken,
    /// Not all parties arrived before the timeout, and the barrier is broken now.
    TimedOut,
    /// The party was killed while it waited, and the barrier is broken now.
    Killed,
}

impl fmt::Display for BarrierError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Broken => "the barrier is broken",
            Self::TimedOut => "not all parties came to the barrier before the timeout",
            Self::Killed => "killed while waiting",
        })
    }
}

impl std::error::Error for BarrierError {}

/// Why the parties at a barrier were not let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassError {
    /// The barrier was broken or reset meanwhile.
    Broken,
    /// The party did not arrive last.
    NotLast,
}

impl fmt::Display for PassError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Broken => "the barrier is broken",
            Self::NotLast => "only the last party that came lets the others pass",
        })
    }
}

impl std::error::Error for PassError {}

/// Why a wait for a condition ended without the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionError {
    /// The party does not own the lock, and has not waited.
    NotOwner,
    /// The party was killed while it waited, for a notification or for the lock.
    Killed,
}

impl fmt::Display for ConditionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOwner => NotOwner.fmt(formatter),
            Self::Killed => formatter.write_str("killed while waiting"),
        }
    }
}

impl std::error::Error for ConditionError {}
